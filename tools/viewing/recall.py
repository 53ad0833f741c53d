"""One recall, for a person who looks at it: what an agent was shown, and what came of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from strategy_bank.store.records import Episode, Recall, Run, Strategy, Verdict
from strategy_bank.tools.viewing.shown import Fate, fate_of
from strategy_bank.tools.viewing.states import state_of

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_FATES = ["used_ids", "helped_ids", "wrong_ids", "unfit_ids"]


@dataclass(frozen=True)
class Entry:
    """A lesson of a recall as it is now: None where it was forgotten. `fates` are those that the reports tell of, in order."""

    id: str
    strategy: Strategy | None
    sure: bool
    opened: bool
    echoed: bool
    fates: Sequence[Fate]

    @property
    def state(self) -> str:
        return state_of(self.strategy) if self.strategy else ""


@dataclass(frozen=True)
class Outcome:
    """A report that names the recall, or that came when the agent was asked for one."""

    id: str
    at: datetime
    status: str
    verdict: Verdict | None
    outcome: Verdict | None
    run_id: str
    attempt: int


@dataclass(frozen=True)
class Recalled:
    """A recall with its lessons as they are now, in the order in which they were shown, and its reports and runs."""

    recall: Recall
    full: Sequence[Entry]
    listed: Sequence[Entry]
    held_out: Sequence[Entry]
    reports: Sequence[Outcome]
    runs: Sequence[str]


async def recalled(bank: "Bank", id: str) -> Recalled:
    """Return a recall. Raises NotFound."""
    recall = await bank.get(Recall, id)
    ids = list(dict.fromkeys([*recall.strategy_ids, *recall.listed_ids, *recall.held_out_ids]))
    known = {each.id: each for each in await bank.all(Strategy, id=ids)} if ids else {}
    columns = ["status", "verdict", "outcome", "run_id", "attempt", *_FATES]
    rows = await bank.cells(Episode, columns, recall_id=id)
    if recall.answered_by and recall.answered_by not in {row["id"] for row in rows}:
        rows += await bank.cells(Episode, columns, id=recall.answered_by)

    def entries(named: Collection[str]) -> list[Entry]:
        return [
            Entry(
                id=each,
                strategy=known.get(each),
                sure=each in recall.sure_ids,
                opened=each in recall.opened_ids,
                echoed=each in recall.echoed_ids,
                fates=[fate for row in rows if (fate := fate_of(row, each))],
            )
            for each in named
        ]

    return Recalled(
        recall=recall,
        full=entries(recall.strategy_ids),
        listed=entries(recall.listed_ids),
        held_out=entries(recall.held_out_ids),
        reports=[
            Outcome(
                id=row["id"],
                at=row["created_at"],
                status=row["status"],
                verdict=row["verdict"],
                outcome=row["outcome"],
                run_id=row["run_id"] or "",
                attempt=row["attempt"] or 0,
            )
            for row in rows
        ],
        runs=[row["id"] for row in await bank.cells(Run, [], recall_id=id)],
    )
