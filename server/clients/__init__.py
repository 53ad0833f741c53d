"""The MCP clients on this machine: where their configuration lies, and how it is changed."""
