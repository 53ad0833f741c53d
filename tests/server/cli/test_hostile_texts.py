"""Whatever a bank, a path or an argument holds: what reaches the terminal can be seen, and steers nothing.

Every command runs as a process at a pseudo-terminal, on a bank, files and a configuration full of hostile texts.
"""

import ast
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import anyio
import click
import pytest

from strategy_bank.server.cli.main import cli
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, LearnedStrategy, Proposal, Revision, Run
from strategy_bank.store.visible_text import visible
from tests.support.places import ROOT
from tests.support.processes.terminal import AT_A_TERMINAL
from tests.support.records import lesson, put
from tests.support.sessions import work, write
from tests.support.shell import PROGRAM

# a title for the window, a cleared screen, a bell, a return to the start of the line, an 8-bit sequence, a turned direction,
# hidden letters, a line of its own
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\rok  \x9b31m\u202egnp\u2069\U000e0041\u200b\u2028\nst_forged  trust me [bold]"
IN_NAMES = HOSTILE.replace("/", "").replace("\x9b", "")
# colours, and what rich writes for bars, spinners and the links in its log lines
_OURS = re.compile(
    r"\r(?=\x1b\[(?:2K|1A))|\x1b\[(?:[0-9;]*m|\?25[lh]|2K|1A)|\x1b\]8;(?:id=\d+;file:///[\w./#-]*|;)\x1b\\"
)
PRINTS = re.compile(
    r"(?:click\.)?(?:echo|secho|echo_via_pager|confirm)|click\.prompt|(?:.*\.)?p?print|input|.*std(?:out|err).*\.write\w*"
)
MAY_PRINT = {
    "server/cli/console.py": "the one place",
    "server/clients/hook.py": "it answers a client in JSON, and imports nothing of the command line",
    "server/demo/stage.py": "rich, on a console that is recorded for a picture; every text is shown as `visible_text` says",
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> dict[str, str]:
    """An environment with such a bank, and with other files in a folder of such a name."""
    folder = tmp_path_factory.mktemp("hostile") / IN_NAMES
    home = tmp_path_factory.mktemp("home")  # LanceDB takes no control characters in a path
    folder.mkdir(parents=True)
    (home / "models").symlink_to(models_dir, target_is_directory=True)
    texts: dict[str, Any] = {
        "title": HOSTILE,
        "description": HOSTILE,
        "scope": HOSTILE,
        "source_task": HOSTILE,
        "status_reason": HOSTILE,
    }

    words = {"title": HOSTILE, "description": HOSTILE, "content": f"Read it. {HOSTILE}"}
    said: dict[str, Any] = {
        "revisions": [Revision(**words, replaced_by=HOSTILE, proposed_by=HOSTILE)],
        "proposals": [Proposal(**words, proposed_by=HOSTILE)],
    }

    async def fill() -> None:
        bank = await Bank.open(Location(home))
        await put(
            bank,
            lesson(1, **texts, content=f"Read the log. {HOSTILE}", **said),
            lesson(2, **texts, content=f"Read the log. {HOSTILE}"),
            lesson(3, **texts, content=HOSTILE, status="quarantined"),
            lesson(4, **texts, content=HOSTILE, status="retired"),
        )
        learned = [LearnedStrategy(id="st_1", title=HOSTILE, action="added")]
        about: dict[str, Any] = {"scope": HOSTILE, "task": HOSTILE, "reason": HOSTILE, "learned": learned}
        async with bank.lock.hold():
            await bank.add(Episode(id="ep_1", trajectory=HOSTILE, steps=1, judge=HOSTILE, used_ids=[HOSTILE], **about))
            await bank.add(Run(id="run_1", mode="parallel", attempts=2, **about))
        await bank.close()

    anyio.run(fill)
    (folder / "lines.jsonl").write_text(f"{json.dumps({'kind': HOSTILE})}\n", "utf-8")
    session = work(f"Mend it. {HOSTILE}")
    file = write(folder / "claude" / "projects" / "-p" / "s-1.jsonl", session)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STRATEGY_BANK_")}
    return inherited | {
        "STRATEGY_BANK_HOME": str(home),
        f"STRATEGY_BANK_{HOSTILE}": HOSTILE,
        "CLAUDE_CONFIG_DIR": str(folder / "claude"),
        "HOME": str(folder),
        "EDITOR": "sed -i s/log/record/",
    }


# every command, with arguments with which it prints what the bank, a path or the arguments hold
RUNS: dict[str, list[list[str]]] = {
    "recall": [
        ["--scope", HOSTILE, "read", "the", "log"],
        ["--scope", HOSTILE, "--json", "read", "the", "log"],
        ["--scope", HOSTILE, "--why", "read", "the", "log"],
    ],
    "list": [["--status", "all"], ["--json"], ["--scope", f"no{HOSTILE}"]],
    "show": [["st_1"], ["ep_1", "--full"], ["run_1"], ["st_1", "--json"], [HOSTILE]],
    "stats": [[], ["--json"]],
    "value": [[], ["--by", "scope"], ["--by", "scope", "--json"]],
    "scopes": [[], ["--json"]],
    "learn": [["claude-code", "--dry-run"], ["codex", "--project", "{folder}"]],
    "distill": [[], ["--limit", HOSTILE]],
    "add": [["--title", HOSTILE, "--description", HOSTILE, "--content", HOSTILE], ["--title", HOSTILE]],
    "edit": [["st_1"], [HOSTILE]],
    "revert": [["st_1"], ["st_1", "--proposed"], ["st_4"], [HOSTILE]],
    "review": [["--list"], ["--json"], []],
    "retire": [["st_1"], [HOSTILE]],
    "reinstate": [["st_4"]],
    "undo": [["st_4"], [HOSTILE]],
    "forget": [["st_1", "ep_1", "run_1"]],
    "consolidate": [["--dry-run"]],
    "move": [[HOSTILE, "elsewhere"], ["elsewhere", HOSTILE]],
    "export": [["--scope", HOSTILE], ["--format", "markdown", "--scope", HOSTILE], ["{folder}/none/x"]],
    "import": [["{folder}/lines.jsonl"], ["{folder}/none"]],
    "backup": [["{folder}/bank.zip"], ["{folder}/none/x.zip"]],
    "restore": [["{folder}/lines.jsonl"], ["{folder}/none"]],
    "serve": [["--http", "--host", HOSTILE, "--port", "0"], ["--port", HOSTILE]],
    "page": [["--link"], ["--link", "--at", HOSTILE], ["--at", HOSTILE], ["--port", HOSTILE]],
    "connect": [["--list"], ["cursor"], ["zed", "--print", "--scope", HOSTILE], [HOSTILE]],
    "config": [[], ["--json"], ["path"], ["set", HOSTILE, "x"], ["set", "judge", HOSTILE], ["unset", HOSTILE]],
    "models": [["list"], ["current"], ["use", HOSTILE]],
    "doctor": [[], ["--json"], ["--home", "{folder}/home"]],
    "demo": [["--home", "{folder}/home"]],  # refused by LanceDB
}


def at_a_terminal(environment: dict[str, str], words: list[str]) -> str:
    """Return all that a command writes to its terminal, where the answer `n` was typed already."""
    keyboard, terminal = os.openpty()
    with subprocess.Popen([*PROGRAM, *words], stdin=terminal, stdout=terminal, stderr=terminal, env=environment):
        os.close(terminal)
        os.write(keyboard, b"n\n" + b"q\n" * 3)
        said = bytearray()
        try:
            while part := os.read(keyboard, 65536):
                said += part
        except OSError:  # Linux, when the process has ended
            pass
    os.close(keyboard)
    return said.decode("utf-8", "surrogateescape")


@pytest.mark.slow
@AT_A_TERMINAL
@pytest.mark.parametrize(
    "words", [[name, *each] for name, runs in RUNS.items() for each in runs], ids=lambda words: repr(words)[:60]
)
def test_what_a_command_prints_can_be_seen_and_steers_no_terminal(hostile: dict[str, str], words: list[str]) -> None:
    folder = hostile["HOME"]
    said = at_a_terminal(hostile, [word.replace("{folder}", folder) for word in words])
    rest = _OURS.sub("", said.replace("\r\n", "\n"))
    assert rest.strip()
    assert visible(rest) == rest
    assert not re.search("^st_forged", rest, re.MULTILINE)


def test_every_command_is_among_those_that_run_here() -> None:
    assert set(RUNS) == set(cli.list_commands(click.Context(cli)))


def test_nothing_is_printed_but_in_one_place() -> None:
    files = [file for layer in ("server", "tools", "store") for file in sorted((ROOT / layer).rglob("*.py"))]
    assert len(files) > 100
    found = [f"{place}:{line}" for file in files for place, line in _prints(file) if place not in MAY_PRINT]
    assert not found


def _prints(file: Path) -> list[tuple[str, int]]:
    calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [
        (file.relative_to(ROOT).as_posix(), call.lineno) for call in calls if PRINTS.fullmatch(ast.unparse(call.func))
    ]
