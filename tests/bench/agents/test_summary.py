"""The arithmetic of the summary, and that the published page says what the records say."""

import json
from pathlib import Path

import pytest

from bench.agents.record import NAME
from bench.agents.rows import Row, collect, read_reports, read_rows, row_of, write
from bench.agents.summary import BEGIN, END, PAGE, main, pairs, put_into, tables
from bench.support.figures import bootstrap, sign_test


def row(arm: str, visit: int, *, completed: bool = True, score: int = 100, actions: int = 10, **more: int) -> Row:
    given = {"read": 100, "written": 10, **more}
    return Row.model_validate(
        {"arm": arm, "task": "boil", "variation": visit, "visit": visit, "completed": completed, "score": score}
        | {"actions": actions, "by": "world", **given}
    )


def test_arms_are_compared_by_the_same_task_and_variation() -> None:
    rows = [
        row("none", 1, completed=False, score=20, actions=30),
        row("bank", 1, actions=12, read=700),
        row("none", 2, actions=20),
        row("bank", 2, actions=14, read=900),
        row("bank", 3),
    ]
    assert [(without.visit, with_bank.visit) for without, with_bank in pairs(rows, "bank")] == [(1, 1), (2, 2)]
    text = tables(rows)
    assert "| none | 1 of 2, 50 % (9–91) | 60.0 | 25.0 | 20.0 | 100 | 10.0 |" in text
    assert (
        "| bank against none | 2 | 1 more, 0 fewer (p 1.00) | +40.0 (+0.0 to +80.0) | -12.0 (-18.0 to -6.0) | +700.0"
        in text
    )


def test_visits_are_shown_in_order_and_a_gap_as_a_gap() -> None:
    text = tables([row("none", 2), row("none", 1, completed=False, actions=30), row("bank", 1)])
    assert "| none | 0 of 1; 30.0 | 1 of 1; 10.0 |" in text
    assert "| bank | 1 of 1; 10.0 | – |" in text


def test_without_episodes_there_are_no_tables() -> None:
    assert tables([]) == "No episodes have been played yet."


@pytest.mark.parametrize(("better", "worse", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (6, 1, 0.125), (3, 3, 1.0)])
def test_the_sign_test_is_exact(better: int, worse: int, p: float) -> None:
    assert sign_test(better, worse) == pytest.approx(p)


def test_the_bootstrap_holds_the_mean_and_narrows_with_more_values() -> None:
    few, many = bootstrap([0.0, 1.0, 2.0, 3.0] * 2), bootstrap([0.0, 1.0, 2.0, 3.0] * 20)
    assert few[0] < many[0] < 1.5 < many[1] < few[1]
    assert bootstrap([2.0, 2.0]) == (2.0, 2.0)


def test_tokens_are_what_was_read_and_written_unless_an_endpoint_counted_them() -> None:
    begin = {"kind": "begin", "arm": "bank", "task": "boil", "variation": 3, "visit": 1, "handed_over": 0}
    closed = {"kind": "closed", "completed": True, "score": 100, "actions": 1, "by": "world"}
    reply = "<strategies>\n[st_1] from a success\n> A\n[st_2] from a failure\n> B\n</strategies>"
    recall = {
        "kind": "tool",
        "name": "recall_strategies",
        "arguments": {"task": "boil"},
        "reply": reply,
        "error": False,
    }
    action = {"kind": "action", "action": "open", "observation": "x" * 40}
    seen = [begin, {"kind": "shown", "tokens": 500}, recall, action, closed]
    plain = row_of(seen)
    assert (plain.read, plain.written, plain.lessons) == (500 + round(len(reply) / 4) + 10, 1 + 4, 2)
    counted = row_of(
        [*seen, {"kind": "usage", "read": 900, "written": 30}, {"kind": "usage", "read": 950, "written": 5}]
    )
    assert (counted.read, counted.written, counted.counted) == (1850, 35, True)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    rows = [row("none", 1), row("bank", 1, completed=False)]
    write(tmp_path, rows, [{"arm": "bank", "task_type": "boil", "visit": 1, "task": "boil tin"}])
    assert read_rows(tmp_path) == rows
    assert read_reports(tmp_path)[0]["task"] == "boil tin"


def test_an_episode_that_was_played_twice_is_named(tmp_path: Path) -> None:
    begin = {"kind": "begin", "arm": "none", "task": "boil", "variation": 3, "visit": 1, "handed_over": 0}
    closed = {"kind": "closed", "completed": True, "score": 100, "actions": 1, "by": "world"}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / NAME).write_text(f"{json.dumps(begin)}\n{json.dumps(closed)}\n")
    assert collect(tmp_path)[2] == ["boil 1 was played twice in the arm none"]


def test_tables_are_put_between_the_marks_of_a_page() -> None:
    page = f"# Title\n{BEGIN}\nold\n{END}\nrest\n"
    assert put_into(page, "new") == f"# Title\n{BEGIN}\nnew\n\n{END}\nrest\n"
    assert put_into(put_into(page, "old"), "new") == put_into(page, "new")


def test_the_page_says_what_the_records_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    page = PAGE.read_text("utf-8")
    assert put_into(page, capsys.readouterr().out.rstrip("\n")) == page
