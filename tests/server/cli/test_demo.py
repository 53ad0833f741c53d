"""The demo, once, against the real server as a process of its own; and what it shows when something is wrong."""

import os
import re
import runpy
import sys
import tempfile
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from strategy_bank.server.demo.script import run_demo
from strategy_bank.server.demo.stage import Stage, save_picture, shortened
from tests.support.places import ROOT

DOCS = ROOT / "docs"
PICTURE = runpy.run_path(str(DOCS / "picture.py"))


def console() -> Console:
    return Console(file=StringIO(), width=PICTURE["COLUMNS"], record=True)


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def words(svg: str) -> str:
    """The text of a picture, without the figures of relevance, which differ between processors."""
    lines = [line.text or "" for line in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    return re.sub(r"0\.\d\d", "", "\n".join(lines))


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_demo_shows_every_step_the_readmes_picture_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    screen = console()
    assert await run_demo(screen), shown(screen)
    for step in (
        "1. A server with three tools, and an empty bank",
        "2. 8 finished tasks are reported, failures too",
        "3. New tasks, in other words",
        "8 of 8 found the lesson of their kind",
        "4. A hard task: independent attempts",
        "Best attempt: 2",
        "5. Another: each attempt re-examines the one before",
        "Best attempt: 3",
        "6. A recalled strategy is used",
        "0 → 1",
        "7. The first server is closed",
        "17 strategies are there",
        "All held: 17 strategies",
        "strategy-bank connect",
    ):
        assert step in shown(screen)
    assert "✗" not in shown(screen)
    assert max(map(len, shown(screen).splitlines())) <= PICTURE["COLUMNS"]
    assert os.listdir(tmp_path) == []
    lines = PICTURE["crop"](screen)
    for name, theme in PICTURE["THEMES"].items():
        assert words((DOCS / f"demo-{name}.svg").read_text("utf-8")) == words(PICTURE["svg"](lines, theme)), "draw anew"


def test_what_was_shown_is_kept_as_a_picture_that_loads_nothing(tmp_path: Path) -> None:
    screen = Console(file=StringIO(), width=80, record=True)
    Stage(screen).expect(True, "the three tools are there")
    save_picture(screen, tmp_path / "demo.svg")
    picture = ElementTree.parse(tmp_path / "demo.svg")
    assert "are\xa0there" in "".join(picture.getroot().itertext())
    assert "url(http" not in (tmp_path / "demo.svg").read_text("utf-8")


@pytest.mark.anyio
async def test_a_server_that_does_not_start_is_told_and_not_a_success(tmp_path: Path) -> None:
    screen = console()
    assert not await run_demo(screen, tmp_path, [str(tmp_path / "missing")])
    assert "The demo failed" in shown(screen)
    assert "missing" in shown(screen).replace("\n", "")


@pytest.mark.anyio
async def test_a_server_that_ends_at_once_is_told_and_not_a_success(tmp_path: Path) -> None:
    screen = console()
    assert not await run_demo(screen, tmp_path, [sys.executable, "-c", "pass"])
    assert "The demo failed" in shown(screen)
    assert "Connection closed" in shown(screen)


@pytest.mark.anyio
async def test_an_error_of_a_tool_is_shown_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the bank's folder should be")
    screen = console()
    assert not await run_demo(screen, tmp_path / "home")
    assert "recall_strategies: " in shown(screen)
    assert "The demo failed" in shown(screen)


@pytest.mark.anyio
async def test_a_bank_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bank.lance").mkdir()
    screen = console()
    assert not await run_demo(screen, tmp_path)
    assert "There is a bank in" in shown(screen)
    assert os.listdir(tmp_path / "bank.lance") == []


def test_an_expectation_that_does_not_hold_is_named_at_the_end() -> None:
    stage = Stage(console())
    stage.expect(True, "this holds")
    stage.expect(False, "the lesson comes back")
    stage.close(1.0)
    assert stage.missed == ["the lesson comes back"]
    assert "✓ this holds" in shown(stage.console)
    assert "✗ expected: the lesson comes back" in shown(stage.console)
    assert "The demo failed after 1.0 s" in shown(stage.console)


def test_a_brief_is_shown_without_what_it_quotes() -> None:
    brief = (
        "Attempt 1 of 3.\n\n<task>\nT\n</task>\n\nTake care.\n\n<strategies>\nS\n</strategies>\n\nThese strategies are"
    )
    assert shortened(brief) == "Attempt 1 of 3. Take care."
