"""Serves the MCP clients on this machine: knows where their configuration lies, changes it, answers their hooks."""
