"""Which lists there are: where words are looked for in each, its facets, its orders, and the columns of its CSV."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy

_NONE = "none"  # stands in addresses for no value

R = TypeVar("R", bound=Record)
Where = dict[str, Any]
"""A filter of store/lance/filters.py, which brings LanceDB along."""


@dataclass(frozen=True)
class Choice:
    """One value of a facet, as the address has it and in words, and how many records have it."""

    value: str
    label: str
    number: int


@dataclass(frozen=True)
class Plain:
    """A facet whose values are those of one column."""

    title: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def where(self, column: str, value: str) -> Where:
        return {column: None if value == _NONE else value}

    def label(self, value: str) -> str:
        value = "" if value == _NONE else value
        return self.labels.get(value, value or "none")

    def choices(self, counted: Mapping[Any, int]) -> list[Choice]:
        found = [Choice(value or _NONE, self.label(value), number) for value, number in counted.items()]
        return sorted(found, key=lambda each: (-each.number, each.label))


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A list: where its words are looked for, its facets, and the columns by which it may be ordered."""

    name: str
    record: type[R]
    searched: tuple[str, ...]
    facets: Mapping[str, Plain]
    orders: Mapping[str, str]
    cells: tuple[str, ...]  # columns of the CSV
    long: str = ""  # a column that is searched only if that is asked for


_SCOPE = Plain("Scope")
_NEWEST = {"-created_at": "newest first", "created_at": "oldest first"}
LESSONS = Kind(
    "lessons",
    Strategy,
    ("title", "description", "content", "source_task", "status_reason", "id"),
    {
        "scope": _SCOPE,
        "status": Plain("State", {"quarantined": "kept out: reads as an order", "waiting": "waits for you"}),
        "outcome": Plain("Learned from", {"success": "a success", "failure": "a failure", "contrast": "a comparison"}),
        "holds": Plain("Holds", {"here": "in its project only"}),
    },
    _NEWEST
    | {"-updated_at": "changed last", "-helped": "helped most", "-hurt": "hurt most", "-support": "taught most"}
    | {"title": "title"},
    ("id", "title", "description", "content", "scope", "outcome", "holds", "status", "status_reason", "caution", "support",
     "helped", "hurt", "created_at", "updated_at"),
)  # fmt: skip
_VERDICT = {"": "not judged"}
EPISODES = Kind(
    "episodes",
    Episode,
    ("task", "reason", "judgement", "client", "run_id", "id"),
    {
        "scope": _SCOPE,
        "verdict": Plain("Verdict", _VERDICT),
        "outcome": Plain("Outcome in the world", {"": "not known"}),
        "status": Plain("State", {"pending": "waits for a judgement", "learned": "learned from", "recorded": "recorded only"}),
        "client": Plain("Client", {"": "not known"}),
        "judge": Plain("Judge", {"": "nobody yet"}),
    },
    _NEWEST | {"-steps": "most steps", "-updated_at": "changed last"},
    ("id", "task", "scope", "verdict", "outcome", "self_verdict", "status", "reason", "judge", "client", "steps", "run_id",
     "recall_id", "created_at"),
    "trajectory",
)  # fmt: skip
RUNS = Kind(
    "runs",
    Run,
    ("task", "comparison", "reason", "id"),
    {
        "scope": _SCOPE,
        "status": Plain("State", {"comparison_needed": "waits for a comparison"}),
        "mode": Plain("Attempts", {"parallel": "side by side", "sequential": "one after the other"}),
    },
    _NEWEST | {"-attempts": "most attempts", "-updated_at": "changed last"},
    ("id", "task", "scope", "mode", "attempts", "status", "best_attempt", "reason", "created_at"),
)
RECALLS = Kind(
    "recalls",
    Recall,
    ("task", "id"),
    {"scope": _SCOPE},
    _NEWEST | {"-tokens": "most words"},
    ("id", "task", "scope", "strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "tokens", "created_at"),
)
KINDS: Mapping[str, Kind[Any]] = {each.name: each for each in (LESSONS, EPISODES, RUNS, RECALLS)}
