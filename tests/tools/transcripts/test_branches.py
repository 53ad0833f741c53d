"""A session is a tree: what the user went back from is no part of the work, and what was compacted or resumed is."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.transcripts.files import ClientName
from strategy_bank.tools.transcripts.tasks import PastTask, tasks
from strategy_bank.tools.transcripts.unread import Unread
from tests.support.sessions import (
    agent,
    codex_said,
    codex_work,
    gemini_agent,
    gemini_call,
    gemini_meta,
    gemini_said,
    result,
    said,
    text,
    use,
    write,
)

TASK = "Build the price table with all of its columns."
Read = Callable[[list[Any]], tuple[list[PastTask], Unread]]


def reading(tmp_path: Path, client: ClientName, name: str) -> Read:
    def read(records: list[Any]) -> tuple[list[PastTask], Unread]:
        unread = Unread()
        return list(tasks(write(tmp_path / "p" / "chats" / name, records), client, unread)), unread

    return read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return reading(tmp_path, "claude-code", "s-1.jsonl")


def whole(found: list[PastTask]) -> str:
    return "\n".join(normalise(task.trajectory()).text for task in found)


class Session:
    """Writes records of Claude Code as the nodes of a tree. `at` is where the next one hangs."""

    def __init__(self, session: str = "s-1") -> None:
        self.records: list[dict[str, Any]] = []
        self.at: str | None = None
        self._ids = (f"{session}-{number}" for number in itertools.count())
        self._session = session

    def add(self, record: dict[str, Any], **changes: Any) -> str:
        ident = next(self._ids)
        self.records.append(record | {"uuid": ident, "parentUuid": self.at, "sessionId": self._session} | changes)
        self.at = ident
        return ident

    def says(self, words: str, **changes: Any) -> str:
        return self.add(said(words), **changes)

    def works(self, name: str) -> str:
        """A call, its result, and the agent's last words."""
        self.add(agent(use(f"t-{name}", command=f"do {name}"), ident=f"m-{name}"))
        self.add(result(f"t-{name}", f"{name} is done"))
        return self.add(agent(text(f"{name}: ready."), ident=f"e-{name}"))


def test_a_rewound_branch_is_left_out_and_counted(read: Read) -> None:
    session = Session()
    session.says(TASK)
    fork = session.works("first")
    session.says("also drop the old table")
    session.works("dropped")
    session.at = fork
    session.says("also keep the old table")
    session.works("kept")
    found, unread = read(session.records)
    assert [task.task for task in found] == [TASK]
    assert "dropped" not in whole(found)
    assert "kept is done" in whole(found)
    assert found[0].hints.corrections == ["also keep the old table"]
    assert unread.rewound == 4


def test_two_rewinds_to_one_place_and_one_within_a_branch_leave_the_last_way(read: Read) -> None:
    session = Session()
    session.says(TASK)
    fork = session.works("first")
    for name in ("one", "two"):
        session.at = fork
        session.says(f"also {name}")
        inner = session.works(name)
        session.says(f"and {name} again")
        session.works(f"{name}-again")
    session.at = inner
    session.says("and the last one")
    session.works("last")
    found, unread = read(session.records)
    assert [name in whole(found) for name in ("do one", 'do two"', "two-again", "do last")] == [
        False,
        True,
        False,
        True,
    ]
    assert unread.rewound == 8 + 4


def test_going_back_to_the_very_first_prompt_leaves_what_came_before_it(read: Read) -> None:
    session = Session()
    session.says("Build something else altogether, please.")
    session.works("wrong")
    session.at = None
    session.says(TASK)
    session.works("right")
    found, unread = read(session.records)
    assert [task.task for task in found] == [TASK]
    assert unread.rewound == 4


@pytest.mark.parametrize("parent", [None, "torn-away"])
def test_where_the_chain_breaks_the_order_of_the_file_holds(read: Read, parent: str | None) -> None:
    session = Session()
    session.says(TASK)
    session.works("first")
    session.at = parent
    session.works("second")
    session.at = "another that is gone"
    session.says("also the last thing")
    session.works("third")
    found, unread = read(session.records)
    assert [task.task for task in found] == [TASK]
    assert all(f"{name} is done" in whole(found) for name in ("first", "second", "third"))
    assert unread.rewound == 0


