"""`strategy-bank consolidate`: strategies that say the same become one, those of several projects become global."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
import numpy as np

from strategy_bank.server.console import (
    Progress,
    given,
    home_option,
    progress_bar,
    say,
    scope_option,
    settings,
    show,
    with_bank,
)
from strategy_bank.server.distilling import with_endpoint
from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import GLOBAL_SCOPE, Strategy
from strategy_bank.tools.consolidate import unite
from strategy_bank.tools.judge import AgentJudge
from strategy_bank.tools.likeness import NEAR

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.embedding import Vectors
    from strategy_bank.store.vectors import EmbeddedStrategy
    from strategy_bank.tools.judge import Judge
    from strategy_bank.tools.neighbours import Neighbour, Neighbourhood

_ROWS = 512
"""Of the table of cosines, so many rows are in memory at once."""


@dataclass(frozen=True)
class Merge:
    """`other` goes into `kept`."""

    kept: Strategy
    other: Strategy
    why: str


@click.command(short_help="Join strategies that say the same.")
@click.option("--dry-run", is_flag=True, help="Show what would be joined, and why; change nothing.")
@home_option
@scope_option("Only within this scope; default: all, and what several projects say becomes global.")
def consolidate(dry_run: bool) -> None:
    """Join strategies that say the same: counters and provenance add up in one, the others are retired and can be reinstated.

    The better supported text stays, else the older one. Where the comparison leaves it open, a configured endpoint decides;
    without one, or when it fails, both stay. Doing it twice changes nothing more.

    \b
    Example:
      strategy-bank consolidate --dry-run
    """
    asked = settings()
    with progress_bar("Comparing") as progress:

        async def run(bank: "Bank") -> list[Merge]:
            if asked.llm_model:
                return await with_endpoint(asked, lambda judge: _consolidate(bank, judge, dry_run, progress))
            return await _consolidate(bank, AgentJudge(), dry_run, progress)

        merges = with_bank(run)
    for merge in merges:
        show(f"{merge.other.id} → {merge.kept.id}  ({merge.why})\n  {merge.other.title}\n  {merge.kept.title}")
    say(f"{len(merges)} {'would be' if dry_run else 'were'} joined into others.")


async def _consolidate(bank: "Bank", judge: "Judge", dry_run: bool, progress: Progress) -> list[Merge]:
    merges = await planned(bank, judge, progress)
    if merges and not dry_run:
        await bank.atomically(lambda: unite(bank, [(merge.kept.id, merge.other.id) for merge in merges]))
    return merges


async def planned(bank: "Bank", judge: "Judge", progress: Progress) -> list[Merge]:
    """Each strategy goes into at most one other; that one may go into a third, and takes along what it has got."""
    from strategy_bank.tools.neighbours import Neighbourhood

    where = {"scope": given("scope")} if given("scope") else {}
    items = sorted(await bank.embedded(status="active", **where), key=_standing)
    near, gone, merges = Neighbourhood(bank), set[str](), list[Merge]()
    pairs = _near_pairs(np.stack([item.text for item in items])) if items else []
    for number, (first, second, cosine) in enumerate(pairs, 1):
        progress(number, len(pairs))
        kept, other = items[first].strategy, items[second].strategy
        if kept.outcome == other.outcome and not {kept.id, other.id} & gone:
            why = await _why(near, items[first], items[second], cosine, judge)
            if why:
                merges.append(Merge(kept, other, why))
                gone.add(other.id)
    return merges


def _standing(item: "EmbeddedStrategy") -> tuple[bool, int, int, object, str]:
    """The one that stays comes first: global, better supported, more useful, older."""
    strategy = item.strategy
    return (
        strategy.scope != GLOBAL_SCOPE,
        -strategy.support,
        strategy.hurt - strategy.helped,
        strategy.created_at,
        strategy.id,
    )


def _near_pairs(texts: "Vectors") -> list[tuple[int, int, float]]:
    """Pairs of places whose texts are near, with the cosine, the nearest first; in each pair the lower place first."""
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(texts), _ROWS):
        cosines = np.triu(texts[start : start + _ROWS] @ texts.T, start + 1)
        found += [(start + int(a), int(b), float(cosines[a, b])) for a, b in np.argwhere(cosines >= NEAR)]
    return sorted(found, key=lambda pair: -pair[2])


async def _why(
    near: "Neighbourhood", kept: "EmbeddedStrategy", other: "EmbeddedStrategy", cosine: float, judge: "Judge"
) -> str:
    """Why they are one; empty where they are not."""
    (found,) = await near.compared(kept, [(other, cosine)])
    how = _reason(found)
    if found.likeness.same:
        return how
    if found.likeness.open and await _is_same(judge, kept.strategy, other.strategy):
        return f"the endpoint decided; {how}"
    return ""


async def _is_same(judge: "Judge", one: Strategy, other: Strategy) -> bool:
    """Where nobody can be asked, or the endpoint fails, both stay."""
    try:
        return bool(await judge.same(one.wording, other.wording))
    except JudgeFailed as exc:
        say(f"Not decided, both stay: {exc}")
        return False


def _reason(found: "Neighbour") -> str:
    return f"likeness {found.likeness.score:+.1f}, above 0 is the same; cosine {found.cosine:.2f}"
