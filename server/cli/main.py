"""The command line: which command is in which file.

A command parses its arguments, opens the bank, calls a room below, and prints. Its module is imported when it is asked for,
because `serve`, the default, must answer a client as fast as a bare server.
"""

import io
import sys
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from strategy_bank.server.cli.console import Target, errors_shown, pass_target, show_what_goes_to_stderr
from strategy_bank.store.errors import StrategyBankError

# folder of this package → its title in the help, and its commands, each in a file of its name
_ROOMS = {
    "read": ("Look into the bank", ["recall", "list", "show", "stats", "value", "scopes"]),
    "change": (
        "Change what it holds",
        [
            "learn",
            "distill",
            "add",
            "edit",
            "revert",
            "review",
            "retire",
            "reinstate",
            "undo",
            "move",
            "forget",
            "consolidate",
        ],
    ),
    "transfer": ("Move it to a file and back", ["export", "import", "backup", "restore"]),
    "setup": ("Set up the program", ["serve", "page", "connect", "config", "models", "doctor", "demo"]),
}
_INTERRUPTED = 130


class _Text(click.types.StringParamType):
    """Refuses words that are not UTF-8, which nothing below could store or look for. Names of files may be anything."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = super().convert(value, param, ctx)
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fail("this is not UTF-8 text.", param, ctx)
        return text


def _with_text_only(command: click.Command) -> click.Command:
    """Let the command, and those inside it, take texts that are UTF-8."""
    for parameter in command.params:
        if type(parameter.type) is click.types.StringParamType:
            parameter.type = _Text()
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _with_text_only(each)
    return command


class Commands(click.Group):
    """Imports a command when it is asked for, and reports failures in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for _, names in _ROOMS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for room, (_, names) in _ROOMS.items():
            if cmd_name in names:
                file = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
                found = vars(import_module(f"strategy_bank.server.cli.{room}.{file}")).values()
                return _with_text_only(
                    next(each for each in found if isinstance(each, click.Command) and each.name == cmd_name)
                )
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in _ROOMS.values():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(f"{name:<11}", each.get_short_help_str(70)) for name, each in commands if each])

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with errors_shown():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with errors_shown():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StrategyBankError as exc:
            raise click.ClickException(str(exc)) from exc
        except (KeyboardInterrupt, click.Abort) as exc:
            raise click.exceptions.Exit(_INTERRUPTED) from exc
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as exc:
            from strategy_bank.server.unexpected import in_words

            raise click.ClickException(in_words(exc)) from exc


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="strategy-bank", prog_name="strategy-bank")
@pass_target("Scope to work in; default: STRATEGY_BANK_SCOPE, else that of the project.")
def cli(target: Target) -> None:
    """A local memory of strategies for coding agents, as an MCP server.

    Without a command it serves MCP over standard input and output: that is what a client starts.

    \b
    Examples:
      strategy-bank connect claude-code             make a client use it
      strategy-bank doctor                          check that everything works
      strategy-bank demo                            see what it does, in a throw-away bank
      strategy-bank recall "fix the flaky test"     ask as an agent would
      strategy-bank page                            see what it knows and decide, in the browser
      strategy-bank list --scope my-project         see what has been learned
      strategy-bank export bank.jsonl               take the bank elsewhere

    `strategy-bank config` shows all settings and changes them.
    """
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        from strategy_bank.server.cli.setup.serve import serve

        context.invoke(serve)


_with_text_only(cli)


def main() -> None:
    """Run the command line. This is the entry point of `strategy-bank` and of `python -m strategy_bank.server`."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # pipes carry UTF-8 on Windows too; an old console shows a question mark instead of failing
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    show_what_goes_to_stderr()
    try:
        cli(prog_name="strategy-bank")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