@pytest.mark.parametrize("linked", [True, False])
def test_work_before_and_after_a_compaction_is_one_task(read: Read, linked: bool) -> None:
    session = Session()
    session.says(TASK)
    last = session.works("first")
    session.says("<command-name>/compact</command-name>\n<command-args>keep the layout</command-args>")
    session.at = None
    if linked:
        boundary = {"type": "system", "subtype": "compact_boundary", "logicalParentUuid": last}
        session.add(said("") | boundary)
    session.says("This session is being continued from a previous conversation …", isCompactSummary=linked)
    session.says("<local-command-stdout>Compacted</local-command-stdout>")
    session.works("second")
    found, _ = read(session.records)
    assert [task.task for task in found] == [TASK]
    assert "first is done" in whole(found)
    assert "second is done" in whole(found)
    assert "keep the layout" not in whole(found)


def test_a_rewind_across_a_compaction_leaves_the_summary_and_what_followed(read: Read) -> None:
    session = Session()
    session.says(TASK)
    fork = session.works("first")
    session.says("also the second")
    last = session.works("second")
    session.at = None
    session.add(said("") | {"type": "system", "subtype": "compact_boundary", "logicalParentUuid": last})
    session.says("summaryProse", isCompactSummary=True)
    session.says("also the third")
    session.works("third")
    session.at = fork
    session.says("also the fourth")
    session.works("fourth")
    found, _ = read(session.records)
    assert [f"{name} is done" in whole(found) for name in ("first", "second", "third", "fourth")] == [
        True,
        False,
        False,
        True,
    ]


def test_results_of_calls_side_by_side_hang_on_their_own_calls_and_stay(read: Read) -> None:
    session = Session()
    session.says(TASK)
    calls = [session.add(agent(use(f"t-{name}", command=name), ident="m-1")) for name in "abc"]
    for name, call in zip("abc", calls, strict=True):
        session.at = call
        session.add(result(f"t-{name}", f"output of {name}"))
    session.works("after")
    found, unread = read(session.records)
    assert all(f"output of {name}" in whole(found) for name in "abc")
    assert unread.rewound == 0


def test_records_that_a_resumption_wrote_again_count_once(read: Read) -> None:
    session = Session()
    session.says(TASK)
    session.works("first")
    again = [record | {"sessionId": "s-2"} for record in session.records]
    session.records += again
    session.says("also the second")
    session.works("second")
    found, unread = read(session.records)
    assert len(found) == 1
    assert whole(found).count("do first") == 1
    assert unread.rewound == 0


def test_records_that_name_no_parents_at_all_are_a_list(read: Read) -> None:
    session = Session()
    for name in ("Build the first page of the shop.", "Build the second page of the shop."):
        session.says(name)
        session.works(name[10:16])
    found, unread = read([record | {"parentUuid": None} for record in session.records])
    assert len(found) == 2
    assert unread.rewound == 0


def test_a_chain_that_runs_in_a_circle_ends(read: Read) -> None:
    session = Session()
    session.says(TASK)
    last = session.works("first")
    session.records[0]["parentUuid"] = last
    lost = [
        record | {"uuid": f"x{number}", "parentUuid": f"x{1 - number}"} for number, record in enumerate([said("a")] * 2)
    ]
    assert "first is done" in whole(read([*lost, *session.records])[0])


def test_turns_that_were_rolled_back_in_codex_are_left_out(tmp_path: Path) -> None:
    read = reading(tmp_path, "codex", "rollout-1.jsonl")
    back = {"type": "event_msg", "payload": {"type": "thread_rolled_back", "num_turns": 2}}
    noise = codex_said("<environment_context>\n<cwd>/x</cwd>\n</environment_context>")
    wrong = [codex_said(f"also wrong {name}") for name in ("one", "two")]
    found, unread = read([*codex_work(), wrong[0], noise, wrong[1], back, codex_said("also the right one")])
    assert found[0].hints.corrections == ["also the right one"]
    assert unread.rewound == 3
    found, unread = read([*codex_work(), back | {"payload": {"type": "thread_rolled_back", "num_turns": 9}}])
    assert (len(found), unread.rewound) == (1, 0)


def test_messages_that_were_rewound_in_gemini_cli_are_left_out(tmp_path: Path) -> None:
    read = reading(tmp_path, "gemini", "session-1.jsonl")
    good, bad, other = (gemini_call(f"c-{n}", f"output {n}", command=f"do {n}") for n in ("good", "bad", "other"))
    records = [
        gemini_meta(),
        gemini_said(TASK),
        *gemini_agent("a-1", "", good),
        gemini_said("also the bad thing", "u-bad"),
        *gemini_agent("a-2", "", bad),
        {"$rewindTo": "u-bad"},
        {"$rewindTo": "never seen"},
        gemini_said("also the other thing"),
        *gemini_agent("a-3", "", other),
    ]
    found, unread = read(records)
    assert found[0].hints.corrections == ["also the other thing"]
    assert [f"output {n}" in whole(found) for n in ("good", "bad", "other")] == [True, False, True]
    assert unread.rewound == 5
