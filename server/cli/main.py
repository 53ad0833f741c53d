"""The command line: it parses, opens the bank, calls, prints.

Each command lives in the module named in `_PLACES`, which is imported when the command is asked for: `serve`, the default,
must answer a client as fast as a bare server.
"""

import io
import sys
from importlib import import_module
from typing import Any

import click

from strategy_bank.server.cli.console import home_option, scope_option
from strategy_bank.store.errors import StrategyBankError

_PLACES = {
    "serve": "setup.serve:serve",
    "connect": "setup.connect:connect",
    "recall": "read.recall:recall",
    "list": "read.list:list_strategies",
    "show": "read.show:show_record",
    "stats": "read.stats:stats",
    "retire": "change.retire:retire",
    "reinstate": "change.reinstate:reinstate",
    "forget": "change.forget:forget",
    "review": "change.review:review",
    "consolidate": "change.consolidate:consolidate",
    "learn": "change.learn:learn",
    "distill": "change.distill:distill",
    "export": "transfer.export:export_bank",
    "import": "transfer.import_:import_bank",
    "backup": "transfer.backup:backup",
    "restore": "transfer.restore:restore",
    "models": "setup.models:models",
    "doctor": "setup.doctor:doctor",
    "demo": "setup.demo:demo",
}
"""Command → module of this package and name in it, in the order of the help."""
_INTERRUPTED = 130


class Commands(click.Group):
    """Imports a command when it is asked for, and tells expected failures in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        module, _, name = _PLACES[cmd_name].partition(":")
        return getattr(import_module(f"strategy_bank.server.cli.{module}"), name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StrategyBankError as exc:
            raise click.ClickException(str(exc)) from exc
        except (KeyboardInterrupt, click.Abort) as exc:
            raise click.exceptions.Exit(_INTERRUPTED) from exc


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="strategy-bank", prog_name="strategy-bank")
@home_option
@scope_option("Project name; default: STRATEGY_BANK_SCOPE, else the name of the git root, else global.")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A local memory of strategies for coding agents, as an MCP server.

    Without a command it serves MCP over standard input and output: that is what a client starts.

    \b
    Examples:
      strategy-bank connect claude-code             make a client use it
      strategy-bank doctor                          see whether everything works
      strategy-bank demo                            see what it does, in a throw-away bank
      strategy-bank recall "fix the flaky test"     ask as an agent would
      strategy-bank list --scope my-project         what has been learned
      strategy-bank export bank.jsonl               take the bank elsewhere

    Settings come from STRATEGY_BANK_* variables; `strategy-bank doctor` shows those in force.
    """
    if ctx.invoked_subcommand is None:
        from strategy_bank.server.cli.setup.serve import serve

        ctx.invoke(serve)


def main() -> None:
    """The entry point of `strategy-bank` and of `python -m strategy_bank.server`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old console shows a question mark instead of failing
    try:
        cli(prog_name="strategy-bank")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
