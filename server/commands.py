"""Looking into the bank: recall, list, show, stats."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.console import (
    given,
    home_option,
    json_option,
    say,
    scope_option,
    settings,
    show,
    show_json,
    show_table,
    with_bank,
)
from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import Episode, Hit, Record, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

SHOWN_CHARS = 4_000
"""How much of a trajectory `show` prints without --full."""
_TASK_CHARS = 8_000
_PENDING_SHOWN = 20


@click.command()
@click.argument("task", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 10), default=3, show_default=True, help="At most so many.")
@home_option
@scope_option("Project whose strategies to read, besides the global ones; default: this project.")
@json_option
def recall(task: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Strategies that fit TASK, as an agent would get them. TASK may be several words, or - to read it from standard input.

    \b
    Examples:
      strategy-bank recall fix the flaky upload test
      git log -1 --format=%B | strategy-bank recall - --json
    """
    from strategy_bank.tools import recall as recalling

    text = (sys.stdin.read() if task == ("-",) else " ".join(task)).strip()
    if not 1 <= len(text) <= _TASK_CHARS:
        raise InvalidInput(f"A task has 1 to {_TASK_CHARS:,} characters, this one has {len(text):,}.")
    scope = settings().default_scope(Path.cwd())
    result = with_bank(lambda bank: recalling.recall(bank, text, limit, scope))
    if as_json:
        show_json(result.model_dump(mode="json"))
    elif result.strategies:
        show("\n\n".join(map(_hit, result.strategies)))
    else:
        say(f"Nothing in {scope} or global fits this task.")


def _hit(hit: Hit) -> str:
    used = f", helped {hit.helped}, hurt {hit.hurt}" if hit.helped + hit.hurt else ""
    return (
        f"{hit.title}\n  {hit.id}, relevance {hit.relevance:.2f}, from {hit.outcome}, scope {hit.scope}{used}\n"
        f"  When: {hit.description}\n  {hit.content}"
    )


@click.command("list")
@click.option(
    "--status",
    type=click.Choice(["active", "retired", "quarantined", "all"]),
    default="active",
    show_default=True,
    help="Which ones.",
)
@click.option("--outcome", type=click.Choice(["success", "failure", "contrast"]), help="Only lessons from this.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many, the newest.")
@home_option
@scope_option("Only this scope; default: all.")
@json_option
def list_strategies(status: str, outcome: str | None, limit: int, as_json: bool) -> None:
    """Strategies, the newest first.

    \b
    Examples:
      strategy-bank list --status quarantined       what a person should look at
      strategy-bank list --json | jq -r '.[].title'
    """
    asked = {"status": None if status == "all" else status, "outcome": outcome, "scope": given("scope")}
    equal = {name: value for name, value in asked.items() if value}

    async def newest(bank: "Bank") -> tuple[int, list[Strategy]]:
        ids = [row["id"] for row in await bank.cells(Strategy, [], **equal)]
        found = await bank.all(Strategy, id=ids[-limit:]) if ids else []
        return len(ids), found[::-1]

    total, strategies = with_bank(newest)
    if as_json:
        show_json([strategy.model_dump(mode="json") for strategy in strategies])
    elif strategies:
        columns = ("id", "title", "scope", "outcome", "status", "told by", "helped", "hurt", "since")
        show_table(columns, [_row(strategy) for strategy in strategies], folding=("title", "scope"))
    if total > len(strategies) or not total:
        say(f"{len(strategies)} of {total} shown; --limit shows more." if total else "No such strategies.")


def _row(strategy: Strategy) -> tuple[object, ...]:
    about = (strategy.id, strategy.title, strategy.scope, strategy.outcome, strategy.status)
    return (*about, strategy.support, strategy.helped, strategy.hurt, f"{strategy.created_at:%Y-%m-%d}")


