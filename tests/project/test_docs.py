"""The pages for users and the measured results name commands, settings, files and messages that exist."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import PREFIX, Settings
from tests.support.places import ROOT
from tests.support.samples import STRATEGY

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "bench" / "results").glob("*.md")),
]
CONTEXT = click.Context(cli, info_name="strategy-bank")
OURS = [
    text
    for folder in ("server", "tools", "store")
    for text in (file.read_text("utf-8") for file in (ROOT / folder).rglob("*.py"))
]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """The lines of `strategy-bank` in blocks without a language, as words; alternatives (`a | b`) each on its own."""
    found: list[list[str]] = []
    for line in "\n".join(blocks(page, "")).splitlines():
        if line.startswith("strategy-bank "):
            words = shlex.split(
                re.split(r"\s{2,}|\s#", line.removeprefix("strategy-bank "))[0].replace("[--dry-run]", "--dry-run")
            )
            while "|" in words:
                at = words.index("|")
                found.append(words[:at])
                words = words[at + 1 :] if words[at + 1] in cli.list_commands(CONTEXT) else [words[0], *words[at + 1 :]]
            found.append(words)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_with_such_options_and_arguments(page: Path) -> None:
    for words in commands(page):
        name, *rest = words
        command = cli.get_command(CONTEXT, name)
        if isinstance(command, click.Group):
            command, rest = command.get_command(CONTEXT, rest[0]), rest[1:]
        assert command, words
        command.make_context(name, list(rest), parent=CONTEXT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", page.read_text("utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_shown_as_json_or_toml_is_that(page: Path) -> None:
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "toml"):
        tomllib.loads(text)


def test_the_messages_in_troubleshooting_are_those_of_the_program() -> None:
    page = " ".join((ROOT / "docs" / "troubleshooting.md").read_text("utf-8").split())
    quoted = [part for told in re.findall(r"(?<!\*)\*([^*]{12,})\*(?!\*)", page) for part in told.split(" …")]
    ours = [part for part in quoted if not part.startswith(("Call ", "command ", "spawn ", "No space", "Permission"))]
    assert len(ours) > 6
    said = " ".join(" ".join(text.replace('" f"', "").split()) for text in OURS)
    for part in ours:
        first = part.split("; ")[0]
        assert first in said, first


def test_what_the_privacy_page_shows_is_what_happens(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of its blocks, in order, on a bank with one strategy."""
    monkeypatch.chdir(tmp_path)
    lesson = json.dumps({**STRATEGY, "outcome": "failure", "scope": "shop"})
    shell = CliRunner()
    assert shell.invoke(cli, ["--home", str(home), "import", "-"], input=lesson).exit_code == 0
    listed = shell.invoke(cli, ["--home", str(home), "list", "--json"]).stdout
    (id,) = (row["id"] for row in json.loads(listed))
    done = 0
    for words in commands(ROOT / "docs" / "privacy.md"):
        given = [id if word == "st_…" else word for word in words if word != "ep_…"]
        if words[:2] == ["show", "ep_…"]:
            continue
        told = shell.invoke(cli, ["--home", str(home), *given, *(["--yes"] if words[0] == "forget" else [])])
        assert told.exit_code == 0 or words[0] == "retire", (given, told.output)  # by then it has been forgotten
        done += 1
    assert done >= 6
    assert {file.name for file in home.iterdir()} <= {"bank.lance", "bank.lock", "bank.upkeep", "models", "http-token"}
