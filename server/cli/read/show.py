"""`strategy-bank show`: one record in full."""

from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, show_block, show_json
from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, Record, Run, Strategy
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.prompting import quoted

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

SHOWN_CHARS = 4_000  # characters of a trajectory that `show` prints without --full


@click.command("show", short_help="Show a strategy, episode or run in full.")
@click.argument("id")
@click.option("--full", is_flag=True, help="Do not shorten trajectories.")
@pass_target()
@json_option
def show_record(target: Target, id: str, full: bool, as_json: bool) -> None:
    """Show one strategy (st_…), episode (ep_…) or run (run_…) in full; a strategy with its former words and what replaced them.

    \b
    Examples:
      strategy-bank show st_0123456789abcdef
      strategy-bank show ep_0123456789abcdef --full
    """
    record, reports = target.with_bank(lambda bank: _find(bank, id))
    if as_json:
        show_json(record.model_dump(mode="json"))
    elif isinstance(record, Strategy):
        from strategy_bank.tools.sharing.describe import describe, history

        first = reports[0] if reports else {}
        described = describe(record, first.get("client") or "", first.get("sources") or ())
        show_block("\n\n".join(filter(None, [described, history(record)])))
    elif isinstance(record, Episode):
        show_block(_episode(record, full))
    elif isinstance(record, Run):
        show_block(_run(record, reports))


async def _find(bank: "Bank", id: str) -> tuple[Record, list[dict[str, Any]]]:
    """Return the record, and the attempts of a run or the episodes that taught a strategy. Raises NotFound."""
    if strategy := await bank.find(Strategy, id):
        taught_by = strategy.episode_ids
        return strategy, await bank.cells(Episode, ["client", "sources"], id=taught_by) if taught_by else []
    if run := await bank.find(Run, id):
        return run, await bank.cells(Episode, ["attempt", "status", "verdict"], run_id=id)
    if episode := await bank.find(Episode, id):
        return episode, []
    raise NotFound(f"There is no strategy, episode or run {id!r} in this bank. `strategy-bank list` shows strategies.")


def _episode(episode: Episode, full: bool) -> str:
    from strategy_bank.tools.trajectory.condense import condense

    trajectory = episode.trajectory if full else condense(episode.trajectory, SHOWN_CHARS)
    facts = {
        "scope": episode.scope,
        "reported": f"{episode.created_at:%Y-%m-%d %H:%M} UTC, {episode.steps} steps",
        "from": ", ".join(filter(None, [episode.client, episode.session])),
        "read": ", ".join(episode.sources),
        "status": episode.status,
        "why pending": episode.reason,
        "verdict": episode.verdict,
        "outcome": episode.outcome,
        "judge": episode.judge,
        "run": f"{episode.run_id}, attempt {episode.attempt}" if episode.run_id else "",
        "used": ", ".join(episode.used_ids),
        "learned": "; ".join(f"{item.action} {item.id} {item.title}" for item in episode.learned),
        "judgement": _reason(episode.judgement),
    }
    return f"# {episode.id}\n\n{quoted(episode.task)}\n\n{_facts(facts)}\n\n{quoted(trajectory)}"


def _run(run: Run, attempts: list[dict[str, Any]]) -> str:
    facts = {
        "scope": run.scope,
        "begun": f"{run.created_at:%Y-%m-%d %H:%M} UTC, {run.mode}",
        "status": f"{run.status}, {len(attempts)} of {run.attempts} attempts reported",
        "best attempt": run.best_attempt or "",
        "why open": run.reason,
        "recalled": ", ".join(hit.id for hit in run.recalled),
        "learned": "; ".join(f"{item.action} {item.id} {item.title}" for item in run.learned),
    } | {f"attempt {row['attempt']}": f"{row['id']}, {row['verdict'] or row['status']}" for row in attempts}
    return f"# {run.id}\n\n{quoted(run.task)}\n\n{_facts(facts)}"


def _reason(stored: str) -> str:
    from strategy_bank.tools.judging.judgement import Judgement
    from strategy_bank.tools.viewing.episodes.judged import read_judged

    judgement = read_judged(Judgement, stored)
    return judgement.reason if judgement else stored


def _facts(facts: dict[str, Any]) -> str:
    return "\n".join(f"- {name}: {folded(str(value))}" for name, value in facts.items() if value)
