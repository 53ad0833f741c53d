"""`strategy-bank distill`: what waits for a judgement gets one from the configured endpoint."""

import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from strategy_bank.server.console import (
    Progress,
    given,
    home_option,
    printable,
    progress_bar,
    say,
    scope_option,
    settings,
    with_bank,
)
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Run

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.judge import Judge

T = TypeVar("T")
SETTINGS_NEEDED = (
    "No endpoint is configured, so nobody can judge. Set STRATEGY_BANK_LLM_MODEL, for another provider than OpenAI "
    "STRATEGY_BANK_LLM_BASE_URL (https://…/v1), and STRATEGY_BANK_LLM_API_KEY where it asks for a key."
)
PACKAGE_NEEDED = "The endpoint judge needs the openai package: pip install 'strategy-bank[llm]'"


@dataclass
class Distilled:
    """`failed` has the id and the reason of each that stays as it was."""

    episodes: int = 0
    runs: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@click.command(short_help="Have an endpoint judge what is pending.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; default: all.")
@click.option("--abandoned", is_flag=True, help="Also finish runs that still wait for attempts, with those reported.")
@home_option
@scope_option("Only this scope; default: all.")
def distill(limit: int | None, abandoned: bool) -> None:
    """Have pending episodes judged by the configured endpoint, and runs compared whose attempts are all reported.

    What fails stays pending with its reason and may be tried again. Exit code 1 when anything failed.

    \b
    Example:
      STRATEGY_BANK_LLM_MODEL=gpt-5-mini STRATEGY_BANK_LLM_API_KEY=… strategy-bank distill --limit 20
    """
    where = {"scope": given("scope")} if given("scope") else {}
    asked = settings()
    check_endpoint(asked)
    with progress_bar("Distilling") as progress:

        async def run(bank: "Bank") -> Distilled:
            return await with_endpoint(asked, lambda judge: _all(bank, judge, where, limit, abandoned, progress))

        result = with_bank(run)
    for id, reason in result.failed:
        say(printable(f"{id}: {reason}"))
    say(f"Judged {result.episodes} episodes and compared {result.runs} runs; {len(result.failed)} failed.")
    if result.failed:
        raise click.exceptions.Exit(1)


def check_endpoint(settings: "Settings") -> None:
    """Raises InvalidInput when there is none, or its package is missing."""
    if not settings.llm_model:
        raise InvalidInput(SETTINGS_NEEDED)
    if importlib.util.find_spec("openai") is None:
        raise InvalidInput(PACKAGE_NEEDED)


async def with_endpoint(settings: "Settings", action: "Callable[[Judge], Awaitable[T]]") -> T:
    """Asks the endpoint even where the agent is the judge of daily work. Raises InvalidInput when there is none."""
    check_endpoint(settings)
    from strategy_bank.server.app import make_judge
    from strategy_bank.tools.llm import EndpointJudge

    judge = make_judge(settings.model_copy(update={"judge": "endpoint"}))
    assert isinstance(judge, EndpointJudge)
    try:
        return await action(judge)
    finally:
        await judge.aclose()


async def _all(
    bank: "Bank", judge: "Judge", where: dict[str, Any], limit: int | None, abandoned: bool, progress: Progress
) -> Distilled:
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
    from strategy_bank.tools import outcome

    episode = await bank.find(Episode, id)
    if episode is None or outcome.is_settled(episode):
        return
    judged = (await outcome.distill(bank, judge, episode)).record
    if outcome.is_settled(judged):
        result.episodes += 1
    else:
        result.failed.append((id, judged.reason))


async def _open_runs(bank: "Bank", where: dict[str, Any], abandoned: bool) -> list[Run]:
    """Runs whose attempts are all there; with `abandoned`, those too of which at least one is."""
    from strategy_bank.tools.scaling import attempts_of, awaits_comparison

    found: list[Run] = []
    for run in await bank.all(Run, status=["running", "comparison_needed"], **where):
        reported = await attempts_of(bank, run)
        if awaits_comparison(run, reported) or (abandoned and reported):
            found.append(run)
    return found


async def _run(bank: "Bank", judge: "Judge", run: Run, result: Distilled) -> None:
    from strategy_bank.tools.scaling import attempts_of, compare

    compared = await compare(bank, judge, run, await attempts_of(bank, run))
    if compared.status == "finished":
        result.runs += 1
    else:
        result.failed.append((run.id, "; ".join(compared.warnings)))