@click.command("show", short_help="A strategy, episode or run in full.")
@click.argument("id")
@click.option("--full", is_flag=True, help="Trajectories uncut.")
@home_option
@json_option
def show_record(id: str, full: bool, as_json: bool) -> None:
    """One strategy (st_…), episode (ep_…) or run (run_…) in full.

    \b
    Examples:
      strategy-bank show st_0123456789abcdef
      strategy-bank show ep_0123456789abcdef --full
    """
    record, attempts = with_bank(lambda bank: _find(bank, id))
    if as_json:
        show_json(record.model_dump(mode="json"))
    elif isinstance(record, Strategy):
        from strategy_bank.server.resources import describe

        show(describe(record))
    elif isinstance(record, Episode):
        show(_episode(record, full))
    elif isinstance(record, Run):
        show(_run(record, attempts))


async def _find(bank: "Bank", id: str) -> tuple[Record, list[dict[str, Any]]]:
    """The record, and of a run its attempts."""
    for kind in (Strategy, Episode, Run):
        if record := await bank.find(kind, id):
            attempts = await bank.cells(Episode, ["attempt", "status", "verdict"], run_id=id) if kind is Run else []
            return record, attempts
    raise NotFound(f"There is no strategy, episode or run {id!r} in this bank. `strategy-bank list` shows strategies.")


def _episode(episode: Episode, full: bool) -> str:
    from strategy_bank.tools.condense import condense

    trajectory = episode.trajectory if full else condense(episode.trajectory, SHOWN_CHARS)
    facts = {
        "scope": episode.scope,
        "reported": f"{episode.created_at:%Y-%m-%d %H:%M} UTC, {episode.steps} steps",
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
    return f"# {episode.id}\n\n{episode.task}\n\n{_facts(facts)}\n\n{trajectory}"


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
    return f"# {run.id}\n\n{run.task}\n\n{_facts(facts)}"


def _reason(judgement: str) -> str:
    from strategy_bank.tools.judgement import Judgement

    return Judgement.model_validate_json(judgement).reason if judgement else ""


def _facts(facts: dict[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items() if value)


@click.command()
@home_option
@scope_option("Only this scope; default: all.")
@json_option
def stats(as_json: bool) -> None:
    """What the bank holds, counted, and what waits for a judgement."""
    where = {"scope": given("scope")} if given("scope") else {}
    counts = with_bank(lambda bank: count(bank, where))
    if as_json:
        show_json(counts)
        return
    rows = [row for row in _count_rows(counts) if row[2]]
    show_table(("what", "of which", "number"), rows or [("strategies", "all", 0)], folding=("of which",))
    for pending in counts["pending"][:_PENDING_SHOWN]:
        show(f"pending {pending['id']}: {pending['reason'] or 'nobody has judged it yet'}")
    if counts["pending"]:
        say("`strategy-bank distill` has the pending ones judged by an endpoint.")


async def count(bank: "Bank", where: dict[str, Any]) -> dict[str, Any]:
    """Counts by name, for JSON."""
    strategies = await bank.cells(Strategy, ["scope", "outcome", "status"], **where)
    episodes = await bank.cells(Episode, ["status", "verdict", "reason"], **where)
    runs = await bank.cells(Run, ["status"], **where)
    return {
        "strategies": {"all": len(strategies)} | {key: _by(strategies, key) for key in ("scope", "outcome", "status")},
        "episodes": {"all": len(episodes)} | {key: _by(episodes, key) for key in ("status", "verdict")},
        "runs": {"all": len(runs), "status": _by(runs, "status")},
        "pending": [{"id": e["id"], "reason": e["reason"]} for e in episodes if e["status"] == "pending"],
        "bytes": size_of(Path(bank.location.tables_uri)),
    }


def _by(rows: list[dict[str, Any]], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] or "none yet" for row in rows).items()))


def _count_rows(counts: dict[str, Any]) -> list[tuple[str, str, object]]:
    rows: list[tuple[str, str, object]] = []
    for what in ("strategies", "episodes", "runs"):
        for column, value in counts[what].items():
            parts: dict[str, int] = {"": value} if column == "all" else value
            rows += [(what, f"{column} {part}".strip(), number) for part, number in parts.items()]
    size = counts["bytes"]
    return [*rows, ("on disk", "", f"{size / 1e6:.1f} MB" if size is not None else "in an object store")]


def size_of(folder: Path) -> int | None:
    """Bytes of the files in a folder; None where it is none, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
