"""The attempts of a run: which are reported, when they await their comparison, and what the next ones are told to try."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Hit, Run, Verdict, now
from strategy_bank.tools.prompting import fence, plain_id, render
from strategy_bank.tools.trajectory.condense import condense

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

PREVIOUS_CHARS = 6_000
"""Length of the previous attempt in a sequential brief: about 1,500 tokens."""
STANCES = (
    "Take the most direct way that you can defend, and verify its result before you call it done.",
    "Look before you act: find out how things really are, list at least two explanations or ways, then choose.",
    "Assume that the obvious way fails. Name the reason, and take another way.",
    "Begin at the end: write down how success will be recognised, build that check first, then work towards it.",
    "Cut the task into the smallest parts that can be checked alone, and finish one before the next.",
    "Work from the outside in: reproduce what the user sees, then follow it to its cause.",
    "Question what you were given: check each stated fact and each assumption against the real thing.",
    "Do the least that could work, then attack your own result as a hostile reviewer would.",
)
"""One for each parallel attempt, different enough to explore."""


class Attempt(NamedTuple):
    """A reported attempt; `verdict` is None until it is judged or decided by the world."""

    episode_id: str
    verdict: Verdict | None


async def reported_attempts(bank: "Bank", run: Run) -> dict[int, Attempt]:
    """Return the reported attempts by number, in order. No trajectory is read."""
    rows = await bank.cells(Episode, ["attempt", "verdict", "outcome"], run_id=run.id)
    found = {row["attempt"]: Attempt(row["id"], row["verdict"] or row["outcome"]) for row in rows}
    return dict(sorted(found.items()))


async def check_free(bank: "Bank", run: Run, episode: Episode) -> None:
    """Raise InvalidInput if the run is finished, or another episode was reported as this attempt."""
    taken = (await reported_attempts(bank, run)).get(episode.attempt)
    if taken and taken.episode_id != episode.id:
        raise InvalidInput(
            f"Attempt {episode.attempt} of run {run.id} was reported already, as {taken.episode_id}, with another "
            "trajectory. Use the number of an attempt that is still open."
        )
    if not taken and run.status == "finished":
        raise InvalidInput(f"Run {run.id} is finished. Report this attempt without run_id, or start a new run.")


async def close_run(bank: "Bank", id: str, *, early: bool = False) -> Run:
    """Have a run await its comparison if it is running and all attempts are reported, or `early`; return it.

    Call it within a step of `Bank.atomically`.
    """
    run = await bank.get(Run, id)
    if run.status != "running" or not (early or await bank.count(Episode, run_id=id) >= run.attempts):
        return run
    closed = run.model_copy(update={"status": "comparison_needed", "updated_at": now()})
    await bank.amend([closed])
    return closed


def brief(run: Run, number: int, previous: Episode | None, *, known: bool = False) -> str:
    """Return what an open attempt is told to try; `previous` is the one that a sequential attempt re-examines.

    `known` means that the reader has the task and the previous attempt before it: it has just sent them.
    """
    values = {
        "number": str(number),
        "attempts": str(run.attempts),
        "run_id": run.id,
        "lessons": _named(run.recalled, known),
    }
    if run.mode == "parallel":
        return render("brief_parallel", stance=STANCES[number - 1], task=fence("task", run.task), **values)
    if previous is None:
        told, data = render("brief_first", **values), [fence("task", run.task)]
    else:
        told, data = _refining(number, previous, known, values), [fence("task", run.task), _previous(previous)]
    return told if known else "\n\n".join([told, *data])


def _refining(number: int, previous: Episode, known: bool, values: dict[str, str]) -> str:
    good = (previous.verdict or previous.outcome) == "success"
    run_id = values.pop("run_id")
    # whoever has reported one such attempt knows how
    as_before = render("report_as_before", number=str(number)) if known and number > 2 else ""
    return render(
        "brief_refine",
        how=as_before or render("report_refined", number=str(number), run_id=run_id),
        before="the attempt that you have just reported" if known else "the one before, which stands below as data",
        aim="and try to break its result" if good else "then do better",
        check=render("check_first" if number == 2 else "check_again"),
        **values,
    )


def _named(strategies: Sequence[Hit], known: bool) -> str:
    """Return the ids of a run's lessons. Their words stand once, in the reply that started the run."""
    if not strategies:
        return "No lesson surely fits."
    ids = f"Recalled already: {', '.join(plain_id(each.id) for each in strategies)}."
    how = "Their words came when the run was started; recall_strategies(ids=[...]) opens them."
    return ids if known else f"{ids} {how} Say in recalled what became of each."


def _previous(episode: Episode) -> str:
    verdict = episode.verdict or episode.outcome or "not judged"
    return f"Its verdict: {verdict}.\n{fence('previous_attempt', condense(episode.trajectory, PREVIOUS_CHARS))}"
