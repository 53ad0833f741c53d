"""What is said of each candidate of a recall agrees with what the recall shows."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.store.retrieval import ranking
from strategy_bank.store.retrieval.coverage import Coverage
from strategy_bank.store.retrieval.explanation import Considered, considered
from strategy_bank.store.retrieval.ranking import Candidate
from strategy_bank.store.retrieval.teachers import MOST, teacher

TEXTS = np.eye(3, 384, dtype=np.float32)
"""Lessons with one of these in common say the same."""


@st.composite
def banks(draw: st.DrawFn) -> list[Candidate]:
    """Candidates with records, sessions, repetitions and opposites, better ones more often than by chance."""
    some, count = list[Candidate](), draw(st.integers(0, 20))
    ids = [f"st_{number:02}" for number in range(count)]
    for id in ids:
        text = draw(st.sampled_from([None, *TEXTS]))
        against = draw(st.sampled_from(ids)) if draw(st.integers(0, 5)) == 0 else id
        row = {
            "id": id, "title": "t", "description": "d", "content": "c", "outcome": "success", "scope": "s",
            "helped": draw(st.integers(0, 5)), "hurt": draw(st.integers(0, 5)), "support": draw(st.integers(1, 4)),
            "session": draw(st.sampled_from(["", "se_a", "se_b"])), "contradicts": [against] if against != id else [],
        }  # fmt: skip
        covers = Coverage(draw(st.floats(0, 0.8)), draw(st.floats(0, 0.8)), text)
        some.append(Candidate(draw(st.floats(0, 1)), 0.0, covers, row))
    return some


@given(banks(), st.integers(1, 10), st.sampled_from(["", "se_a"]))
def test_every_candidate_is_told_once_where_the_recall_shows_it(some: list[Candidate], limit: int, loud: str) -> None:
    order, menu = ranking.order(some, loud), ranking.rank(some, limit, loud)
    told = considered(order, menu, limit)
    assert sorted(each.row["id"] for each in told) == sorted(each.row["id"] for each in some)
    shown = {"full": menu.full, "listed": menu.others}
    for place, hits in shown.items():
        there = [(each.row["id"], each.parts.relevance) for each in told if each.place == place]
        assert there == [(hit.id, hit.relevance) for hit in hits]
    assert {each.place for each in told} <= {"full", "listed", "missed"}


@given(banks(), st.integers(1, 10), st.sampled_from(["", "se_a"]))
def test_every_reason_holds(some: list[Candidate], limit: int, loud: str) -> None:
    menu = ranking.rank(some, limit, loud)
    told = considered(ranking.order(some, loud), menu, limit)
    by_id = {each.row["id"]: each for each in told}
    for each in told:
        assert _holds(each, by_id, len(menu.full) + len(menu.others), limit), each


def _holds(each: Considered, by_id: dict[str, Considered], shown: int, limit: int) -> bool:
    relevance, full = each.parts.relevance, [one for one in by_id.values() if one.place == "full"]
    match each.cause:
        case "best":
            return relevance >= each.floor == ranking.SURE
        case "beside":
            return relevance >= each.floor == ranking.BESIDE
        case "opposite":
            return each.row["id"] in by_id[each.opposes].row["contradicts"] and by_id[each.opposes].place == "full"
        case "limit":
            return each.chance >= each.floor and len(full) >= limit
        case "unsure":
            return relevance >= ranking.LISTED and each.chance < each.floor
        case "repeats":
            better = by_id[each.repeats]
            return better.parts.standing >= each.parts.standing and _same(each, better)
        case "crowd":
            own = Counter(teacher(one.row) for one in by_id.values() if one.parts.standing >= each.parts.standing)
            return own[teacher(each.row)] > MOST
        case "nothing_fits":
            return shown == 0
        case "unlikely":
            return relevance < ranking.LISTED
        case "beyond":
            return relevance >= ranking.LISTED and shown >= ranking.SHOWN
        case _:
            return False


def _same(one: Considered, other: Considered) -> bool:
    return one.row["id"] not in other.row["contradicts"] and other.row["id"] not in one.row["contradicts"]


@given(banks())
def test_the_parts_of_a_score_make_up_its_relevance(some: list[Candidate]) -> None:
    for each in considered(ranking.order(some), ranking.rank(some, 3), 3):
        parts = each.parts
        assert parts.of_task is not None
        assert parts.of_strategy is not None
        assert abs(parts.of_task + parts.of_strategy + parts.experience - parts.standing) < 1e-9
        assert abs(ranking.relevance(parts.standing, parts.margin) - parts.relevance) <= 0.0005001
