"""What waits for a judgement: pending episodes, and runs whose attempts are all reported."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Episode, Run
from strategy_bank.tools.report_outcome import distill, is_settled
from strategy_bank.tools.scale_attempts import attempts_of, awaits_comparison, compare

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.judging.judge import Judge

Progress = Callable[[int, int], None]
"""(done, total)"""


@dataclass
class Distilled:
    """`failed` has the id and the reason of each that stays as it was."""

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
    """Judge pending episodes, then compare complete runs, at most `limit` in all; with `abandoned`, also incomplete runs."""
    where = {"scope": scope} if scope else {}
    result = Distilled()
    episodes = (await _pending(bank, where))[:limit]
    for done, id in enumerate(episodes):
        progress(done, len(episodes))
        await _episode(bank, judge, id, result)
    runs = (await _open_runs(bank, where, abandoned))[: None if limit is None else limit - len(episodes)]
    for done, run in enumerate(runs, len(episodes)):
        progress(done, len(episodes) + len(runs))
        await _run(bank, judge, run, result)
    progress(len(episodes) + len(runs), len(episodes) + len(runs))
    return result


async def _pending(bank: "Bank", where: dict[str, Any]) -> list[str]:
    """Ids, those first that nobody has tried: an episode that always fails must not keep the others waiting."""
    rows = await bank.cells(Episode, ["reason", "updated_at"], status="pending", **where)
    return [row["id"] for row in sorted(rows, key=lambda row: (bool(row["reason"]), row["updated_at"]))]


async def _episode(bank: "Bank", judge: "Judge", id: str, result: Distilled) -> None:
    episode = await bank.find(Episode, id)
    if episode is None or is_settled(episode):
        return
    judged = (await distill(bank, judge, episode)).record
    if is_settled(judged):
        result.episodes += 1
    else:
        result.failed.append((id, judged.reason))


async def _open_runs(bank: "Bank", where: dict[str, Any], abandoned: bool) -> list[Run]:
    """Runs whose attempts are all there; with `abandoned`, those too of which at least one is."""
    found: list[Run] = []
    for run in await bank.all(Run, status=["running", "comparison_needed"], **where):
        reported = await attempts_of(bank, run)
        if awaits_comparison(run, reported) or (abandoned and reported):
            found.append(run)
    return found


async def _run(bank: "Bank", judge: "Judge", run: Run, result: Distilled) -> None:
    compared = await compare(bank, judge, run, await attempts_of(bank, run))
    if compared.status == "finished":
        result.runs += 1
    else:
        result.failed.append((run.id, "; ".join(compared.warnings)))
