"""Names the reports that lessons come from, and the first of many records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from strategy_bank.store.records import Episode, Record, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Item = TypeVar("Item")
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Some(Generic[Item]):
    """The first items of one kind, and the number of all."""

    items: Sequence[Item]
    total: int


@dataclass(frozen=True)
class Source:
    """A report that taught a lesson, proposed something or decided on it; what is forgotten of it is empty."""

    id: str
    task: str = ""
    client: str = ""
    verdict: str = ""


async def sources_of(bank: "Bank", ids: Iterable[str]) -> Mapping[str, Source]:
    """Return episodes and runs by their ids; of one that is forgotten only the id is known."""
    wanted = list(dict.fromkeys(ids))
    episodes = await bank.cells(Episode, ["task", "client", "verdict"], id=wanted) if wanted else []
    runs = await bank.cells(Run, ["task"], id=wanted) if any(id.startswith("run_") for id in wanted) else []
    known = {
        row["id"]: Source(row["id"], row["task"], row.get("client") or "", row.get("verdict") or "")
        for row in [*episodes, *runs]
    }
    return {id: known.get(id, Source(id)) for id in wanted}


async def first(
    bank: "Bank",
    kind: type[R],
    limit: int,
    columns: Sequence[str] | None = None,
    *,
    order: str = "created_at",
    **equal: Any,
) -> Some[R]:
    """Return the first records of a kind in an order, with the named columns, filtered as `Bank.all` does."""
    from strategy_bank.store.lance.listing import Listing  # brings lancedb

    found = await bank.listed(kind, Listing(equal, order, limit=limit), columns)
    return Some(found.records, found.total)


async def lessons_of(bank: "Bank", ids: Iterable[str]) -> dict[str, Strategy]:
    """Return lessons by their ids, in their order, as far as they are there."""
    wanted = list(dict.fromkeys(ids))
    found = {each.id: each for each in await bank.all(Strategy, id=wanted)} if wanted else {}
    return {id: found[id] for id in wanted if id in found}
