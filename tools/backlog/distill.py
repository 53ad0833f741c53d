"""Judge what waits for it: pending episodes, and runs whose attempts are all reported."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strategy_bank.store.progress import Progress
from strategy_bank.store.records import Episode, Run
from strategy_bank.tools.episodes.comparison import compare_attempts
from strategy_bank.tools.episodes.record import is_settled
from strategy_bank.tools.report_outcome import distill

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.judging.judge import Judge


@dataclass
class Distilled:
    """How many were judged; `failed` has the id and the reason of each that stays as it was."""

    episodes: int = 0
    runs: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


async def distill_backlog(
    bank: "Bank",
    judge: "Judge",
    progress: Progress,
    scope: str | None = None,
    *,
    limit: int | None = None,
    abandoned: bool = False,
) -> Distilled:
    """Judge pending episodes, then compare complete runs, at most `limit` in all; if `abandoned`, also incomplete runs."""
    where = {"scope": scope} if scope else {}
    result = Distilled()
    episodes = (await _pending(bank, where))[:limit]
    for done, id in enumerate(episodes):
        progress(done, len(episodes))
        await _judge(bank, judge, id, result)
    runs = (await _waiting_runs(bank, where, abandoned))[: None if limit is None else limit - len(episodes)]
    for done, run in enumerate(runs, len(episodes)):
        progress(done, len(episodes) + len(runs))
        await _compare(bank, judge, run, result)
    progress(len(episodes) + len(runs), len(episodes) + len(runs))
    return result


async def _pending(bank: "Bank", where: dict[str, Any]) -> list[str]:
    """Return the ids, first of those that nobody has tried: one that always fails must not keep the others waiting."""
    rows = await bank.cells(Episode, ["reason", "updated_at"], status="pending", **where)
    return [row["id"] for row in sorted(rows, key=lambda row: (bool(row["reason"]), row["updated_at"]))]


async def _judge(bank: "Bank", judge: "Judge", id: str, result: Distilled) -> None:
    episode = await bank.find(Episode, id)
    if episode is None or is_settled(episode):
        return
    judged = (await distill(bank, judge, episode)).record
    if is_settled(judged):
        result.episodes += 1
    else:
        result.failed.append((id, judged.reason))


async def _waiting_runs(bank: "Bank", where: dict[str, Any], abandoned: bool) -> list[Run]:
    """Return the runs that await their comparison; if `abandoned`, also the running ones with at least one attempt."""
    runs = await bank.all(Run, status=["running", "comparison_needed"], **where)
    rows = await bank.cells(Episode, ["run_id"], run_id=[run.id for run in runs]) if runs else []
    reported = Counter[str](row["run_id"] for row in rows)
    # a bank of an older version has runs whose attempts are all there and that are still called running
    least = {run.id: 1 if abandoned or run.status == "comparison_needed" else run.attempts for run in runs}
    waiting = [run for run in runs if reported[run.id] >= least[run.id]]
    return [run.model_copy(update={"status": "comparison_needed"}) for run in waiting]


async def _compare(bank: "Bank", judge: "Judge", run: Run, result: Distilled) -> None:
    compared = await compare_attempts(bank, judge, run)
    if compared.status == "finished":
        result.runs += 1
    else:
        result.failed.append((run.id, "; ".join(compared.warnings)))
