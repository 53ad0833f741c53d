"""The pages for users and the measured results name commands, settings, files and messages that exist."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic_core import PydanticUndefined

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import PREFIX, Settings
from tests.support.places import ROOT
from tests.support.samples import STRATEGY

USER_PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*USER_PAGES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "bench" / "results").glob("*.md"))]
CONTEXT = click.Context(cli, info_name="strategy-bank")
OURS = [
    text
    for folder in ("server", "tools", "store")
    for text in (file.read_text("utf-8") for file in (ROOT / folder).rglob("*.py"))
]


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [text for named, text in found if named == language]


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


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_is_one_with_such_options_and_arguments(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("lessons.jsonl", "all.zip"):
        Path(file).touch()
    for words in commands(page):
        name, *rest = words
        command = cli.get_command(CONTEXT, name)
        if isinstance(command, click.Group) and rest:
            command, rest = command.get_command(CONTEXT, rest[0]), rest[1:]
        assert command, words
        command.make_context(name, list(rest), parent=CONTEXT)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_and_picture_leads_to_a_file_and_a_heading_of_it(page: Path) -> None:
    text = page.read_text("utf-8")
    for file, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#?([^)]*)\)", text):
        target = page.parent / file if file else page
        assert target.exists(), file
        assert not anchor or anchor in anchors(target), (file, anchor)
    for file in re.findall(r'(?:src|srcset)="([^"]+)"', text):
        assert (page.parent / file).exists(), file


@pytest.mark.parametrize("page", USER_PAGES, ids=name)
def test_no_line_for_users_is_longer_than_128_columns(page: Path) -> None:
    assert [line for line in page.read_text("utf-8").splitlines() if len(line) > 128] == []


@pytest.mark.parametrize("folder", ["docs", "bench/results"])
def test_the_index_of_a_folder_names_each_of_its_pages(folder: str) -> None:
    pages = {page.name for page in (ROOT / folder).glob("*.md")} - {"README.md"}
    assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / folder / "README.md").read_text("utf-8")))


def test_the_table_of_settings_has_each_with_its_default() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    table = page.partition("## All settings")[2].partition("##")[0]
    shown = dict(re.findall(r"^\| `(\w+)` \| (.*?)\s?\| ", table, re.MULTILINE))
    assert list(shown) == list(Settings.model_fields)
    for field, default in shown.items():
        expected = Settings.model_fields[field].default
        if default.startswith("`"):
            shown_as = str(expected).lower() if isinstance(expected, bool) else str(expected).removesuffix(".0")
            assert default.strip("`") == shown_as, field
        else:
            assert not expected or expected is PydanticUndefined, field


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_and_bench_that_is_named_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    files = re.findall(r"`((?:server|tools|store|bench|tests|conformance|plugins)/[\w/.-]+)`", text)
    benches = [module.replace(".", "/") + ".py" for module in re.findall(r"python -m (bench\.[\w.]+\w)", text)]
    assert [file for file in [*files, *benches] if file != "tools/list" and not (ROOT / file).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", page.read_text("utf-8"))) <= known


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_is_shown_as_json_or_toml_is_that(page: Path) -> None:
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "toml"):
        tomllib.loads(text)


def test_the_example_of_a_config_file_gives_settings_that_hold() -> None:
    (example,) = blocks(ROOT / "docs" / "configuration.md", "toml")
    given = tomllib.loads(example)
    assert Settings.model_validate(given).model_dump(include=set(given)) == given


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
        given = [id if word == "st_…" else word for word in words if word not in ("ep_…", "run_…", "rc_…")]
        if words[:2] == ["show", "ep_…"]:
            continue
        told = shell.invoke(cli, ["--home", str(home), *given, *(["--yes"] if words[0] == "forget" else [])])
        assert told.exit_code == 0 or words[0] == "retire", (given, told.output)  # by then it has been forgotten
        done += 1
    assert done >= 6
    assert {file.name for file in home.iterdir()} <= {
        "bank.lance",
        "bank.lock",
        "bank.upkeep",
        "models",
        "config.toml",
        "http-token",
        "tmp",
    }


def test_the_first_steps_can_be_taken_as_they_stand(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the page, in order, for a user who has nothing yet. The demo and transcripts have their own tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("STRATEGY_BANK_HOME", str(home))
    page = ROOT / "docs" / "start.md"
    (lesson,) = blocks(page, "json")
    Path("lessons.jsonl").write_text(json.dumps(json.loads(lesson)), "utf-8")
    taken = [words for words in commands(page) if words[0] not in ("demo", "learn")]
    assert len(taken) >= 7
    id = title = ""
    for words in taken:
        confirmed = ["--yes"] if words[0] == "restore" or (words[0] == "connect" and len(words) > 1) else []
        told = CliRunner().invoke(cli, [word.replace("ID", id) for word in [*words, *confirmed]])
        assert told.exit_code == 0, (words, told.output)
        if words[0] == "import":
            ((id, title),) = (
                (row["id"], row["title"]) for row in json.loads(CliRunner().invoke(cli, ["list", "--json"]).stdout)
            )
        if words[0] == "recall":
            assert title in told.output
