"""Ranking as arithmetic: bounded, monotone, independent of order; and how right it is on graded tasks."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bench.recall.metrics import abstention, hit_at_3, ndcg, reciprocal_rank
from bench.recall.quality import OURS, agreement, mean, measure
from bench.recall.sets import DATA, KINDS, graded
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.location import Location
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.coverage import Coverage
from strategy_bank.store.retrieval.ranking import Candidate
from strategy_bank.store.retrieval.strategy_vectors import embed, pieces
from strategy_bank.tools.consolidation.neighbours import Neighbourhood

cosines = st.floats(-1, 1)
bm25s = st.floats(0, 1e6)
coverages = st.builds(Coverage, cosines, cosines, st.none())
counters = st.integers(0, 1000)


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    yield opened
    await opened.close()


def row(id: str, helped: int = 0, hurt: int = 0) -> dict[str, object]:
    words = {
        "title": "t",
        "description": "d",
        "content": "c",
        "outcome": "success",
        "scope": "global",
        "contradicts": [],
    }
    return {"id": id, "helped": helped, "hurt": hurt} | words


def candidate(
    covers: Coverage | None = None, cosine: float = 0, bm25: float = 0, id: str = "st_1", helped: int = 0, hurt: int = 0
) -> Candidate:
    return Candidate(cosine, bm25, covers, row(id, helped, hurt))


candidates = st.builds(candidate, st.one_of(st.none(), coverages), cosines, bm25s)
lists = st.lists(
    st.builds(candidate, coverages, cosines, bm25s, st.uuids().map(str), counters, counters),
    max_size=12,
    unique_by=lambda made: made.row["id"],
)


@given(lists)
def test_relevance_lies_between_0_and_1_and_follows_the_order(some: list[Candidate]) -> None:
    told = [hit.relevance for hit in ranking.ordered(some)]
    assert told == sorted(told, reverse=True)
    assert all(0 <= each <= ranking.SUREST for each in told)


@given(candidates, st.floats(0, 1), st.sampled_from(["task", "strategy", "words"]))
def test_more_of_any_signal_never_makes_a_strategy_fit_less(made: Candidate, more: float, signal: str) -> None:
    covers = made.coverage
    if signal == "words":
        better = Candidate(made.cosine, made.bm25 + more, covers, made.row)
    elif covers is None:
        better = Candidate(made.cosine + more, made.bm25, None, made.row)
    elif signal == "task":
        better = Candidate(made.cosine, made.bm25, Coverage(covers.of_task + more, covers.of_strategy), made.row)
    else:
        better = Candidate(made.cosine, made.bm25, Coverage(covers.of_task, covers.of_strategy + more), made.row)
    assert ranking.fit(better) >= ranking.fit(made)


@given(st.data(), lists, st.integers(1, 10))
def test_the_order_in_which_candidates_come_does_not_matter(
    data: st.DataObject, some: list[Candidate], limit: int
) -> None:
    assert ranking.rank(data.draw(st.permutations(some)), limit) == ranking.rank(some, limit)


@given(lists, st.integers(1, 9))
def test_a_smaller_limit_shows_in_full_the_beginning_of_what_a_larger_one_does(
    some: list[Candidate], limit: int
) -> None:
    assert ranking.rank(some, limit).full == ranking.rank(some, 10).full[:limit]


@given(lists, st.integers(1, 3))
def test_a_menu_holds_what_surely_fits_in_full_and_others_or_nothing_where_the_best_is_unlikely(
    some: list[Candidate], limit: int
) -> None:
    menu, best = ranking.rank(some, limit), next(iter(ranking.ordered(some)), None)
    assert bool(menu.full or menu.others) == (best is not None and best.relevance >= ranking.POSSIBLE)
    assert len(menu.full) + len(menu.others) <= ranking.SHOWN
    assert all(hit.relevance >= ranking.SURE for hit in menu.full)
    assert all(hit.relevance >= ranking.LISTED for hit in menu.others)
    assert not {hit.id for hit in menu.full} & {hit.id for hit in menu.others}


def test_the_same_fit_is_surer_where_the_others_are_far_behind() -> None:
    near, far = (ranking.relevances([0.75, *others])[0] for others in ([0.74, 0.7], [0.5, 0.4]))
    assert near < ranking.SURE < far
    assert ranking.relevances([0.75])[0] > far


@given(counters, counters)
def test_utility_grows_with_help_and_falls_with_harm_and_is_a_half_for_the_unused(helped: int, hurt: int) -> None:
    assert ranking.utility(0, 0) == 0.5
    assert 0 < ranking.utility(helped, hurt) < 1
    assert ranking.utility(helped + 1, hurt) > ranking.utility(helped, hurt) > ranking.utility(helped, hurt + 1)


def test_an_unused_strategy_stands_between_the_proven_and_the_mediocre() -> None:
    assert ranking.promise(4, 0) > ranking.promise(1, 0) > ranking.promise(0, 0) > ranking.promise(2, 2)
    assert ranking.promise(2, 2) > ranking.promise(0, 1) > ranking.promise(0, 4)


@given(counters, counters)
def test_promise_grows_with_help_and_falls_with_harm(helped: int, hurt: int) -> None:
    assert 0 < ranking.promise(helped, hurt) < 1.05
    assert ranking.promise(helped + 1, hurt) > ranking.promise(helped, hurt) > ranking.promise(helped, hurt + 1)


def test_of_strategies_that_fit_nearly_alike_the_one_that_helped_leads_and_the_one_that_hurt_comes_last() -> None:
    fits = Coverage(0.5, 0.5)
    some = [
        candidate(Coverage(0.53, 0.53), id="a", hurt=4),
        candidate(Coverage(0.51, 0.51), id="b"),
        candidate(fits, id="c", helped=4),
    ]
    assert [hit.id for hit in ranking.ordered(some)] == ["c", "b", "a"]


def test_one_that_repeats_a_better_one_comes_behind_all_others_and_never_in_full() -> None:
    text, other = np.eye(2, 384, dtype=np.float32)
    some = [
        candidate(Coverage(0.8, 0.8, text), id="best"),
        candidate(Coverage(0.79, 0.79, text), id="again"),
        candidate(Coverage(0.2, 0.2, other), id="other"),
    ]
    menu = ranking.rank(some, 3)
    assert [hit.id for hit in menu.full] == ["best"]
    assert [hit.id for hit in ranking.ordered(some)] == ["best", "other", "again"]
    assert "again" in [hit.id for hit in menu.others]


def test_one_that_advises_the_opposite_in_nearly_the_same_words_is_no_repetition() -> None:
    text = np.eye(1, 384, dtype=np.float32)[0]
    one, other = (candidate(Coverage(0.8, 0.8, text), id=id) for id in ("one", "other"))
    linked = replace(other, row={**other.row, "contradicts": ["one"]})
    assert {hit.id for hit in ranking.rank([one, linked], 3).full} >= {"one"}
    assert [hit.id for hit in ranking.ordered([one, linked])] == ["one", "other"]


def taught(id: str, fits: float, session: str, **counters: int) -> Candidate:
    made = candidate(Coverage(fits, fits), id=id)
    return replace(made, row={**made.row, "session": session, "support": 1, **counters})


def test_of_a_session_three_lessons_take_part_and_others_of_it_come_last() -> None:
    some = [*(taught(f"b{place}", 0.5 - 0.01 * place, "se_b") for place in range(5)), taught("a", 0.3, "se_a")]
    assert [hit.id for hit in ranking.ordered(some)] == ["b0", "b1", "b2", "a", "b3", "b4"]
    alone = [each for each in some if each.row["id"] != "a"]
    assert [hit.id for hit in ranking.ordered(alone)] == ["b0", "b1", "b2", "b3", "b4"]
    for counters in ({"support": 3}, {"helped": 4}):
        confirmed = [*(taught(f"b{place}", 0.5 - 0.01 * place, "se_b", **counters) for place in range(5)), some[-1]]
        assert [hit.id for hit in ranking.ordered(confirmed)][-1] == "a"


def test_what_others_have_in_full_without_a_loud_session_they_have_beside_it() -> None:
    loud = [taught(f"b{place}", 0.6, "se_b") for place in range(4)]
    right = taught("a", 0.45, "se_a")
    assert [hit.id for hit in ranking.rank([right], 3).full] == ["a"]
    assert "a" not in [hit.id for hit in ranking.rank([right, *loud], 3).full]
    menu = ranking.rank([right, *loud], 3, "se_b")
    assert sorted(hit.id for hit in menu.full) == ["a", "b0", "b1"]
    assert "a" in [hit.id for hit in ranking.rank([right, *loud], 1, "se_b").full]


@given(lists, st.floats(0.8, 1), st.integers(1, 3))
def test_no_session_takes_a_lesson_of_others_out_of_the_lines_by_fitting_much_better(
    some: list[Candidate], fits: float, limit: int
) -> None:
    before = ranking.rank(some, limit)
    after = ranking.rank([*some, *(taught(f"b{place}", fits, "se_b") for place in range(3))], limit)
    ids = [[hit.id for hits in menu for hit in hits if not hit.id.startswith("b")] for menu in (before, after)]
    assert set(ids[0][: ranking.SHOWN - 3]) <= set(ids[1])


def test_a_copy_by_another_session_makes_no_repetition_of_a_lesson() -> None:
    text = np.eye(1, 384, dtype=np.float32)[0]
    right, copy = taught("a", 0.5, "se_a"), taught("b", 0.51, "se_b")
    some = [replace(each, coverage=Coverage(*each.coverage[:2], text)) for each in (right, copy) if each.coverage]
    other = taught("c", 0.4, "se_a")
    assert [hit.id for hit in ranking.ordered([*some, other])] == ["b", "a", "c"]
    own = [replace(each, row={**each.row, "session": "se_a"}) for each in some]
    assert [hit.id for hit in ranking.ordered([*own, other])] == ["b", "c", "a"]


@given(lists, st.integers(1, 9), st.data())
def test_of_a_linked_pair_both_are_shown_or_none_with_one_more_than_the_limit_at_most(
    some: list[Candidate], limit: int, data: st.DataObject
) -> None:
    if len(some) < 2:
        return
    one, other = data.draw(st.permutations(some))[:2]
    links = {one.row["id"]: [other.row["id"]], other.row["id"]: [one.row["id"]]}
    pairs = [
        Candidate(c.cosine, c.bm25, c.coverage, {**c.row, "contradicts": links.get(c.row["id"], [])}) for c in some
    ]
    shown = {hit.id for hit in ranking.rank(pairs, limit).full}
    assert len(shown) <= limit + 1
    assert len(shown & links.keys()) != 1
    assert {hit.id for hit in ranking.rank(some, limit).full} <= shown


@given(st.text())
def test_the_gist_is_short_and_is_its_own_gist(task: str) -> None:
    assert len(ranking.gist(task)) <= ranking.HEAD + ranking.TAIL + 1
    assert ranking.gist(task[: ranking.HEAD + ranking.TAIL]) == task[: ranking.HEAD + ranking.TAIL]


def test_the_gist_of_a_long_task_keeps_both_ends() -> None:
    task = "Mend the upload. " + "log line\n" * 900 + "It ends with EACCES."
    assert ranking.gist(task).startswith("Mend the upload.")
    assert ranking.gist(task).endswith("It ends with EACCES.")


@given(st.text())
def test_the_words_that_are_searched_for_are_distinct_and_of_the_task(task: str) -> None:
    words = ranking.lexical_query(task).split(" ")
    assert len(words) == len(set(words)) <= ranking.LEXICAL_TERMS
    assert all(word in task.lower() for word in words)


def test_of_words_that_the_model_knows_only_those_that_it_spells_out_are_searched_for(models_dir: Path) -> None:
    count = Embedder(models_dir).count_pieces
    assert ranking.lexical_query("The tests of the import fail again, find out why.", count) == ""
    named = "It fails with ECONNREFUSED, says E0308; see ci_pipeline_id (ECONNREFUSED again)."
    assert ranking.lexical_query(named, count) == "econnrefused e0308 ci_pipeline_id"
    assert ranking.lexical_query("日本語のファイル", count) != ""


# word pieces


def reading(seed: int, count: int) -> Reading:
    chance = np.random.default_rng(seed)
    tokens = chance.normal(size=(count, 384)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    vector = tokens[0] if count else np.zeros(384, np.float32)
    return Reading(vector, chance.integers(7000, 30522, count), tokens)  # rare words: none of them is a "but"


# rarer with every id, and "but" is what parts a task
BY = Yardstick(np.linspace(0.1, 1, 30522, dtype=np.float32), [2021])
pack, covered = partial(coverage.pack, BY), partial(coverage.coverages, BY)
readings = st.builds(reading, st.integers(0, 99), st.integers(1, 40))


@hypothesis_settings(deadline=None, max_examples=40)
@given(readings, st.lists(st.tuples(readings, st.none() | readings), max_size=5))
def test_coverages_are_cosines_with_a_little_for_the_same_words(
    query: Reading, strategies: list[tuple[Reading, Reading | None]]
) -> None:
    packed = [pack(text, task) for text, task in strategies]
    told = covered(query, packed)
    for covers in told:
        assert covers is not None
        assert -1.001 <= covers.of_task <= 1.001
        assert -1.001 <= covers.of_strategy <= 1.151


def test_a_word_that_all_lessons_of_a_project_have_tells_less_than_one_that_a_single_lesson_has() -> None:
    project, own, filler = (reading(seed, 6) for seed in (1, 2, 3))
    lessons = [pack(_joined(project, reading(seed, 6))) for seed in range(10, 30)]
    lessons.append(pack(_joined(project, own)))
    by_project, by_own = (covered(_joined(each, filler), lessons) for each in (project, own))
    fits = [[one.of_task + one.of_strategy for one in covers if one] for covers in (by_project, by_own)]
    assert max(fits[0]) < 0.6 * fits[1][-1]
    assert fits[1][-1] == max(fits[1])
    (alone,) = covered(_joined(project, filler), lessons[:1])
    assert alone
    assert alone.of_task + alone.of_strategy > max(
        fits[0]
    )  # in a bank of one, nothing says which words are the project's


def _joined(one: Reading, other: Reading) -> Reading:
    return Reading(one.vector, np.concatenate([one.ids, other.ids]), np.concatenate([one.pieces, other.pieces]))


def test_what_a_task_says_before_its_last_but_no_longer_counts() -> None:
    known, asked = reading(1, 6), reading(2, 6)
    turn = Reading(known.vector, np.array([2021]), reading(3, 1).pieces)  # "but"
    lessons = [pack(known), pack(asked)]
    first, second = covered(_joined(_joined(known, turn), asked), lessons)
    assert first
    assert second
    assert second.of_task > 0.9 > 0.4 > first.of_task


def test_of_many_only_the_likeliest_are_compared_and_sharing_a_word_makes_one_likelier() -> None:
    query = reading(1, 6)
    there = Reading(query.vector, np.concatenate([query.ids, reading(2, 6).ids]), reading(3, 12).pieces)
    packed = [pack(each) for each in (*(reading(seed, 6) for seed in range(10, 50)), there)]
    covers = covered(query, packed, [1 - 0.01 * place for place in range(40)] + [0.7])
    compared = [place for place, one in enumerate(covers) if one and one.text is not None]
    assert compared == [*range(coverage.COMPARED - 1), 40]
    assert [one for place, one in enumerate(covers) if place not in compared] == [Coverage(0, 0)] * (41 - len(compared))
    assert all(one and one.text is not None for one in covered(query, packed))


def test_what_stands_apart_says_not_which_words_all_have_and_takes_no_place_among_those_compared() -> None:
    query, lessons = reading(1, 6), [pack(reading(seed, 6)) for seed in range(10, 40)]
    flood = [pack(_joined(query, reading(seed, 3))) for seed in range(50, 80)]
    likely = [0.5 - 0.01 * place for place in range(30)]
    alone = covered(query, lessons, likely)
    beside = covered(query, [*lessons, *flood], [*likely, *[0.9] * 30], range(30, 60))
    for one, other in zip(alone, beside, strict=False):
        assert one is not None
        assert other is not None
        assert one[:2] == pytest.approx(other[:2], abs=1e-6)
    assert sum(one is not None and one.text is not None for one in beside[30:]) == coverage.COMPARED


@hypothesis_settings(deadline=None, max_examples=40)
@given(readings)
def test_a_text_covers_itself_nearly_wholly_though_it_is_packed_in_two_bits(text: Reading) -> None:
    packed = pack(text, None)
    assert len(packed) == 4 + len(text.ids) * (2 + 384 // 4)
    (covers,) = covered(text, [packed])
    assert covers is not None
    assert min(covers[:2]) > 0.9


@hypothesis_settings(deadline=None, max_examples=40)
@given(readings, st.integers(7000, 30000))
def test_a_word_that_the_task_has_as_well_covers_more_than_another_that_is_as_near(text: Reading, id: int) -> None:
    packed = pack(text, None)
    there, other = (
        Reading(text.vector, np.full_like(text.ids, each), text.pieces)
        for each in (text.ids[0], _another(text.ids, id))
    )
    same, near = (covered(query, [packed])[0] for query in (there, other))
    assert same
    assert near
    assert same.of_strategy > near.of_strategy
    assert same.of_task == pytest.approx(near.of_task, abs=1e-5)


def _another(ids: "np.ndarray[tuple[int], np.dtype[np.int64]]", id: int) -> int:
    return next(each for each in range(id, id + len(ids) + 1) if each not in ids)


def test_what_was_never_packed_has_no_coverage_and_an_empty_task_covers_nothing() -> None:
    assert covered(reading(1, 3), [b"", pack(reading(1, 3), None)])[0] is None
    assert covered(reading(1, 0), [pack(reading(1, 3), None), b""]) == [Coverage(0, 0), None]
    assert covered(reading(1, 3), []) == []


def test_one_pass_gives_the_same_vector_whatever_is_read_beside_it(models_dir: Path) -> None:
    embedder = Embedder(models_dir)
    texts = ["short", "Find out why the nightly import of customer orders crashes with a decoding error."]
    first, second = (reading.vector for reading in embedder.read_documents(texts))
    (alone,), read = embedder.read_documents(texts[1:]), embedder.read_query(texts[1])
    assert np.array_equal(first, embedder.read_query(texts[0]).vector)
    assert np.array_equal(second, alone.vector)
    assert read.pieces.shape == (len(read.ids), 384)
    assert np.linalg.norm(read.pieces, axis=1) == pytest.approx(1, abs=1e-5)


def test_what_is_stored_of_a_text_stands_for_reading_it_again(models_dir: Path) -> None:
    embedder = Embedder(models_dir)
    lesson = {
        "title": "Read bytes first",
        "description": "For foreign files.",
        "content": "Find out the encoding, e.g. UTF-8.",
    }
    (item,) = embed(embedder, [Strategy(id="st_1", outcome="success", source_task="Mend the import.", **lesson)])
    stored = pieces(embedder, item)
    assert stored
    text = ranking.strategy_texts(item.strategy)[0]
    (read,) = embedder.read_documents([text])
    assert [text[start:end] for start, end in stored.spans[:3]] == ["Read", "bytes", "first"]
    assert (stored.vectors * read.pieces[1:-1]).sum(axis=1).min() > 0.85
    assert np.linalg.norm(stored.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert pieces(embedder, replace(item, packed_pieces=b"")) is None
    other = item.strategy.model_copy(update={"content": "Something else, and longer than it was before."})
    assert pieces(embedder, replace(item, strategy=other)) is None


@pytest.mark.anyio
async def test_a_lesson_in_words_that_the_model_does_not_know_is_kept_and_found_by_its_words(bank: Bank) -> None:
    words = {"title": "🜁🜂🜃 🜄", "description": "", "content": "🜅🜆"}
    assert not coverage.telling(bank.embedder.yardstick, bank.embedder.pieces("\n".join(words.values()))[0]).any()
    unknown = [Strategy(id=f"st_{n}", outcome="success", scope="s", **words) for n in range(2)]
    known = Strategy(
        id="st_k", outcome="success", scope="s", title="🜁", description="🜂", content="Read the bytes first."
    )
    items = await bank.embed([*unknown, known])
    assert [piece is not None for piece in await bank.pieces(items)] == [False, False, True]
    async with bank.lock.hold():
        assert await bank.add_strategies(items) == 3
    near = Neighbourhood(bank)
    assert {each.strategy.id for item in items for each in await near.of(item)} >= {"st_0", "st_1"}
    assert [hit.id for hit in await bank.search("read the bytes", ["s"], 1)] == ["st_k"]
    assert await bank.search("🜁🜂🜃", ["s"], 1) == []


# how right it is


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.skipif(not DATA.is_dir(), reason=f"the graded tasks are not at {DATA}")
async def test_recall_stays_as_right_as_it_was_measured(home: Path) -> None:
    """bench/results/recall.md has the figures; the margins here are a few tasks wide."""
    case = graded()
    measured = await measure(case, await Bank.open(Location(home)), ask=True)
    answerable = [i for i, query in enumerate(case.queries) if query.relevant]
    nothing = [i for i, query in enumerate(case.queries) if not query.relevant]
    ours = measured.ways[OURS]
    assert mean(ndcg, case, ours, answerable) >= 0.71
    for kind in KINDS:
        some = [i for i in answerable if case.queries[i].kind == kind]
        others = [mean(ndcg, case, ranked, some) for name, ranked in measured.ways.items() if name != OURS]
        assert mean(ndcg, case, ours, some) >= max(others) - 0.02, kind
    assert abstention(ours.confidence[answerable], ours.confidence[nothing]).empty >= 0.66
    menus = [[[hit.id for hit in hits] for hits in measured.recalled[i]] for i in answerable]
    assert np.mean([not full and not others for full, others in menus]) <= 0.03
    assert np.mean([not measured.recalled[i].full for i in nothing]) >= 0.8
    assert agreement(case, measured) >= 0.99  # the bank's search by words brings a few more


def test_the_figures_are_what_their_names_say() -> None:
    assert ndcg([1, 2, 3], {1: 2}) == 1
    assert ndcg([2, 1], {1: 1}) == pytest.approx(1 / np.log2(3))
    assert ndcg([], {1: 1}) == 0
    assert hit_at_3([5, 4, 3, 1], {1: 1}) == 0
    assert reciprocal_rank([5, 1], {1: 1}) == 0.5
    told = abstention(np.arange(10) / 10 + 0.05, np.array([0.0, 0.1, 0.2, 0.9]))
    assert told.empty == 0.5
    assert told.precision == pytest.approx(2 / 3)


def test_a_strategy_without_a_source_task_stands_by_its_text_alone() -> None:
    made = Strategy(id="st_1", title="a", description="b", content="c", outcome="success")
    assert ranking.strategy_texts(made) == ["a\nb\nc"]
    assert ranking.strategy_texts(made.model_copy(update={"source_task": "t"})) == ["a\nb\nc", "t"]
