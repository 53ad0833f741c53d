"""Prints the demo: numbered and timed steps, tables, panels, and what was expected of each step."""

import re
import textwrap
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from strategy_bank.server.atomic_file import replacing
from strategy_bank.store.visible_text import visible, visible_line

CONNECT = """Which clients are here:  strategy-bank connect
By hand:                 {"mcpServers": {"strategy-bank": {"command": "strategy-bank", "args": ["serve"]}}}"""


@dataclass
class Stage:
    """The console that shows the demo, and the expectations that did not hold."""

    console: Console
    missed: list[str] = field(default_factory=list[str])
    steps: int = 0
    learned: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # example → ids of its strategies

    @contextmanager
    def step(self, title: str) -> Generator[None]:
        self.steps += 1
        self.console.print(Rule(f"[bold]{self.steps}. {title}[/]", align="left"))
        begin = perf_counter()
        with self.console.status("working …"):
            yield
        self.console.print(f"[dim]{perf_counter() - begin:.1f} s[/]\n")

    def expect(self, held: bool, what: str) -> None:
        if not held:
            self.missed.append(what)
        mark, style = ("✓", "green") if held else ("✗ expected:", "bold red")
        self.console.print(Text(visible_line(f"{mark} {what}"), style))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
        table = Table(expand=True, show_lines=False, header_style="bold", padding=(0, 1, 1, 0), box=None)
        for number, name in enumerate(columns):
            table.add_column(name, ratio=1 if number < 2 else None, overflow="fold")
        for row in rows:
            table.add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in row))
        self.console.print(table)

    def panel(self, text: str, title: str, style: str = "cyan") -> None:
        self.console.print(Panel(Text(visible(text)), title=title, title_align="left", border_style=style))

    def close(self, seconds: float) -> None:
        """Print the last panel: what failed, or how to go on."""
        if self.missed:
            self.panel("\n".join(self.missed), f"The demo failed after {seconds:.1f} s", "bold red")
            return
        count = len({id for ids in self.learned.values() for id in ids})
        self.console.print(
            Text(f"All held: {count} strategies learned and found again in {seconds:.1f} s.", "bold green")
        )
        self.panel(CONNECT, "Connect a client", "green")


def shortened(brief: str) -> str:
    """Return a brief without what it quotes and without its closing instructions."""
    plain = re.sub(r"<(\w+)>.*?</\1>", "", brief, flags=re.DOTALL)
    return textwrap.shorten(re.split(r"The(?:se)? strategies", plain)[0], 280, placeholder=" …")


def coloured(verdict: str | None) -> Text:
    return Text(verdict or "open", {"success": "green", "failure": "red", "contrast": "magenta"}.get(verdict or "", ""))


def save_picture(console: Console, path: Path) -> None:
    """Save what a recording console has shown, as SVG that loads nothing from elsewhere. Raises InvalidInput."""
    svg = console.export_svg(title="strategy-bank demo")
    with replacing(path, 0o644) as file:
        file.write(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).encode())
