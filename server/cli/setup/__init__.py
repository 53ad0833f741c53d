"""Commands that start, configure, check and show the program itself."""
