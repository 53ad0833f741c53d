"""The command line: it parses, opens the bank, calls, prints.

Each command lives in the module named in `_PLACES`, which is imported when the command is asked for: `serve`, the default,
must answer a client as fast as a bare server.
"""

import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from strategy_bank.server.console import given, home_option, scope_option
from strategy_bank.store.errors import StrategyBankError

_PLACES = {
    "serve": "serving:serve",
    "connect": "connecting:connect",
    "recall": "commands:recall",
    "list": "commands:list_strategies",
    "show": "commands:show_record",
    "stats": "commands:stats",
    "retire": "curation:retire",
    "reinstate": "curation:reinstate",
    "forget": "curation:forget",
    "review": "reviewing:review",
    "consolidate": "consolidating:consolidate",
    "learn": "learning:learn",
    "distill": "distilling:distill",
    "export": "exchange:export_bank",
    "import": "exchange:import_bank",
    "backup": "safekeeping:backup",
    "restore": "safekeeping:restore",
    "models": "models:models",
    "doctor": "doctor:doctor",
    "demo": "cli:demo",
}
"""Command → module of this package and name in it, in the order of the help."""
_SVG_COLUMNS = 118
_INTERRUPTED = 130


class Commands(click.Group):
    """Imports a command when it is asked for, and tells expected failures in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _PLACES:
            return None
        module, _, name = _PLACES[cmd_name].partition(":")
        return getattr(import_module(f"strategy_bank.server.{module}"), name)

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
        from strategy_bank.server.serving import serve

        ctx.invoke(serve)


@click.command(short_help="Show the whole loop in a throw-away bank.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep what is shown as SVG."
)
@home_option
def demo(svg: Path | None) -> None:
    """Show the whole loop in a throw-away bank: recall, report, learn, recall again.

    Needs no client and no endpoint. With --home the bank of the demonstration stays there.
    """
    import anyio
    from rich.console import Console

    from strategy_bank.server.demo import run_demo
    from strategy_bank.server.demo_stage import save_picture

    console = Console(record=True, width=_SVG_COLUMNS) if svg else Console()
    held = anyio.run(run_demo, console, given("home"))
    if svg:
        save_picture(console, svg)
    if not held:
        raise click.exceptions.Exit(1)


def main() -> None:
    """The entry point of `strategy-bank` and of `python -m strategy_bank.server`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old console shows a question mark instead of failing
    try:
        cli(prog_name="strategy-bank")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
