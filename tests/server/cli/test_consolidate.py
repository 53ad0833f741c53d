"""Lessons that say the same become one, others stay apart; `strategy-bank consolidate` does it for what is there already."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from click.testing import CliRunner, Result

from bench.consolidation.pairs import HALVES, Compared, Pair, Reader, drawn, written
from strategy_bank.server.cli.main import cli
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, LearnedStrategy, Record, Run, Strategy
from strategy_bank.tools.consolidation.merge import merge, survivor
from tests.support.amending import OPEN
from tests.support.samples import chore
from tests.support.scripted_endpoint import ScriptedEndpoint, fails, says

R = TypeVar("R", bound=Record)
STREAM = {
    "title": "Stream files larger than memory",
    "description": "When a data file does not fit in memory.",
    "content": "Read it in chunks and keep running totals instead of loading everything, so memory stays flat.",
}
STREAMED = STREAM | {
    "title": "Stream files that are larger than memory",
    "content": "Read it in chunks, keeping running totals instead of loading everything, so that memory stays flat.",
}


def strategy(id: str, words: dict[str, str], **fields: object) -> Strategy:
    return Strategy.model_validate({"id": id, "outcome": "success", "scope": "web"} | words | fields)


def fill(home: Path, strategies: Iterable[Strategy], *others: Sequence[Record]) -> None:
    async def add() -> None:
        bank = await Bank.open(Location(home))
        async with bank.lock.hold():
            await bank.add_strategies(await bank.embed(list(strategies)))
            for records in others:
                await bank.add_all(records)
        await bank.close()

    anyio.run(add)


def stored(home: Path) -> dict[str, Strategy]:
    return {each.id: each for each in stored_of(home, Strategy)}


def stored_of(home: Path, kind: type[R]) -> list[R]:
    async def read() -> list[R]:
        bank = await Bank.open(Location(home))
        found = await bank.all(kind)
        await bank.close()
        return found

    return anyio.run(read)


def consolidate(home: Path, *words: str, endpoint: ScriptedEndpoint | None = None) -> Result:
    asked = {"STRATEGY_BANK_LLM_MODEL": "scripted", "STRATEGY_BANK_LLM_BASE_URL": endpoint.base_url} if endpoint else {}
    result = CliRunner().invoke(cli, ["--home", str(home), "consolidate", *words], env=asked)
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "merged", "reached"), [(written, 0.4, 0.6), (drawn, 0.05, 0.8)])
def test_hardly_a_wrong_merge_and_most_duplicates_merged_or_asked_about_on_held_out_pairs(
    models_dir: Path, pairs: Callable[[], list[Pair]], merged: float, reached: float
) -> None:
    reader = Reader(Embedder(models_dir))
    held = [(pair.same, reader.compare(pair)) for pair in pairs() if pair.half == HALVES[1]]
    assert share(held, False, lambda one: one.merges) <= 0.02
    assert share(held, True, lambda one: one.merges) >= merged
    assert share(held, True, lambda one: one.merges or one.asks) >= reached


@pytest.mark.slow
def test_agents_are_seldom_asked_in_vain_and_their_lessons_seldom_linked_as_contradicting(models_dir: Path) -> None:
    reader = Reader(Embedder(models_dir))
    every = [(pair.same, reader.compare(pair)) for pair in drawn()]
    assert share(every, False, lambda one: one.asks) <= 0.15
    assert share(every, False, lambda one: one.links) <= 0.01
    assert share(every, True, lambda one: one.links) <= 0.02


def share(compared: list[tuple[bool, Compared]], same: bool, what: Callable[[Compared], bool]) -> float:
    """Of the pairs that are, or are not, the same."""
    mine = [what(one) for is_same, one in compared if is_same == same]
    return sum(mine) / len(mine)


def test_counters_and_provenance_add_up_in_the_better_supported_one(home: Path) -> None:
    one = strategy("st_one", STREAM, support=1, helped=2, episode_ids=["ep_1"], credited_by=["ep_8"])
    two = strategy("st_two", STREAMED, support=3, hurt=1, episode_ids=["ep_2"], credited_by=["ep_9"])
    fill(home, [one, two])
    shown = consolidate(home, "--dry-run")
    assert "st_one → st_two" in shown.stdout
    assert stored(home)["st_one"].status == "active"
    consolidate(home)
    after = stored(home)
    kept, gone = after["st_two"], after["st_one"]
    assert (kept.support, kept.helped, kept.hurt) == (4, 2, 1)
    assert set(kept.episode_ids) == {"ep_1", "ep_2"}
    assert set(kept.credited_by) == {"ep_8", "ep_9"}
    assert kept.content == STREAMED["content"]
    assert (gone.status, gone.status_reason) == ("retired", "merged into st_two")
    assert "0 were merged" in consolidate(home).stderr
    assert stored(home) == after


def test_what_named_the_merged_one_names_the_kept_one(home: Path) -> None:
    """Its opposite, and the episode and the run that taught it; what names neither keeps its revision."""
    taught = [LearnedStrategy(id="st_one", title=STREAM["title"], action="added")]
    episode = Episode(id="ep_1", scope="web", task="Read it", trajectory="done", steps=1, learned=taught)
    episode = episode.model_copy(update={"flagged_ids": ["st_one"]})
    other = Episode(id="ep_2", scope="web", task="Read another", trajectory="done", steps=1)
    run = Run(id="run_1", scope="web", task="Read it", mode="parallel", attempts=2, learned=taught)
    fill(
        home,
        [
            strategy("st_one", STREAM, episode_ids=["ep_1", "ep_2"], run_ids=["run_1"], contradicts=["st_not"]),
            strategy("st_two", STREAMED, support=3),
            strategy("st_not", OPEN[0], contradicts=["st_one"]),
        ],
        [episode, other],
        [run],
    )
    consolidate(home)
    after = stored(home)
    assert (after["st_not"].contradicts, after["st_two"].contradicts) == (["st_two"], ["st_not"])
    kept = LearnedStrategy(id="st_two", title=STREAMED["title"], action="merged")
    records = {each.id: each for each in [*stored_of(home, Episode), *stored_of(home, Run)]}
    assert records["ep_1"] == episode.model_copy(update={"learned": [kept], "flagged_ids": [], "revision": 1})
    assert records["run_1"] == run.model_copy(update={"learned": [kept], "revision": 1})
    assert records["ep_2"] == other


def test_a_chain_of_merges_ends_in_every_record_with_the_last(home: Path) -> None:
    taught = [LearnedStrategy(id=id, title="One of three", action="added") for id in ("st_a", "st_b", "st_c")]
    episode = Episode(id="ep_1", scope="web", task="Read it", trajectory="done", steps=1, learned=taught)
    said = [strategy(each.id, STREAM, episode_ids=["ep_1"]) for each in taught]
    fill(home, said, [episode])

    async def twice() -> None:
        bank = await Bank.open(Location(home))
        for _ in range(2):
            kept = await bank.atomically(lambda: merge(bank, [("st_b", "st_a"), ("st_c", "st_b")]))
            assert {id: each.id for id, each in kept.items()} == {"st_a": "st_c", "st_b": "st_c"}
        await bank.close()

    anyio.run(twice)
    (after,) = stored_of(home, Episode)
    assert [(each.id, each.action) for each in after.learned] == [
        ("st_c", "merged"),
        ("st_c", "merged"),
        ("st_c", "added"),
    ]
    assert (after.revision, stored(home)["st_c"].support) == (1, 1), "one episode taught them all"


def test_the_copies_of_one_session_have_together_what_one_session_may_say(home: Path) -> None:
    def told(id: str, number: int, session: str) -> Episode:
        about = {"verdict": "success", "status": "learned", "session": session}
        return Episode(id=id, scope="web", task=chore(number), trajectory="done", steps=1, **about)

    copies = [
        strategy(f"st_{each}", STREAM, helped=1, episode_ids=[f"ep_{each}"], credited_by=[f"ep_u{each}"])
        for each in range(6)
    ]
    taught = [told(f"ep_{each}", each, "se_1") for each in range(6)]
    fill(home, copies, [*taught, *(told(f"ep_u{each}", 10 + each, "se_1") for each in range(6))])

    async def merged() -> None:
        bank = await Bank.open(Location(home))
        await bank.atomically(lambda: merge(bank, [("st_0", f"st_{each}") for each in range(1, 6)]))
        await bank.close()

    anyio.run(merged)
    kept = stored(home)["st_0"]
    assert (kept.support, kept.helped, len(kept.episode_ids)) == (2, 3, 6)


def test_what_two_projects_taught_becomes_global_and_says_so(home: Path) -> None:
    fill(home, [strategy("st_a", STREAM, scope="alpha", support=2), strategy("st_b", STREAMED, scope="beta")])
    consolidate(home)
    kept = stored(home)["st_a"]
    assert kept.scope == "global"
    assert kept.status_reason == "global: taught independently in alpha and beta"


def test_within_one_scope_nothing_becomes_global(home: Path) -> None:
    fill(home, [strategy("st_a", STREAM, scope="alpha"), strategy("st_b", STREAMED, scope="beta")])
    consolidate(home, "--scope", "alpha")
    assert {each.scope for each in stored(home).values()} == {"alpha", "beta"}


@pytest.mark.parametrize("change", ["quarantined", "failure"])
def test_a_quarantined_one_or_one_from_another_outcome_is_left_alone(home: Path, change: str) -> None:
    fields = {"status": "quarantined"} if change == "quarantined" else {"outcome": "failure"}
    fill(home, [strategy("st_a", STREAM), strategy("st_b", STREAMED, **fields)])
    assert "0 were merged" in consolidate(home).stderr


@pytest.mark.parametrize(("same", "joined"), [(True, 1), (False, 0), (None, 0)])
def test_an_endpoint_decides_what_is_open_and_its_failure_joins_nothing(
    home: Path, same: bool | None, joined: int
) -> None:
    fill(home, [strategy("st_a", OPEN[0]), strategy("st_b", OPEN[1])])
    assert "0 were merged" in consolidate(home).stderr
    answer = fails(401) if same is None else says({"reason": "Both ask for growing pauses with jitter.", "same": same})
    with ScriptedEndpoint(lambda request: answer) as endpoint:
        told = consolidate(home, endpoint=endpoint)
    assert f"{joined} were merged" in told.stderr
    assert ("Not decided" in told.stderr) == (same is None)


def test_reasons_that_lead_in_a_circle_lead_nowhere(home: Path) -> None:
    fill(
        home,
        [
            strategy("st_a", STREAM, status="retired", status_reason="merged into st_b"),
            strategy("st_b", STREAMED, status="retired", status_reason="merged into st_a"),
            strategy("st_c", OPEN[0], status="retired", status_reason="merged into st_gone"),
        ],
    )

    async def follow() -> list[str]:
        bank = await Bank.open(Location(home))
        found = [(await survivor(bank, each)).id for each in await bank.all(Strategy)]
        await bank.close()
        return found

    assert anyio.run(follow) == ["st_b", "st_a", "st_c"]
