"""`strategy-bank export --format skill|agents-md|markdown`: the best strategies as a text for agents, in a file or pipe."""

import os
import stat
from pathlib import Path

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import counted, given, printable, say, settings, with_bank
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Strategy

_NAMES = {"SKILL.md": "skill", "AGENTS.md": "agents-md", "CLAUDE.md": "agents-md", "GEMINI.md": "agents-md"}
_FOR_ALL = 0o644
"""Mode of a new file: it is made to be shared."""


def format_of(file: str) -> str:
    """By the name of the file."""
    path = Path(file)
    return _NAMES.get(path.name, "markdown" if path.suffix == ".md" else "jsonl")


def write_lessons(file: str, format: str, limit: int) -> None:
    """Write the file, or standard output for `-`. Raises InvalidInput, having written nothing."""
    from strategy_bank.tools.recall_strategies import scopes_read
    from strategy_bank.tools.sharing import agents_file

    scope: str | None = given("scope")
    scopes = [scope] if scope else scopes_read(settings().default_scope(Path.cwd()))
    path = None if file == "-" else Path(os.path.realpath(file))
    before = _text(path) if path else ""
    if format != "agents-md" and before.strip() and agents_file.WRITTEN not in before:
        raise InvalidInput(
            f"{file} was not written by strategy-bank and would be lost. Name another file, or remove it."
        )
    chosen, commanding = with_bank(lambda bank: agents_file.best(bank, scopes, limit))
    text = _rendered(format, chosen, scopes, before, path)
    if path is None:
        click.echo(text, nl=False)
    else:
        _write(path, text)
    say(f"Wrote {counted({'strategy': len(chosen)})} of {printable(' and '.join(scopes))}.")
    if commanding:
        ids = printable(", ".join(commanding))
        say(f"Warning: left out, since they read as orders to the agent; look at them with `show`: {ids}.")


def _rendered(format: str, chosen: list[Strategy], scopes: list[str], before: str, path: Path | None) -> str:
    from strategy_bank.tools.sharing import agents_file

    if format == "agents-md":
        return agents_file.section(chosen, scopes, before)
    if format == "skill":
        return agents_file.skill(chosen, scopes, path.parent.name if path else "")
    return agents_file.markdown(chosen, scopes)


def _text(path: Path) -> str:
    """Line ends as they are; empty where there is no file."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8 text: {exc.reason} at byte {exc.start}. Nothing was written.") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _write(path: Path, text: str) -> None:
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _FOR_ALL
    with replacing(path, mode) as target:
        target.write(text.encode())
