"""How many rows a backup holds, in words."""

from collections.abc import Mapping

from strategy_bank.server.cli.console import counted

_NAMES = {"strategies": "strategy", "episodes": "episode", "runs": "run"}


def told_rows(rows: Mapping[str, int]) -> str:
    """`2 strategies, 1 episode`."""
    return counted({name: rows[table] for table, name in _NAMES.items()})
