"""Outcomes move what was used, in proportion to what they prove; what keeps hurting leaves recall and may come back."""

from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Strategy
from strategy_bank.store.retrieval.ranking import UTILITY_WEIGHT, promise, utility
from strategy_bank.tools.learning.credit import FAIR, LEAST_TASKS, Use, harm, upper_bound
from tests.support.connecting import Connect
from tests.support.samples import PREVENTIVE, REWORDED, STRATEGY, TASK, call, judgement, report

uses = st.lists(
    st.builds(Use, st.uuids().map(str), st.sampled_from("abcdefghijkl"), st.sampled_from(["success", "failure"]))
)
rates = st.floats(0, 1)
counters = st.integers(0, 1000)


@given(counters, counters)
def test_the_upper_bound_falls_with_failures_rises_with_successes_and_lies_above_the_share(good: int, bad: int) -> None:
    bound = upper_bound(good, good + bad)
    assert good / max(good + bad, 1) <= bound + 1e-12
    assert bound <= 1
    assert upper_bound(good, good + bad + 1) <= bound <= upper_bound(good + 1, good + bad + 1) + 1e-12


@given(st.data(), uses, rates)
def test_the_order_of_the_uses_does_not_matter_and_none_counts_twice(
    data: st.DataObject, some: list[Use], base_rate: float
) -> None:
    assert harm(data.draw(st.permutations([*some, *some])), base_rate) == harm(some, base_rate)


@given(uses, rates, st.sampled_from("abcdefghijkl"))
def test_a_success_more_never_condemns_and_a_higher_base_rate_never_saves(
    some: list[Use], base_rate: float, task: str
) -> None:
    if not harm(some, base_rate) and task in {use.task for use in some}:
        assert not harm([*some, Use("ep_new", task, "success")], base_rate)
    if harm(some, base_rate):
        assert harm(some, min(1.0, base_rate + 0.1))
        assert len({use.task for use in some}) >= LEAST_TASKS


@given(st.integers(1, 300), rates)
def test_one_task_reported_many_times_condemns_nobody_and_saves_nobody(times: int, base_rate: float) -> None:
    same = [Use(f"ep_{i}", f"Mend\n the {'UPLOAD' if i % 2 else 'upload'}", "failure") for i in range(times)]
    assert not harm(same, base_rate)
    failed = [Use(f"ep_f{i}", str(i), "failure") for i in range(3 * LEAST_TASKS)]
    praised = [Use(f"ep_p{i}", "the same", "success") for i in range(times)]
    assert harm([*failed, *praised], FAIR)


def test_a_reason_names_the_failed_episodes() -> None:
    some = [Use(f"ep_{i}", str(i), "failure") for i in range(6)]
    assert harm(some, 0.5) == "0 of 6 tasks that used it succeeded, of all tasks 50%; it failed in " + ", ".join(
        f"ep_{i}" for i in range(6)
    )
    assert harm([Use(f"ep_{i:03}", str(i), "failure") for i in range(30)], 0.5).endswith("ep_019 and 10 more")


def test_a_strategy_as_good_as_a_coin_seldom_goes_and_a_bad_one_mostly_does() -> None:
    assert wrongly_retired(0.5, 20) < 0.06
    assert wrongly_retired(0.8, 20) < 0.001
    assert wrongly_retired(0.1, 20) > 0.9


def wrongly_retired(share: float, uses: int) -> float:
    """The exact chance that a strategy with this share of successes is retired at some time, looked at after each failure."""
    alive, gone = {0: 1.0}, 0.0
    for number in range(1, uses + 1):
        after: dict[int, float] = {}
        for good, chance in alive.items():
            after[good + 1] = after.get(good + 1, 0) + chance * share
            told = [Use(f"{i}", f"{i}", "success" if i < good else "failure") for i in range(number)]
            if harm(told, 0.5):
                gone += chance * (1 - share)
            else:
                after[good] = after.get(good, 0) + chance * (1 - share)
        alive = after
    return gone


def test_popularity_is_not_quality() -> None:
    assert utility(10, 10) < utility(4, 0)
    assert utility(100, 0) - utility(10, 0) < 0.1
    assert utility(5, 5) <= utility(0, 0) < utility(2, 1)
    assert (promise(1000, 0) - promise(0, 0)) * UTILITY_WEIGHT <= 0.15  # of a fit of about 1


@given(counters, counters)
def test_the_more_uses_the_less_one_outcome_moves(good: int, bad: int) -> None:
    assert utility(good + 1, bad) - utility(good, bad) >= utility(good + 2, bad) - utility(good + 1, bad)


# through a client


async def strategies_of(settings: Settings) -> dict[str, Strategy]:
    bank = await Bank.open(settings.location)
    found = {strategy.id: strategy for strategy in await bank.all(Strategy)}
    await bank.close()
    return found


async def use(client: Any, id: str, verdict: str, numbers: range) -> list[str]:
    """Report different tasks that used the strategy; the ids of the episodes."""
    told = [
        await report(client, task=f"Task number {i} of the shop", used_strategy_ids=[id], outcome=verdict,
                     judgement=judgement(verdict, strategies=[]))
        for i in numbers
    ]  # fmt: skip
    return [each["episode_id"] for each in told]


async def command(settings: Settings, *words: str) -> str:
    """Standard output of a command, in a thread of its own, since it begins an event loop."""
    told = await anyio.to_thread.run_sync(CliRunner().invoke, cli, ["--home", str(settings.home), *words])
    assert told.exit_code == 0, told.output
    return told.stdout


