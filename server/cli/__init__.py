"""The command line: it parses, calls and prints. One command is one file of its name, in one of the four folders."""
