"""A real server process over stdio, on a bank of its own: nothing of the developer's own settings."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mcp import Client, StdioServerParameters

SERVER = "strategy_bank.server"


def environment(home: Path | str, scope: str = "") -> dict[str, str]:
    """For a server on the bank in `home`; without a scope, the server finds one itself."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STRATEGY_BANK_")}
    return inherited | {"STRATEGY_BANK_HOME": str(home), "STRATEGY_BANK_SCOPE": scope}


def connected(environment: Mapping[str, str]) -> Client:
    """A client that starts the server when it is entered."""
    return Client(StdioServerParameters(command=sys.executable, args=["-m", SERVER, "serve"], env=dict(environment)))
