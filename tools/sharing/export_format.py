"""Which format a file of strategies for agents has, and what its text becomes."""

from pathlib import PurePath
from typing import Literal

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Strategy
from strategy_bank.tools.sharing import agents_file

Format = Literal["agents-md", "skill", "markdown"]
_NAMES: dict[str, Format] = {
    "SKILL.md": "skill",
    "AGENTS.md": "agents-md",
    "CLAUDE.md": "agents-md",
    "GEMINI.md": "agents-md",
}


def format_of(file: str) -> Format | Literal["jsonl"]:
    """Return the format that the name of a file suggests."""
    path = PurePath(file)
    if path.name in _NAMES:
        return _NAMES[path.name]
    return "markdown" if path.suffix == ".md" else "jsonl"


def check_ours(file: str, format: Format, before: str) -> None:
    """Raise InvalidInput where writing this format would lose a text that somebody else wrote."""
    if format != "agents-md" and before.strip() and agents_file.WRITTEN not in before:
        raise InvalidInput(
            f"{file} was not written by strategy-bank and would be lost. Name another file, or remove it."
        )


def rewritten(format: Format, strategies: list[Strategy], scopes: list[str], before: str, folder: str) -> str:
    """Return what the text of a file in `folder` becomes with these strategies. Raises InvalidInput."""
    if format == "agents-md":
        return agents_file.section(strategies, scopes, before)
    if format == "skill":
        return agents_file.skill(strategies, scopes, folder)
    return agents_file.markdown(strategies, scopes)