@pytest.mark.anyio
async def test_an_abandoned_recall_moves_nothing(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await report(client)
        before = await strategies_of(settings)
        for _ in range(3):
            assert (await call(client, "recall_strategies", task=TASK))["strategies"]
        await report(client, task=REWORDED, judgement=judgement("failure", strategies=[PREVENTIVE]))
    after = await strategies_of(settings)
    assert {id: after[id] for id in before} == before


@pytest.mark.anyio
async def test_what_the_judge_cites_as_followed_counts_as_used_once_and_what_was_only_shown_does_not(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        followed, shown = [strategy["id"] for strategy in (await report(client, judgement=judgement(
            strategies=[STRATEGY, PREVENTIVE])))["strategies"]]  # fmt: skip
        reason = f"It followed [{followed}] ([{followed}] again), as the passing tests show, and st_0000000000000000."
        told = await report(client, task=REWORDED, trajectory=f"recalled {followed} and {shown}\n14 passed in 2.31s",
                            used_strategy_ids=[followed], judgement=judgement(reason=reason, strategies=[]))  # fmt: skip
        await report(client, task="Another one", judgement=judgement(reason=reason, strategies=[]))
    after = await strategies_of(settings)
    assert [(after[id].helped, after[id].hurt) for id in (followed, shown)] == [(2, 0), (0, 0)]
    assert after[followed].credited_by[0] == told["episode_id"]


@pytest.mark.anyio
async def test_what_keeps_hurting_is_retired_with_the_episodes_that_decided_and_can_come_back(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        harmful = (await report(client))["strategies"][0]["id"]
        await use(client, "st_unknown", "success", range(100, 116))  # what this bank's tasks mostly come to
        failed = await use(client, harmful, "failure", range(LEAST_TASKS - 1))
        assert (await strategies_of(settings))[harmful].status == "active"
        failed += await use(client, harmful, "failure", range(LEAST_TASKS - 1, LEAST_TASKS))
        gone = (await strategies_of(settings))[harmful]
        assert (gone.status, gone.hurt) == ("retired", LEAST_TASKS)
        assert all(episode in gone.status_reason for episode in failed)
        assert not (await call(client, "recall_strategies", task=TASK))["strategies"]
        assert harmful in await command(settings, "list", "--status", "retired", "--json")
        assert failed[0] in await command(settings, "show", harmful)
        await command(settings, "reinstate", harmful)
        await use(client, harmful, "failure", range(20, 20 + LEAST_TASKS - 1))
        back = (await strategies_of(settings))[harmful]
        assert (back.status, back.hurt) == ("active", 2 * LEAST_TASKS - 1)
        await use(client, harmful, "failure", range(30, 31))
    assert (await strategies_of(settings))[harmful].status == "retired"


@pytest.mark.anyio
async def test_the_same_task_reported_again_and_again_counts_once_and_retires_nothing(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        used = (await report(client))["strategies"][0]["id"]
        for number in range(LEAST_TASKS + 2):
            await report(client, task="The very same task", used_strategy_ids=[used], outcome="failure",
                         trajectory=f"try {number}: 14 passed in 2.31s, but the page stays empty",
                         judgement=judgement("failure", strategies=[]))  # fmt: skip
    after = (await strategies_of(settings))[used]
    assert (after.status, after.hurt, len(after.credited_by)) == ("active", 1, LEAST_TASKS + 2)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fate", "verdict", "counters"),
    [
        ("helped", "success", (1, 0)),
        ("helped", "failure", (0, 0)),  # it has no part in the failure, and a failure proves no help
        ("wrong", "success", (0, 1)),
        ("wrong", "failure", (0, 1)),
        ("unfit", "success", (0, 0)),
        ("unfit", "failure", (0, 0)),
    ],
)
async def test_what_the_agent_says_of_a_lesson_decides_which_counter_moves(
    connect: Connect, settings: Settings, fate: str, verdict: str, counters: tuple[int, int]
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        done = await report(
            client, task=REWORDED, judgement=judgement(verdict, strategies=[]), recalled={f"[{lesson['id']}]": fate}
        )
    assert done["warnings"] == []
    assert done["next_step"].startswith(f"Of the recalled lessons: 1 {fate}.\n")
    bank = await Bank.open(settings.location)
    strategy, episode = await bank.get(Strategy, lesson["id"]), await bank.get(Episode, done["episode_id"])
    await bank.close()
    assert (strategy.helped, strategy.hurt) == counters
    assert {name: getattr(episode, name) for name in ("helped_ids", "wrong_ids", "unfit_ids")} == {
        name: [strategy.id] if name == f"{fate}_ids" else [] for name in ("helped_ids", "wrong_ids", "unfit_ids")
    }
    assert episode.used_ids == ([] if fate == "unfit" else [strategy.id])


@pytest.mark.anyio
async def test_lessons_that_agents_found_wrong_are_retired_even_where_their_tasks_succeed(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        for number in range(LEAST_TASKS + 2):
            await report(
                client,
                task=f"{REWORDED} Part {number}.",
                judgement=judgement(strategies=[]),
                recalled={lesson["id"]: "wrong"},
            )
    bank = await Bank.open(settings.location)
    strategy = await bank.get(Strategy, lesson["id"])
    await bank.close()
    assert strategy.status == "retired"
    assert "hurt" in strategy.status_reason
