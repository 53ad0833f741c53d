"""Draws the picture of the README: rows that `strategy-bank demo` has just printed, for light and for dark pages.

python docs/picture.py      writes docs/demo-light.svg and docs/demo-dark.svg
"""

import re
from io import StringIO
from itertools import groupby
from pathlib import Path

import anyio
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from strategy_bank.server.demo.script import run_demo

COLUMNS = 94
ROWS = {
    "2. ": ("Find out which sensor", "Change the rounding"),
    "3. ": ("Ruby script", "Go service"),
}
"""The rows to show, by how they and the title of their step begin."""
THEMES = {
    "light": TerminalTheme(
        (246, 248, 250),
        (31, 35, 40),
        [(31, 35, 40), (207, 34, 46), (26, 127, 55), (154, 103, 0), (9, 105, 218), (130, 80, 223), (27, 124, 131)],
    ),
    "dark": TerminalTheme(
        (13, 17, 23),
        (230, 237, 243),
        [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207)],
    ),
}


def crop(demo: Console) -> list[Text]:
    """Return title, table head and chosen rows of the steps in `ROWS`. Blank lines separate the rows of a table."""
    lines = Text.from_ansi(demo.export_text(styles=True)).split("\n")
    kept: list[Text] = []
    wanted: tuple[str, ...] = ()
    for blank, block in groupby(lines, key=lambda line: not line.plain.strip()):
        if blank:
            continue
        first, *rest = block
        if re.match(r"\d+\. ", first.plain):
            wanted = ROWS.get(first.plain[:3], ())
            kept += [first, rest[-1], Text()] if wanted else []
        elif wanted and first.plain.startswith(wanted):
            kept += [first, *rest, Text()]
    return kept


def svg(lines: list[Text], theme: TerminalTheme) -> str:
    """Draw the lines as SVG that loads no font from elsewhere."""
    screen = Console(record=True, width=COLUMNS, file=StringIO())
    screen.print(Text("\n").join(lines))
    drawn = screen.export_svg(title="strategy-bank demo", theme=theme, unique_id="demo")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    screen = Console(record=True, width=COLUMNS, file=StringIO())
    if not anyio.run(run_demo, screen):
        raise SystemExit(screen.export_text())
    cropped = crop(screen)
    for name, theme in THEMES.items():
        Path(__file__).with_name(f"demo-{name}.svg").write_text(svg(cropped, theme), "utf-8")
