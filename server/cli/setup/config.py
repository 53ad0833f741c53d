"""`strategy-bank config`: show all settings and where each comes from, and change `config.toml`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import (
    Target,
    ask_secret,
    json_option,
    pass_target,
    say,
    show,
    show_json,
    show_table,
)
from strategy_bank.server.clients.editors import toml_editor
from strategy_bank.server.config_file import CONFIG, config_text, parse_config
from strategy_bank.server.settings import FIELDS, PREFIX, Given, Sources, masked, parsed
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.location import Location

_HEADER = "# Settings of strategy-bank. Remove a # to set one. `strategy-bank config` shows what is in force.\n"


@click.group(invoke_without_command=True, short_help="Show or change the settings.")
@pass_target("Project name, as given to other commands.")
@json_option
def config(target: Target, as_json: bool) -> None:
    """Show every setting, its value, and where the value comes from. Secrets are masked.

    The command line goes before the environment, and the environment before `config.toml` in the home folder. Servers read
    them when they start.

    \b
    Examples:
      strategy-bank config
      strategy-bank config set judge agent
      strategy-bank config set llm_api_key -     ask for the value, so that it is not in the history
      strategy-bank config unset judge
      strategy-bank config edit
    """
    if click.get_current_context().invoked_subcommand:
        return
    settings, sources = target.settings, target.sources
    default, there = Given(None, "default", "default"), os.path.exists(sources.file)
    shown = [(name, masked(getattr(settings, name)), sources.given.get(name, default)) for name in FIELDS]
    if as_json:
        values = {name: {"value": value or None, "source": one.source, "name": one.name} for name, value, one in shown}
        show_json({"file": str(sources.file), "exists": there, "settings": values})
        return
    rows = [(name, value, CONFIG if one.source == "file" else one.name) for name, value, one in shown]
    show_table(("setting", "value", "from"), rows, folding=("value",))
    say(str(sources.file) if there else f"There is no {sources.file} yet; `config set` and `config edit` make it.")


@config.command("set")
@click.argument("name")
@click.argument("value")
@pass_target()
def set_value(target: Target, name: str, value: str) -> None:
    """Set NAME to VALUE in `config.toml`; everything else in it stays, comments too.

    With - as VALUE, the value is asked for without being shown, or read from a pipe.

    \b
    Examples:
      strategy-bank config set lock_timeout 60
      strategy-bank config set llm_api_key -
    """
    if name == "home":
        raise InvalidInput(f"home cannot be set in {CONFIG}, which lies in the home. Use --home or {PREFIX}HOME.")
    if name not in FIELDS:
        raise InvalidInput(f"There is no setting {name!r}. The settings are {', '.join(FIELDS)}.")
    if value == "-":
        value = ask_secret(name) if sys.stdin.isatty() else sys.stdin.readline().strip()
    file = _change(target, lambda text: toml_editor.put(text, [name], parsed(name, value)))
    say(f"Set {name} in {file}. Restart the clients that use it.")
    if (given := target.sources.given[name]).source != "file":
        say(f"Note: it has no effect here, because {given.name} goes before it.")


@config.command()
@click.argument("name")
@pass_target()
def unset(target: Target, name: str) -> None:
    """Remove NAME from `config.toml`, so that its default counts again."""
    if name not in parse_config(target.config_file):
        raise InvalidInput(f"{name} is not set in {target.config_file}.")
    file = _change(target, lambda text: toml_editor.drop(text, [name]))
    say(f"Removed {name} from {file}. Restart the clients that use it.")


@config.command()
@pass_target()
def path(target: Target) -> None:
    """Print where `config.toml` is, or would be."""
    show(str(target.config_file))


@config.command()
@pass_target()
def edit(target: Target) -> None:
    """Open `config.toml` in $VISUAL or $EDITOR, and check it afterwards. A new file lists all settings."""
    file = target.config_file
    if not file.exists():
        _write(file, _HEADER + "".join(map(_commented, FIELDS)))
    click.edit(filename=str(file))
    file.chmod(0o600)
    if problems := target.sources.problems():
        raise InvalidInput(f"{file} is saved, but a server would not start with it. {' '.join(problems)}")
    for ignored in target.sources.ignored:
        say(f"Note: {ignored}.")
    say(f"{file} is valid. Restart the clients that use it.")


def _commented(name: str) -> str:
    """Return a setting as comment lines of the file: what it is, and its default; nothing for `home`."""
    default = FIELDS[name].get_default(call_default_factory=True)
    value = str(default).lower() if isinstance(default, bool | float) else f'"{default or ""}"'
    return "" if name == "home" else f"\n# {FIELDS[name].description}\n# {name} = {value}\n"


def _change(target: Target, edit: Callable[[str], str]) -> Path:
    """Edit the text of `config.toml` and write it. Return its path.

    Raises:
        InvalidInput: the file is not valid TOML, or the change makes the settings wrong. Nothing is written then.
    """
    file = target.config_file
    before = parse_config(file)
    text = edit(config_text(file))
    known, problems = (
        Sources.gather(os.environ, target.home, target.scope, contents).problems()
        for contents in (before, parse_config(file, text))
    )
    if new := [problem for problem in problems if problem not in known]:
        raise InvalidInput(f"{' '.join(new)} Nothing was written.")
    _write(file, text)
    return file


def _write(file: Path, text: str) -> None:
    Location(file.parent).prepare()
    with replacing(file) as output:
        output.write(text.encode())
