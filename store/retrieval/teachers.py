"""Who taught the candidates of a recall, and how many of one teacher's lessons take part in its order.

Anybody who reports can teach a lesson on any topic, fifty times in other words. So of what only one session vouches for, MOST
lessons take part in a recall's order. A session that brought more than LOUD of the candidates is loud: the others are searched
for without it, and ranked as if it were not there. Two sessions of one hand are two teachers; nothing here can tell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from strategy_bank.store.records import MOST_TAUGHT, MOST_USES

MOST = 3
LOUD = 10  # a quarter of what the search by vector brings
COLUMNS = ("session", "support", "helped")


def teacher(row: Mapping[str, Any]) -> str:
    """Return the session that alone vouches for a lesson; empty where others confirmed it, or nobody knows who taught it."""
    # what one session's reports count at most, its own lesson may have of it
    confirmed = row.get("support", 1) > MOST_TAUGHT or row.get("helped", 0) > MOST_USES
    return "" if confirmed else row.get("session") or ""


def loudest(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the session that alone vouches for more than LOUD of the candidates; empty where none does."""
    heard = Counter(map(teacher, rows))
    most = max((session for session in heard if session), key=lambda session: heard[session], default="")
    return most if heard[most] > LOUD else ""
