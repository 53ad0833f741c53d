"""Sessions as each client and version writes them: the tasks, steps and signals in them are told beside each file.

`NAME.expected.json` says of `NAME.jsonl` (or `.json`): `tasks`, each with what the agent did (`actions`, in this order;
`actions_once`: not twice), what tools showed (`signals`), what the user said later (`corrections`), and what must not be
in it (`not_in`; a folder of the user's must not be in the user's words); and the number of `unreadable_lines`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.transcripts.files import ClientName
from strategy_bank.tools.transcripts.tasks import PastTask, tasks
from strategy_bank.tools.transcripts.unread import Unread
from tests.support.places import ROOT

DATA = ROOT / "tests" / "data" / "transcripts"
SESSIONS = sorted(file for file in DATA.glob("*/*") if not file.name.endswith(".expected.json"))
HOME = re.compile(r"(?:home|Users)[/\\]")


def read(file: Path) -> tuple[list[PastTask], Unread, dict[str, Any]]:
    unread, client = Unread(), file.parent.name
    assert client in ("claude-code", "codex", "gemini")
    name: ClientName = client
    expected = json.loads(file.with_suffix(".expected.json").read_text("utf-8"))
    return [task for task in tasks(file, name, unread) if task.worked], unread, expected


def strings(value: Any) -> Iterator[str]:
    """All texts in a value, also of JSON that stands in it as text."""
    if isinstance(value, dict | list):
        parts: Iterable[Any] = (
            cast(dict[str, Any], value).values() if isinstance(value, dict) else cast(list[Any], value)
        )
        for part in parts:
            yield from strings(part)
    elif isinstance(value, str):
        yield from strings(json.loads(value)) if value.startswith('{"') and value.endswith("}") else [value]


def done(task: PastTask) -> str:
    """What the agent said and called."""
    return "\n".join(text for item in task.items.messages() if item.get("role") != "user" for text in strings(item))


def spaced(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: file.stem)
def test_a_session_has_the_tasks_that_are_told_beside_it(file: Path) -> None:
    found, unread, expected = read(file)
    assert unread.lines == expected["unreadable_lines"]
    rights = [{task["task"], *task.get("also_right", [])} for task in expected["tasks"]]
    assert len(found) == len(rights), [task.task for task in found]
    assert all(task.task in right for task, right in zip(found, rights, strict=True)), [task.task for task in found]


@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: file.stem)
def test_a_task_holds_its_work_and_nothing_else(file: Path) -> None:
    found, _, expected = read(file)
    for task, right in zip(found, expected["tasks"], strict=True):
        text, did = normalise(task.trajectory()).text, done(task)
        place = 0
        for action in right["actions"]:
            place = did.find(action, place)
            assert place >= 0, action
        assert [did.count(action) for action in right.get("actions_once", [])] == [1] * len(
            right.get("actions_once", [])
        )
        assert not [signal for signal in right["signals"] if signal not in text]
        words = "\n".join([task.task, *task.hints.corrections])
        assert not [part for part in right["not_in"] if part in (words if HOME.search(part) else text)]


@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: file.stem)
def test_what_the_user_said_later_belongs_to_the_task(file: Path) -> None:
    found, _, expected = read(file)
    for task, right in zip(found, expected["tasks"], strict=True):
        said, may = set(task.hints.corrections), set(map(spaced, right.get("corrections_optional", [])))
        assert said - may == set(map(spaced, right["corrections"]))
