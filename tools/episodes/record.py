"""The report of an attempt as an episode: read, redacted, and durable before anybody judges it."""

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Fate, Run, Verdict, content_id
from strategy_bank.tools.episodes.attempts import check_free, close_run
from strategy_bank.tools.episodes.reporter import NOBODY, Reporter, client_name
from strategy_bank.tools.judging.judgement import Judgement, StrategyDraft
from strategy_bank.tools.named_ids import check_id, known_recall, known_strategies
from strategy_bank.tools.own_process import TooSlow, aside
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.registry import Scope, own_episode, own_run
from strategy_bank.tools.trajectory.normal_form import CUT, MAX_CHARS, Trajectory, normalise
from strategy_bank.tools.trajectory.sources import sources
from strategy_bank.tools.trajectory.text import shorten

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

PART_CHARS = 50_000  # kept of a trajectory that took too long to clean
NOT_CLEANED = "[The trajectory is not stored, because it could not be cleaned of secrets in time.]"


class Report(BaseModel):
    """The arguments of report_outcome, as they came."""

    model_config = ConfigDict(frozen=True)

    scope: Scope
    reporter: Reporter = NOBODY
    task: str | None = None
    trajectory: Any = None
    judgement: Judgement | None = None
    outcome: Verdict | None = None
    recall_id: str = ""
    recalled: dict[str, Fate] = Field(default_factory=dict[str, Fate])
    used_strategy_ids: list[str] = Field(default_factory=list)
    run_id: str = ""
    attempt: int = 0
    episode_id: str = ""
    same_as: dict[str, str | StrategyDraft] = Field(default_factory=dict[str, str | StrategyDraft])
    """New strategies that say what known ones say: id of the new one → id of the known one, or better words for both."""


async def record_episode(bank: "Bank", report: Report) -> tuple[Episode, list[str]]:
    """Store the report and return its episode, with warnings. The same report twice is one episode.

    Raises InvalidInput and the errors of the bank.
    """
    report, unknown = await _with_known_ids(bank, report)
    if report.episode_id:
        return await _completed(bank, await own_episode(bank, report.episode_id, report.scope), report), unknown
    run = await _run_of(bank, report)
    episode, warnings = await _cleaned(report, run)

    async def step() -> Episode:
        if run:
            await check_free(bank, await bank.get(Run, run.id), episode)
        await bank.flush_recalls()  # first: what it used counts only if a recall is known to have shown it
        is_new = await bank.add(episode)
        if run:
            await close_run(bank, run.id)
        return episode if is_new else await bank.get(Episode, episode.id)

    return await _completed(bank, await bank.atomically(step), report), [*warnings, *unknown]


def is_settled(episode: Episode) -> bool:
    """Return whether the episode has a verdict and has taught what it can."""
    return episode.status != "pending"


async def _with_known_ids(bank: "Bank", report: Report) -> tuple[Report, list[str]]:
    """Return the report with ids that are there, and warnings about those that are not. Raises InvalidInput."""
    for argument, prefix, id in (("episode_id", "ep", report.episode_id), ("run_id", "run", report.run_id)):
        if id:
            check_id(argument, prefix, id)
    known_ids = [said if isinstance(said, str) else said.amends for said in report.same_as.values()]
    for id in [*report.same_as, *filter(None, known_ids)]:
        check_id("same_as", "st", id)
    used, unused = await known_strategies(bank, "used_strategy_ids", report.used_strategy_ids, report.scope.readable)
    known, unknown = await known_strategies(bank, "recalled", report.recalled, report.scope.readable)
    recall_id, not_recalled = await known_recall(bank, report.recall_id)
    fates = {id: fate for text, fate in report.recalled.items() for id in known if id in text}
    changes = {"used_strategy_ids": used, "recalled": fates, "recall_id": recall_id}
    return report.model_copy(update=changes), [*unused, *unknown, *not_recalled]


