"""The smallest useful MCPServer: what `startup.py` measures the project's server against."""

from mcp.server import MCPServer

server = MCPServer("one-tool")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


if __name__ == "__main__":
    server.run("stdio")
