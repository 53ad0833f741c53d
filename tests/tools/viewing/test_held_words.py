"""A text that somebody looks for is shown where it stands, in whichever part of a record holds it."""

import pytest

from strategy_bank.store.records import Episode, Proposal, Recall, Revision, Run
from strategy_bank.tools.viewing.held_words import AROUND, Held, held_words
from tests.support.records import lesson

OTHER = {"title": "a", "description": "b"}


@pytest.mark.parametrize(
    ("record", "part"),
    [
        (lesson(1, title="What Northwind wants"), "title"),
        (lesson(1, content="x" * 400 + " Northwind"), "what it says"),
        (lesson(1, source_task="northwind complains"), "the task it was learned from"),
        (lesson(1, revisions=[Revision(**OTHER, content="NORTHWIND", replaced_by="edit")]), "a former wording"),
        (lesson(1, proposals=[Proposal(**OTHER, content="for Northwind", proposed_by="ep_1")]), "a proposed wording"),
        (Recall(id="rc_1", scope="s", task="an invoice of Northwind"), "task"),
        (Run(id="run_1", scope="s", task="t", mode="parallel", attempts=2, comparison="Northwind"), "comparison"),
        (Episode(id="ep_1", scope="s", task="t", trajectory="", steps=1, judgement="Northwind"), "judgement"),
    ],
)
def test_the_part_that_holds_a_text_is_named(record: object, part: str) -> None:
    held = held_words(record, "Northwind")  # type: ignore[arg-type]
    assert held
    assert (held.part, held.found.lower()) == (part, "northwind")
    assert len(held.before) <= AROUND >= len(held.after)


def test_the_words_around_it_are_those_that_stand_there() -> None:
    held = held_words(lesson(1, content="Ask Northwind first."), "northwind")
    assert held == Held("what it says", "Ask ", "Northwind", " first.")


def test_what_holds_nothing_of_it_has_no_place() -> None:
    assert held_words(lesson(1), "Northwind") is None
    assert held_words(lesson(1), "") is None
