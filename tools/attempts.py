"""The attempts of a run: which are reported, and when they await their comparison. No trajectory is read for it."""

from typing import TYPE_CHECKING, NamedTuple

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Run, Verdict, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


class Attempt(NamedTuple):
    """A reported attempt of a run; `verdict` is None until it is judged or decided by the world."""

    episode_id: str
    verdict: Verdict | None


async def reported_attempts(bank: "Bank", run_id: str) -> dict[int, Attempt]:
    """Return the reported attempts by their number, in order."""
    rows = await bank.cells(Episode, ["attempt", "verdict", "outcome"], run_id=run_id)
    found = {row["attempt"]: Attempt(row["id"], row["verdict"] or row["outcome"]) for row in rows}
    return dict(sorted(found.items()))


async def check_free(bank: "Bank", run: Run, episode: Episode) -> None:
    """Raise InvalidInput if the run is finished, or another episode was reported as this attempt."""
    taken = (await reported_attempts(bank, run.id)).get(episode.attempt)
    if taken and taken.episode_id != episode.id:
        raise InvalidInput(
            f"Attempt {episode.attempt} of run {run.id} was reported already, as {taken.episode_id}, with another "
            "trajectory. Use the number of an attempt that is still open."
        )
    if not taken and run.status == "finished":
        raise InvalidInput(f"Run {run.id} is finished. Report this attempt without run_id, or start a new run.")


async def close_run(bank: "Bank", run: Run, *, early: bool = False) -> Run:
    """Have a running run await its comparison once all attempts are reported, or `early`; return it as it then stands.

    Call it within a step of `Bank.atomically`, with the run as it was read there.
    """
    if run.status != "running" or not (early or await bank.count(Episode, run_id=run.id) >= run.attempts):
        return run
    closed = run.model_copy(update={"status": "comparison_needed", "updated_at": now()})
    await bank.amend([closed])
    return closed