def _fates(report: Report) -> dict[str, list[str]]:
    """Return the ids of recalled strategies in the lists of an episode that say what became of them."""
    by_fate = {fate: [id for id, said in report.recalled.items() if said == fate] for fate in get_args(Fate)}
    followed = [*report.used_strategy_ids, *by_fate["helped"], *by_fate["wrong"]]
    return {"used_ids": list(dict.fromkeys(followed))} | {f"{fate}_ids": ids for fate, ids in by_fate.items()}


async def _completed(bank: "Bank", episode: Episode, report: Report) -> Episode:
    """Store what a later call adds to a pending episode: the world's outcome, the strategies that were used."""
    if _with_additions(episode, report) == episode:
        return episode

    async def step() -> Episode:
        completed = _with_additions(await bank.get(Episode, episode.id), report)
        await bank.amend([completed])
        return completed

    return await bank.atomically(step)


def _with_additions(episode: Episode, report: Report) -> Episode:
    if is_settled(episode):
        return episode
    return episode.model_copy(
        update={
            "outcome": episode.outcome or report.outcome,
            "recall_id": episode.recall_id or report.recall_id,
            **{name: list(dict.fromkeys([*getattr(episode, name), *ids])) for name, ids in _fates(report).items()},
        }
    )


async def _run_of(bank: "Bank", report: Report) -> Run | None:
    if not report.run_id:
        if report.attempt:
            raise InvalidInput(
                "attempt was given without run_id. Give the run_id that scale_attempts returned, or neither."
            )
        return None
    run = await own_run(bank, report.run_id, report.scope)
    if not 1 <= report.attempt <= run.attempts:
        raise InvalidInput(f"Run {run.id} has attempts 1 to {run.attempts}; say in `attempt` which one this was.")
    return run


async def _cleaned(report: Report, run: Run | None) -> tuple[Episode, list[str]]:
    """Return the episode without secrets. What takes too long is not stored: the middle of the trajectory, or all of it."""
    try:
        return await aside(_episode, report, run)
    except TooSlow as exc:
        given_up = str(exc)
    try:
        episode, warnings = await aside(_episode, report, run, PART_CHARS)
        left = "Only the beginning and the end of the trajectory are stored."
    except TooSlow:
        episode, warnings = await aside(_episode, report.model_copy(update={"trajectory": NOT_CLEANED}), run)
        left = "Nothing of the trajectory is stored."
    reason = f"{left} It could not be cleaned of secrets. {given_up}"
    return episode.model_copy(update={"reason": reason}), [*warnings, reason]


def _episode(report: Report, run: Run | None, kept: int = MAX_CHARS) -> tuple[Episode, list[str]]:
    task = redact(_storable_task(report.task or (run.task if run else "")))
    trajectory = normalise(report.trajectory)
    text = redact(shorten(trajectory.text, kept, CUT))
    scope = run.scope if run else report.scope.name
    episode = Episode(
        id=content_id("ep", scope, task.text, text.text, report.run_id, str(report.attempt)),
        scope=scope,
        task=task.text,
        trajectory=text.text,
        steps=trajectory.steps,
        outcome=report.outcome,
        recall_id=report.recall_id or (run.recall_id if run else ""),
        run_id=report.run_id,
        attempt=report.attempt,
        client=client_name(report.reporter.client),
        session=report.reporter.session,
        sources=sources(text.text),
    )
    return episode.model_copy(update=_fates(report)), _input_warnings(trajectory, {*task.kinds, *text.kinds})


def _storable_task(task: str) -> str:
    storable = task.encode("utf-8", "replace").decode().replace("\x00", "").strip()
    if not storable:
        raise InvalidInput(
            "task is missing: give the task as you were given it, or episode_id to finish a pending report."
        )
    return storable


def _input_warnings(trajectory: Trajectory, secrets: set[str]) -> list[str]:
    warnings: list[str] = []
    if trajectory.cut:
        warnings.append("The trajectory was longer than 2,000,000 characters; its middle was cut and marked.")
    if secrets:
        warnings.append(f"Secrets were redacted before storing: {', '.join(sorted(secrets))}.")
    return warnings
