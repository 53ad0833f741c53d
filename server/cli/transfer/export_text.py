"""`strategy-bank export --format agents-md|skill|markdown`: the best strategies as a text for agents, in a file or pipe."""

import os
import stat
from pathlib import Path

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import Target, counted, printable, say
from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.recall_strategies import scopes_read
from strategy_bank.tools.sharing import agents_file
from strategy_bank.tools.sharing.file_format import Format, check_ours, rewritten

_FOR_ALL = 0o644  # the mode of a new file: it is made to be shared


def write_lessons(target: Target, file: str, format: Format, limit: int) -> None:
    """Write the best strategies to the file, or to standard output for `-`. Raises InvalidInput, having written nothing."""
    scopes = [target.scope] if target.scope else scopes_read(target.settings.default_scope(Path.cwd()))
    path = None if file == "-" else Path(os.path.realpath(file))
    before = _text(path) if path else ""
    check_ours(file, format, before)
    chosen, commanding = target.with_bank(lambda bank: agents_file.best(bank, scopes, limit))
    text = rewritten(format, chosen, scopes, before, path.parent.name if path else "")
    if path is None:
        click.echo(text, nl=False)
    else:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _FOR_ALL
        with replacing(path, mode) as output:
            output.write(text.encode())
    say(f"Wrote {counted({'strategy': len(chosen)})} of {printable(' and '.join(scopes))}.")
    if commanding:
        ids = printable(", ".join(commanding))
        say(f"Warning: left out, since they read as orders to the agent; look at them with `show`: {ids}.")


def _text(path: Path) -> str:
    """Return the file's text with its own line ends; empty where there is no file. Raises InvalidInput."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8 text: {exc.reason} at byte {exc.start}. Nothing was written.") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc
