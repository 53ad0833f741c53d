"""What a person sees and decides about scopes: which there are, and what goes from one to another."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import PROMOTED, Episode, Project, Recall, Record, Run, Strategy
from strategy_bank.tools.scopes.workspace import is_there, printable_name

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_KINDS: tuple[type[Record], ...] = (Strategy, Episode, Run, Recall, Project)
_AT_ONCE = 100
"""Records changed in one commit, so that others write in between."""


@dataclass
class ScopeSummary:
    """The number of records of a scope by kind, what its projects are known by, and its newest record's time."""

    name: str
    counts: Counter[str] = field(default_factory=Counter[str])
    identities: list[str] = field(default_factory=list[str])
    newest: datetime | None = None


async def summaries(bank: "Bank") -> list[ScopeSummary]:
    """Return all scopes, the one with the newest record first."""
    found = defaultdict[str, ScopeSummary](lambda: ScopeSummary(""))
    for kind in _KINDS:
        columns = ["scope", "identity"] if kind is Project else ["scope"]
        for row in await bank.cells(kind, columns):
            scope = found[row["scope"]]
            scope.name = row["scope"]
            scope.counts[kind.__name__.lower()] += 1
            scope.identities += [row["identity"]] if kind is Project else []
            if kind is not Project:
                scope.newest = max(scope.newest or row["created_at"], row["created_at"])
    return sorted(found.values(), key=lambda each: (each.newest is not None, each.newest, each.name), reverse=True)


async def move_scope(bank: "Bank", old: str, new: str, progress: Progress = lambda done, total: None) -> Counter[str]:
    """Give all records of a scope, and its projects, to another scope, which may exist. Return how many moved, by kind.

    Interrupted and begun again, it does the rest. Raises NotFound and InvalidInput.
    """
    check_name(new)
    if old == new:
        raise InvalidInput(f"{old!r} is the same scope. Nothing was moved.")
    ids = {kind: [row["id"] for row in await bank.cells(kind, [], scope=old)] for kind in _KINDS}
    moved, total = Counter[str](), sum(map(len, ids.values()))
    if not total:
        raise NotFound(f"Nothing is in the scope {old!r}. `strategy-bank scopes` lists those that there are.")
    for kind in reversed(_KINDS):  # projects first: from then on, their agents write into the new scope
        for start in range(0, len(ids[kind]), _AT_ONCE):
            moved[kind.__name__.lower()] += await _move(bank, kind, ids[kind][start : start + _AT_ONCE], new)
            progress(moved.total(), total)
    await bank.atomically(partial(_let_go, bank, new))
    return moved


async def _let_go(bank: "Bank", scope: str) -> None:
    """Forget what the projects of a scope are known by, if all their places are gone: the next one of that name has it then.

    So a repository without a remote finds its lessons again after its folder was renamed, and the scope with it.
    """
    rows = await bank.all(Project, scope=scope)
    if not any(row.remote or is_there(row.identity) for row in rows):
        await bank.forget([row.id for row in rows])


async def move_strategies(bank: "Bank", ids: Sequence[str], new: str) -> list[Strategy]:
    """Give strategies to a scope and return them as they were. Raises NotFound, and moves none, if one is missing."""
    before = await bank.all(Strategy, id=list(ids))
    if missing := set(ids) - {strategy.id for strategy in before}:
        raise NotFound(f"There is no strategy {', '.join(map(repr, sorted(missing)))} in this bank. Nothing was moved.")
    check_name(new)
    await _move(bank, Strategy, ids, new)
    return before


async def _move(bank: "Bank", kind: type[Record], ids: Sequence[str], new: str) -> int:
    async def step() -> int:
        records = await bank.all(kind, id=list(ids))
        await bank.amend([_moved(record, new) for record in records])
        return len(records)

    return await bank.atomically(step)


def _moved(record: Record, new: str) -> Record:
    if isinstance(record, Strategy) and record.status_reason.startswith(PROMOTED):  # a person decides now
        return record.model_copy(update={"scope": new, "status_reason": ""})
    return record.model_copy(update={"scope": new})


def check_name(name: str) -> None:
    """Raise InvalidInput where a text cannot be the name of a scope."""
    if not name or name != printable_name(name):
        raise InvalidInput("A scope's name has 1 to 200 characters, none of which steers a terminal.")
