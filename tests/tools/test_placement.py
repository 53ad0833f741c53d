"""The plan of what a judgement changes in the bank, made of neighbours alone: no bank, no model."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from strategy_bank.store.records import GLOBAL_SCOPE, Strategy
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
from strategy_bank.tools.consolidation.likeness import Likeness
from strategy_bank.tools.consolidation.neighbours import Neighbour
from strategy_bank.tools.learning.placement import Draft, Plan, plan
from tests.support.records import lesson

SAME = Likeness(1.0, 0.0, forbidden=False, contrary=False)
OPEN = Likeness(-0.2, 0.5, forbidden=False, contrary=False)
OPPOSITE = Likeness(0.0, 0.5, forbidden=True, contrary=True)
UNLIKE = Likeness(-9.0, 1.0, forbidden=False, contrary=False)
NONE = np.zeros(0, np.float32)


def new(number: int, **changes: object) -> Strategy:
    told = {"episode_ids": ["ep_new"], "source_task": "Read what the old system wrote", "session": "se_new"}
    return lesson(number, **(told | changes))


def known(number: int, **changes: object) -> Strategy:
    return lesson(number, **({"episode_ids": [f"ep_{number}"]} | changes))


def draft(
    strategy: Strategy,
    *beside: tuple[Strategy, Likeness],
    earlier: Sequence[tuple[Strategy, Likeness]] = (),
) -> Draft:
    near = [[Neighbour(each, likeness) for each, likeness in some] for some in (beside, earlier)]
    return Draft(EmbeddedStrategy(strategy, NONE, NONE, b""), *near)


def learned(made: Plan) -> list[tuple[str, str]]:
    return [(each.id, each.action) for each in made.learned]


def test_a_draft_unlike_all_others_is_added_and_changes_none_of_them() -> None:
    lonely = new(1)
    made = plan([draft(lonely, (known(2), UNLIKE))], {})
    assert [item.strategy for item in made.added.values()] == [lonely]
    assert (dict(made.amended), learned(made), made.undecided) == ({}, [("st_1", "added")], ())


def test_a_draft_that_says_the_same_adds_its_episodes_to_the_known_one() -> None:
    made = plan([draft(new(1), (known(3), UNLIKE), (known(2), SAME))], {})
    assert not made.added
    assert (made.amended["st_2"].support, made.amended["st_2"].episode_ids) == (2, ["ep_2", "ep_new"])
    assert learned(made) == [("st_2", "merged")]


def test_of_several_that_say_the_same_the_one_with_its_id_wins_and_then_the_most_alike() -> None:
    closer = Likeness(2.0, 0.0, forbidden=False, contrary=False)
    assert learned(plan([draft(new(1), (known(2), SAME), (known(3), closer))], {})) == [("st_3", "merged")]
    assert learned(plan([draft(new(1), (known(3), closer), (known(1), SAME))], {})) == [("st_1", "merged")]


def test_two_drafts_for_the_same_known_one_count_once() -> None:
    old = known(3)
    made = plan([draft(new(1), (old, SAME)), draft(new(2), (old, SAME))], {})
    assert (made.amended["st_3"].support, learned(made)) == (2, [("st_3", "merged"), ("st_3", "merged")])


def test_what_was_merged_away_is_not_amended_but_the_strategy_that_took_it_in() -> None:
    gone, kept = known(2, status="retired", status_reason="merged into st_3"), known(3)
    made = plan([draft(new(1), (gone, SAME))], {"st_2": kept})
    assert (list(made.amended), learned(made)) == (["st_3"], [("st_3", "merged")])


def test_credit_and_provenance_of_one_judgement_go_into_one_amendment() -> None:
    used = known(2, helped=5)
    made = plan([draft(new(1), (known(2), SAME))], {}, [used, known(4, hurt=1)])
    assert (made.amended["st_2"].helped, made.amended["st_2"].support) == (5, 2)
    assert made.amended["st_4"].hurt == 1


def test_two_drafts_that_say_the_same_are_one_new_strategy() -> None:
    made = plan([draft(new(1)), draft(new(2), earlier=[(new(1), SAME)])], {})
    assert (list(made.added), dict(made.amended)) == (["st_1"], {})
    assert learned(made) == [("st_1", "added"), ("st_1", "merged")]


def test_an_earlier_draft_that_was_merged_takes_nothing_in() -> None:
    made = plan([draft(new(1), (known(3), SAME)), draft(new(2), earlier=[(new(1), SAME)])], {})
    assert (list(made.added), learned(made)) == (["st_2"], [("st_3", "merged"), ("st_2", "added")])


def test_opposites_are_linked_both_ways_among_the_known_and_among_the_drafts() -> None:
    made = plan([draft(new(1), (known(3), OPPOSITE)), draft(new(2), earlier=[(new(1), OPPOSITE)])], {})
    assert made.added["st_1"].strategy.contradicts == ["st_3", "st_2"]
    assert made.added["st_2"].strategy.contradicts == ["st_1"]
    assert made.amended["st_3"].contradicts == ["st_1"]


def test_what_likeness_leaves_open_is_added_and_asked_about_once() -> None:
    nearer = Likeness(-0.3, 0.45, forbidden=False, contrary=False)
    made = plan([draft(new(1), (known(2), OPEN), (known(3), nearer))], {})
    assert list(made.added) == ["st_1"]
    assert [(pair.new.id, pair.known.id) for pair in made.undecided] == [("st_1", "st_3")]


def test_nobody_is_asked_whether_two_drafts_of_one_judgement_are_one() -> None:
    assert plan([draft(new(1)), draft(new(2), earlier=[(new(1), OPEN)])], {}).undecided == ()


def test_a_quarantined_draft_is_added_and_merges_with_nothing_and_nobody_is_told() -> None:
    waiting = new(1, status="quarantined", status_reason="quarantined: an order")
    made = plan([draft(waiting, (known(2), SAME), (known(3), OPPOSITE), (known(4), OPEN))], {})
    assert (list(made.added), dict(made.amended), learned(made), made.undecided) == (["st_1"], {}, [], ())


def test_a_lesson_of_another_outcome_is_no_duplicate() -> None:
    assert learned(plan([draft(new(1), (known(2, outcome="failure"), SAME))], {})) == [("st_1", "added")]


def test_a_fact_of_one_project_stays_there_even_if_another_project_says_the_same() -> None:
    theirs = known(1, scope="theirs")
    for ours, its, merged in (
        ("generally", "generally", True),
        ("here", "generally", False),
        ("generally", "here", False),
    ):
        one = new(2, holds=ours)
        near = Neighbour(theirs.model_copy(update={"holds": its}), SAME)
        made = plan([replace(draft(one), elsewhere=[near])], {"st_1": near.strategy})
        assert learned(made) == ([("st_1", "merged")] if merged else [("st_2", "added")])
        assert [each.scope for each in made.amended.values()] == ([GLOBAL_SCOPE] if merged else [])
