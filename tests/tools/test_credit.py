"""Outcomes move what was used, in proportion to what they prove; what keeps hurting leaves recall and may come back."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import MOST_USES, Episode, Strategy, Verdict
from strategy_bank.store.retrieval.ranking import UTILITY_WEIGHT, promise, utility
from strategy_bank.tools.consolidation.witnesses import Use, use_of
from strategy_bank.tools.learning.credit import FAIR, LEAST_TASKS, credited, harm, upper_bound
from tests.support.connecting import Connect
from tests.support.records import stored
from tests.support.samples import PREVENTIVE, REWORDED, STRATEGY, TASK, call, chore, judgement, report
from tests.support.shell import output

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
verdicts: st.SearchStrategy[Any] = st.sampled_from(["success", "failure"])
hours = st.integers(0, 99).map(lambda number: BEGUN + timedelta(hours=number))
uses = st.lists(
    st.builds(Use, st.uuids().map(str), st.sampled_from("abcdefghijkl"), verdicts, st.sampled_from("xyz"), hours)
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


def used(id: str, task: str, verdict: Verdict, session: str = "") -> Use:
    """A use that is newer than all of `hours`; of a session of its own, unless one is given."""
    return Use(id, task, verdict, session or id, BEGUN + timedelta(days=9))


@given(uses, rates, st.sampled_from("abcdefghijkl"))
def test_a_success_more_never_condemns_and_a_higher_base_rate_never_saves(
    some: list[Use], base_rate: float, task: str
) -> None:
    if not harm(some, base_rate) and task in {use.task for use in some}:
        assert not harm([*some, used("ep_new", task, "success")], base_rate)
    if harm(some, base_rate):
        assert harm(some, min(1.0, base_rate + 0.1))
        assert len({use.task for use in some}) >= LEAST_TASKS


@given(st.integers(1, 300), rates)
def test_one_task_reported_many_times_condemns_nobody_and_saves_nobody(times: int, base_rate: float) -> None:
    same = [used(f"ep_{i}", f"Mend\n the {'UPLOAD' if i % 2 else 'upload'} {i}.", "failure") for i in range(times)]
    assert not harm(same, base_rate)
    failed = [used(f"ep_f{i}", chr(i + 97), "failure") for i in range(3 * LEAST_TASKS)]
    praised = [used(f"ep_p{i}", "the same", "success") for i in range(times)]
    assert harm([*failed, *praised], FAIR)


def test_a_reason_names_the_failed_episodes() -> None:
    some = [used(f"ep_{i}", chr(i + 97), "failure") for i in range(6)]
    assert harm(some, 0.5) == "0 of 6 tasks that used it succeeded, of all tasks 50%; it failed in " + ", ".join(
        f"ep_{i}" for i in range(6)
    )
    many = [used(f"ep_{i:03}", chr(i + 97), "failure") for i in range(30)]
    assert harm(many, 0.5).endswith("ep_019 and 10 more")


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
            told = [used(f"{i}", chr(i + 97), "success" if i < good else "failure") for i in range(number)]
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
    return {strategy.id: strategy for strategy in await stored(settings, Strategy)}


async def use(connect: Connect, id: str, verdict: str, numbers: Sequence[int], **changes: Any) -> list[str]:
    """Report different tasks that used the strategy, in sessions of MOST_USES tasks; the ids of the episodes."""
    told = list[dict[str, Any]]()
    for start in range(0, len(numbers), MOST_USES):
        async with connect() as client:
            told += await use_in(client, id, verdict, numbers[start : start + MOST_USES], **changes)
    return [each["episode_id"] for each in told]


async def use_in(client: Client, id: str, verdict: str, numbers: Iterable[int], **changes: Any) -> list[dict[str, Any]]:
    """Recall, and report different tasks that used the strategy, in the session of this client."""
    await call(client, "recall_strategies", task=TASK)
    arguments = {
        "used_strategy_ids": [id],
        "outcome": verdict,
        "judgement": judgement(verdict, strategies=[]),
    } | changes
    return [await report(client, task=chore(number), **arguments) for number in numbers]


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
        await call(client, "recall_strategies", task=TASK)
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
    await use(connect, "st_unknown", "success", range(13, 27))  # what this bank's tasks mostly come to
    failed = await use(connect, harmful, "failure", range(LEAST_TASKS - 1))
    assert (await strategies_of(settings))[harmful].status == "active"
    failed += await use(connect, harmful, "failure", [LEAST_TASKS - 1])
    gone = (await strategies_of(settings))[harmful]
    assert (gone.status, gone.hurt) == ("retired", LEAST_TASKS)
    assert all(episode in gone.status_reason for episode in failed)
    async with connect() as client:
        assert not (await call(client, "recall_strategies", task=TASK))["strategies"]
    assert harmful in await output(settings, "list", "--status", "retired", "--json")
    assert failed[0] in await output(settings, "show", harmful)
    await output(settings, "reinstate", harmful)
    await use(connect, harmful, "failure", range(LEAST_TASKS, 2 * LEAST_TASKS - 1))
    back = (await strategies_of(settings))[harmful]
    assert (back.status, back.hurt) == ("active", 2 * LEAST_TASKS - 1)
    await use(connect, harmful, "failure", [2 * LEAST_TASKS - 1])
    assert (await strategies_of(settings))[harmful].status == "retired"


@pytest.mark.anyio
async def test_the_same_task_reported_again_and_again_counts_once_and_retires_nothing(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        used = (await report(client))["strategies"][0]["id"]
        await call(client, "recall_strategies", task=TASK)
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
        await call(client, "recall_strategies", task=TASK)
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
    wrong = {"recalled": {lesson["id"]: "wrong"}, "used_strategy_ids": [], "outcome": None}
    await use(connect, lesson["id"], "success", range(LEAST_TASKS), **wrong)
    bank = await Bank.open(settings.location)
    strategy = await bank.get(Strategy, lesson["id"])
    await bank.close()
    assert strategy.status == "retired"
    assert "hurt" in strategy.status_reason


# one reporter


@pytest.mark.anyio
async def test_only_what_a_recall_has_shown_before_is_credited_and_the_reporter_is_told(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        told = await report(
            client, task=chore(0), recalled={lesson["id"]: "helped"}, judgement=judgement(strategies=[])
        )
        late = await report(client, task=chore(1), recalled={lesson["id"]: "helped"}, judgement=None)
        recalled = await call(client, "recall_strategies", task=TASK)
        await call(client, "report_outcome", episode_id=late["episode_id"], judgement=judgement(strategies=[]))
    strategy = (await strategies_of(settings))[lesson["id"]]
    assert (strategy.helped, strategy.credited_by) == (0, [])
    assert told["warnings"] == [
        f"No recall showed {lesson['id']} before this report, so what came of it is not counted."
    ]
    async with connect() as client:  # another process, and no recall is named
        done = await report(
            client, task=chore(2), recalled={lesson["id"]: "helped"}, judgement=judgement(strategies=[])
        )
    assert recalled["strategies"][0]["id"] == lesson["id"]
    assert (done["warnings"], (await strategies_of(settings))[lesson["id"]].helped) == ([], 1)


@pytest.mark.anyio
async def test_a_recall_of_another_project_has_shown_nothing_here(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        recall = (await call(client, "recall_strategies", task=TASK))["recall_id"]
        await report(client, task=REWORDED, judgement=judgement(strategies=[]))  # which writes the recall
    bank = await Bank.open(settings.location)
    await bank.amend([(await bank.get(Strategy, lesson["id"])).model_copy(update={"scope": "global"})])
    await bank.close()
    fate = {"recall_id": recall, "recalled": {lesson["id"]: "helped"}, "judgement": judgement(strategies=[])}
    async with connect(change={"scope": "another"}) as client:
        assert len((await report(client, task=chore(0), **fate))["warnings"]) == 1
        await call(client, "recall_strategies", task=TASK)
        assert (await report(client, task=chore(1), **fate))["warnings"] == []
    assert (await strategies_of(settings))[lesson["id"]].helped == 1


@pytest.mark.anyio
async def test_what_the_brief_of_a_run_showed_is_credited_in_its_attempts(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        run = await call(client, "scale_attempts", task=REWORDED, attempts=2)
        told = await report(client, run_id=run["run_id"], attempt=1, recalled={lesson["id"]: "helped"},
                            judgement=judgement(strategies=[]))  # fmt: skip
    assert (told["warnings"], (await strategies_of(settings))[lesson["id"]].helped) == ([], 1)


@pytest.mark.anyio
async def test_twenty_invented_tasks_of_one_session_count_three_times_and_without_a_recall_never(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        used = {"used_strategy_ids": [lesson["id"]], "judgement": judgement(strategies=[])}
        for number in range(3):
            await report(client, task=chore(number), **used)
        assert (await strategies_of(settings))[lesson["id"]].helped == 0
        await use_in(client, lesson["id"], "success", range(20))
    assert (await strategies_of(settings))[lesson["id"]].helped == MOST_USES


@pytest.mark.anyio
async def test_failures_of_one_session_retire_nothing_and_those_of_two_honest_ones_do(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
    await use(connect, "st_unknown", "success", range(13, 27))
    async with connect() as client:
        await use_in(client, lesson["id"], "failure", range(LEAST_TASKS + 2))
    once = (await strategies_of(settings))[lesson["id"]]
    assert (once.status, once.hurt) == ("active", MOST_USES)
    async with connect() as client:
        await use_in(client, lesson["id"], "failure", range(LEAST_TASKS + 2, LEAST_TASKS + 4))
        assert (await strategies_of(settings))[lesson["id"]].status == "active"
        await use_in(client, lesson["id"], "failure", range(LEAST_TASKS + 4, LEAST_TASKS + 5))
    twice = (await strategies_of(settings))[lesson["id"]]
    assert (twice.status, twice.hurt) == ("retired", LEAST_TASKS)


@pytest.mark.anyio
async def test_a_lesson_with_a_record_is_not_retired_by_one_reporter(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
    await use(connect, lesson["id"], "success", range(8))
    async with connect() as client:
        await use_in(client, lesson["id"], "failure", range(8, 27))
    after = (await strategies_of(settings))[lesson["id"]]
    assert (after.status, after.helped, after.hurt) == ("active", 8, MOST_USES)


def test_old_reports_without_a_session_count_as_one_each_day() -> None:
    def row(number: int, day: int) -> dict[str, Any]:
        at = BEGUN + timedelta(days=day, minutes=number)
        lists = {"helped_ids": [], "wrong_ids": []}
        return {
            "id": f"ep_{number}",
            "created_at": at,
            "task": chore(number),
            "verdict": "failure",
            "session": None,
        } | lists

    one_day = [use for number in range(12) if (use := use_of(row(number, 0), "st_1"))]
    two_days = [use for number in range(6) if (use := use_of(row(number, number % 2), "st_1"))]
    assert (harm(one_day, FAIR), bool(harm(two_days, FAIR))) == ("", True)


@pytest.mark.parametrize(
    ("sessions", "verdict", "caution"),
    [
        (["se_a", "se_b"], "success", ""),
        (["se_a", "se_a"], "success", "it may do harm"),
        (["se_a", "se_own"], "success", "it may do harm"),
        (["se_a", "se_b"], "failure", "it may do harm"),
    ],
)
def test_a_caution_goes_once_tasks_of_two_other_sessions_have_succeeded(
    sessions: list[str], verdict: Verdict, caution: str
) -> None:
    told = [used(f"ep_{number}", chore(number), verdict, session) for number, session in enumerate(sessions)]
    strategy = Strategy(id="st_1", **STRATEGY, outcome="success", session="se_own", caution="it may do harm")
    for number, each in enumerate(told):
        strategy = credited(strategy, each, told[:number])
    assert strategy.caution == caution
