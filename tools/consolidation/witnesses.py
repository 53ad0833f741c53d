"""Which reports are witnesses beside each other: nearly the same task is one, and one session is a few at most.

Anybody can invent tasks, and whoever reports often is heard often. So what a lesson is credited with is counted in tasks of
different words, and a session counts MOST_TAUGHT times for teaching it and MOST_USES times for each of its outcomes.

Two tasks are nearly the same where one has all words of the other and hardly more, in any order, numbers and punctuation
aside. So a dot, a number, a name or a word more makes no other task. A word in the place of another does: "put a mug on the
shelf" and "put a plate on the shelf" are two, and words alone do not tell such a pair from one with a synonym.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from strategy_bank.store.records import Strategy, Verdict
from strategy_bank.tools.trajectory.text import words_of

OF_A_WITNESS = ["task", "session"]
OF_A_USE = [*OF_A_WITNESS, "verdict", "helped_ids", "wrong_ids"]
_FEW_MORE = 3
_DIGITS = re.compile(r"\d+")


class Told(Protocol):
    """A report as a witness: its task, and the session that it came by."""

    @property
    def task(self) -> str: ...
    @property
    def session(self) -> str: ...


T = TypeVar("T", bound=Told)


@dataclass(frozen=True)
class Account:
    """A report that taught something."""

    task: str
    session: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Account":
        return cls(row["task"], session_of(row["session"], row["created_at"]))

    @classmethod
    def first_of(cls, strategy: Strategy) -> "Account":
        """Return the report that taught a strategy first, as far as the strategy tells."""
        return cls(strategy.source_task, session_of(strategy.session, strategy.created_at))


Accounts = Mapping[str, Account]
"""By the ids of episodes."""
NOTHING_TOLD: Accounts = {}


@dataclass(frozen=True)
class Use:
    """One judged episode that used a strategy."""

    episode_id: str
    task: str
    verdict: Verdict
    session: str
    at: datetime


def use_of(episode: Mapping[str, Any], *ids: str) -> Use | None:
    """Return what an episode says of a strategy that it followed, which has one of these ids; None where it says nothing.

    A strategy that the agent found wrong failed there, however the task ended. One that helped in a task that failed
    nevertheless has no part in the failure.
    """
    verdict = "failure" if set(ids).intersection(episode["wrong_ids"]) else episode["verdict"]
    if not verdict or (verdict == "failure" and set(ids).intersection(episode["helped_ids"])):
        return None
    at = episode["created_at"]
    return Use(episode["id"], episode["task"], verdict, session_of(episode["session"], at), at)


def session_of(session: str | None, at: datetime) -> str:
    """Return a session, or for what came without one the day on which it was written."""
    return session or f"{at:%Y-%m-%d}"


def counts(new: Told, earlier: Iterable[Told], most: int) -> bool:
    """Return whether a report is one more witness beside earlier ones, of which `most` may be of its session."""
    before = list(earlier)
    return len(independent([*before, new], most)) > len(independent(before, most))


def taught_once(strategy: Strategy) -> bool:
    """Return whether one episode, or one run, has taught a strategy and no other; its support does not grow with each."""
    alone = len(strategy.run_ids) == 1 or len(strategy.episode_ids) <= 1
    return strategy.support == 1 and alone


def others_taught(old: Strategy, new: Strategy, told: Accounts) -> bool:
    """Return whether a session other than that of a new strategy has taught the old one."""
    earlier = [told[id] for id in old.episode_ids if id in told] or [Account.first_of(old)]
    return any(each.session != Account.first_of(new).session for each in earlier)


def independent(reports: Iterable[T], most: int) -> list[T]:
    """Return those of the reports, in their order, that are witnesses beside the ones before them."""
    found, tasks, of_session = list[T](), list[frozenset[str]](), defaultdict[str, int](int)
    for each in reports:
        words = _words(each.task)
        if of_session[each.session] < most and not any(_alike(words, known) for known in tasks):
            found.append(each)
            tasks.append(words)
            of_session[each.session] += 1
    return found


def in_common(some: Sequence[Told], others: Sequence[Told], most: int) -> int:
    """Return how many witnesses fewer two lessons have together than each on its own."""
    apart = len(independent(some, most)) + len(independent(others, most))
    return apart - len(independent([*some, *others], most))


def same_task(one: str, other: str) -> bool:
    """Return whether two tasks are nearly the same."""
    return _alike(_words(one), _words(other))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    few, many = (one, other) if len(one) <= len(other) else (other, one)
    return len(many) - len(few) <= max(_FEW_MORE, len(few) // 2) and few <= many


@lru_cache(1024)
def _words(task: str) -> frozenset[str]:
    return frozenset(words_of(_DIGITS.sub(" ", task)) or task.split())
