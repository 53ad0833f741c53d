"""`strategy-bank connect`: add this server to the configuration of an MCP client, or take it out."""

import os
import sys
from pathlib import Path

import click

from strategy_bank.server.cli.console import (
    Target,
    ask,
    check_answerable,
    pass_target,
    say,
    show,
    show_block,
    show_table,
    yes_option,
)
from strategy_bank.server.clients import connection
from strategy_bank.server.clients.launch_command import Installation, own_command, shell_line
from strategy_bank.server.clients.registry import CLIENTS, Client, System
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.user_home import user_home
from strategy_bank.tools.scopes.repository import git_root

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command(short_help="Make an MCP client start this server.")
@click.argument("client", required=False, type=click.Choice(list(CLIENTS), case_sensitive=False))
@click.option("--project", is_flag=True, help="Use the file of this project instead of the user's.")
@click.option("--print", "printing", is_flag=True, help="Only print the entry for the client's file.")
@click.option("--remove", is_flag=True, help="Take the server out again.")
@click.option("--list", "listing", is_flag=True, help="Show which clients are here and which are connected.")
@yes_option
@click.option("--command", metavar="PROGRAM", help="Program to start; default: this installation, by its full path.")
@pass_target("Scope for the client's server to use; default: that of the project that the client has open.")
def connect(
    target: Target,
    client: str | None,
    project: bool,
    printing: bool,
    remove: bool,
    listing: bool,
    yes: bool,
    command: str | None,
) -> None:
    """Add this server to the configuration of CLIENT. Without CLIENT, show which clients are here.

    The change is shown before anything is written. Everything else in the file stays as it is, comments and layout too, and a
    copy of the file is kept beside it. With --home or --scope, the client's server uses that bank or that scope.

    \b
    Examples:
      strategy-bank connect                         show which clients are here and which are connected
      strategy-bank connect cursor
      strategy-bank connect claude-code --project   for everybody who works on this project
      strategy-bank connect zed --print             show what to paste; write nothing
      strategy-bank connect codex --remove
    """
    program = [command] if command else own_command(Installation.this())
    words = [*program, "serve", *_options(target)]
    if client is None or listing:
        _show_clients(project, words)
        return
    if printing and remove:
        raise click.UsageError("--print and --remove exclude each other.")
    chosen = CLIENTS[client]
    words = _words(chosen, project, words)
    path = _file(chosen, project)
    if printing:
        say(f"For {path}:")
        show_block(connection.snippet(chosen, chosen.entry(words)).rstrip("\n"))
        _say_own_line(chosen, project, words)
    elif remove:
        _apply(connection.plan_removal(chosen, path), yes, f"{chosen.title} is not connected in {path}.", chosen.title)
    else:
        plan = connection.plan_connection(chosen, path, chosen.entry(words))
        _say_notes(chosen, path, project, words)
        if _apply(plan, yes, f"{chosen.title} is already connected in {path}.", chosen.title):
            say(chosen.then)


def _apply(plan: connection.Change | None, yes: bool, nothing: str, title: str) -> bool:
    """Show the change, ask, and write it. Return False where there is nothing to do."""
    if plan is None:
        say(nothing)
        return False
    for line in connection.diff_lines(plan):
        show(line, _COLOURS.get(line[0]))
    check_answerable(yes, f"change the configuration of {title}")
    ask(yes, "Write this?", "Nothing was changed.")
    backup = connection.write_with_backup(plan)
    say(f"Wrote {plan.path}." + (f" The previous file is {backup}." if backup else ""))
    return True


def _options(target: Target) -> list[str]:
    """Return the options for `serve`, because a client has neither the environment nor the folder of this shell."""
    home = ["--home", str(target.config_file.parent)] if target.home else []
    return [*home, *(["--scope", target.scope] if target.scope else [])]


def _words(client: Client, project: bool, words: list[str]) -> list[str]:
    """Return the command line with the folder of the project, where the client puts that into the project's file."""
    return [*words, "--project", client.folder] if project and client.folder and "--scope" not in words else words


def _say_notes(client: Client, path: Path, project: bool, words: list[str]) -> None:
    if not project and not path.parent.is_dir():
        say(f"Note: {client.title} does not seem to be here; {path.parent} would be made.")
    if project and os.path.isabs(words[0]):
        say(f"Note: others who use this file need {words[0]} too; --command strategy-bank leaves it to their PATH.")
    if names := ", ".join(sorted(name for name in os.environ if name.startswith("STRATEGY_BANK_"))):
        say(
            f"Note: the client may start the server without {names} of this shell; `config set` keeps settings in a file."
        )
    _say_own_line(client, project, words)


def _say_own_line(client: Client, project: bool, words: list[str]) -> None:
    if client.own_line:
        own_line = client.own_line.format(scope="project" if project else "user")
        say(f"Or use its own command: {own_line} {shell_line(words, sys.platform)}")


def _file(client: Client, project: bool) -> Path:
    if not project:
        return client.user_file(System.this())
    if not client.project:
        raise InvalidInput(f"{client.title} has no configuration per project; leave out --project.")
    return _project() / client.project


def _project() -> Path:
    """Return the git root around the working directory, or that directory."""
    return git_root(Path.cwd()) or Path.cwd()


def _show_clients(project: bool, words: list[str]) -> None:
    chosen = {name: each for name, each in CLIENTS.items() if each.project or not project}
    rows = [_row(name, each, _file(each, project), _words(each, project, words)) for name, each in chosen.items()]
    show_table(("client", "name", "found", "connected", "file"), rows, folding=("connected", "file"))


def _row(name: str, client: Client, path: Path, words: list[str]) -> tuple[object, ...]:
    found = path.is_file() or (path.parent.is_dir() and path.parent not in (user_home(), _project()))
    return name, client.title, "yes" if found else "", _state(client, path, words), path


def _state(client: Client, path: Path, words: list[str]) -> str:
    """Return `yes`, nothing where it is not connected, or the command where that is not the one `connect` would write."""
    try:
        entry = connection.entry_in(client, path)
        if entry is None or connection.plan_connection(client, path, client.entry(words)) is None:
            return "" if entry is None else "yes"
        return connection.command_in(entry) or "otherwise"
    except InvalidInput as exc:
        return str(exc).removeprefix(f"{path}, ").removesuffix(" Nothing was written.")
