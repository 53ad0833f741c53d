"""How a bank grows, and how old what it knows is."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from strategy_bank.store.records import Episode, Strategy, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

pc: Any = compute  # its functions are made when it is imported
AGES = {"in the last 7 days": 7, "8 to 30 days ago": 30, "31 to 90 days ago": 90, "91 to 365 days ago": 365}
EARLIER, NEVER = "earlier", "never"
STATUSES = ("active", "waiting", "quarantined", "retired")
VERDICTS = ("success", "failure", "")
"""Empty: nobody has judged it yet."""


@dataclass(frozen=True)
class Growth:
    """Numbers by month, `2026-11`, without gaps: of the lessons that are there now by status, of reports by verdict.

    `last_followed` says for how many active lessons the last report that followed one is how old.
    """

    lessons: Mapping[str, Mapping[str, int]]
    reports: Mapping[str, Mapping[str, int]]
    last_followed: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


async def growth(bank: "Bank", scope: str | None = None) -> Growth:
    """Return how the lessons and reports of one scope, or of all, came to be."""
    where = {"scope": scope} if scope else {}
    lessons = await bank.cross_tally(Strategy, ["created_at", "status"], where)
    reports = await bank.cross_tally(Episode, ["created_at", "verdict"], where)
    active = await bank.columns(Strategy, ["id"], **where, status="active")
    # a lesson of `global` is followed in any scope
    used = await bank.columns(Episode, ["created_at", "used_ids"])
    return Growth(_by_month(lessons, STATUSES), _by_month(reports, VERDICTS), _last_followed(active["id"], used, now()))


def _by_month(counted: Mapping[tuple[Any, ...], int], kinds: tuple[str, ...]) -> dict[str, dict[str, int]]:
    months = defaultdict[int, Counter[str]](Counter)
    for (day, kind), number in counted.items():
        months[_month(day)][kind] += number
    every = range(min(months), max(months) + 1) if months else ()
    return {month_name(month): {kind: months[month][kind] for kind in kinds} for month in every}


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def month_name(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}"


def _last_followed(active: Any, used: Any, moment: datetime) -> dict[str, int]:
    lists = used["used_ids"].combine_chunks()
    times = pc.take(used["created_at"], pc.list_parent_indices(lists))
    last = pa.table({"id": pc.list_flatten(lists), "at": times}).group_by("id").aggregate([("at", "max")])
    of_active = last.filter(pc.is_in(last["id"], value_set=active.combine_chunks()))
    days = (np.datetime64(moment.replace(tzinfo=None), "us") - of_active["at_max"].to_numpy()) / np.timedelta64(1, "D")
    found, borders = dict[str, int](), [-np.inf, *AGES.values(), np.inf]
    for name, low, high in zip([*AGES, EARLIER], borders, borders[1:], strict=False):
        found[name] = int(((days > low) & (days <= high)).sum())
    return found | {NEVER: len(active) - of_active.num_rows}
