"""What the bank holds: strategies, episodes, runs and recalls (terms of the ReasoningBank paper, arXiv 2509.25140).

Records are frozen; a change is a new record made with `model_copy(update=…)`. Ids are derived from content, so that the
same thing said twice is one row.
"""

import hashlib
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

Verdict = Literal["success", "failure"]
LessonOutcome = Literal["success", "failure", "contrast"]
StrategyStatus = Literal["active", "retired", "quarantined"]
EpisodeStatus = Literal["pending", "learned", "recorded"]
RunStatus = Literal["running", "comparison_needed", "finished"]
RunMode = Literal["parallel", "sequential"]

GLOBAL_SCOPE = "global"
PROVENANCE_KEPT = 256
"""How many episode ids a strategy keeps per list; counters go on counting beyond it."""


def now() -> datetime:
    return datetime.now(UTC)


def content_id(prefix: str, *parts: str) -> str:
    """`prefix_` and 16 hex digits of the sha256 over the parts, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[:16]}"


class Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    created_at: datetime = Field(default_factory=now)
    revision: int = 0
    """How often the stored record was changed: a change counts only on the revision that was read."""


def wording(title: str, description: str, content: str) -> str:
    """The words of a lesson as one text."""
    return f"{title}\n{description}\n{content}"


class Strategy(Record):
    """One general, transferable lesson, with its counters and where it came from."""

    title: str
    description: str
    content: str
    outcome: LessonOutcome
    scope: str = GLOBAL_SCOPE
    source_task: str = ""
    status: StrategyStatus = "active"
    status_reason: str = ""
    support: int = 1
    """Episodes (or comparisons) that said it."""
    helped: int = 0
    hurt: int = 0
    """Tasks that succeeded with it, or failed; one that did both counts in both."""
    episode_ids: list[str] = Field(default_factory=list)
    run_ids: list[str] = Field(default_factory=list)
    credited_by: list[str] = Field(default_factory=list)
    """Judged episodes that used it, so that a step done twice counts once."""
    pardoned: list[str] = Field(default_factory=list)
    """Of these, those that a person overruled by reinstating it: they no longer count against it."""
    contradicts: list[str] = Field(default_factory=list)
    """Strategies that seem to advise the opposite."""
    updated_at: datetime = Field(default_factory=now)

    @property
    def wording(self) -> str:
        """What is embedded, compared and looked through; word pieces are stored by their place in it."""
        return wording(self.title, self.description, self.content)

    def searchable_text(self) -> str:
        return f"{self.wording}\n{self.source_task}"


class Hit(BaseModel):
    """A strategy that fits, without its provenance. `relevance` is 0–1."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    description: str
    content: str
    outcome: LessonOutcome
    relevance: float = Field(ge=0, le=1)
    helped: int
    hurt: int
    scope: str
    contradicts: SkipJsonSchema[list[str]] = Field(default_factory=list, exclude_if=lambda ids: not ids)
    """Strategies that seem to advise the opposite. Not in the schema, for which every client pays; the text says it."""


class LearnedStrategy(BaseModel):
    """What became of one strategy of a judgement."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    action: Literal["added", "merged"]


class Episode(Record):
    """One attempt at one task. `verdict` is None until somebody judged it; pending is never a failure."""

    scope: str
    task: str
    trajectory: str
    """The normal form of tools/trajectory/normal_form.py, redacted."""
    steps: int
    status: EpisodeStatus = "pending"
    outcome: Verdict | None = None
    """What the world decided (tests, the user), where it did."""
    self_verdict: Verdict | None = None
    """What the judge said; where it differs from `outcome`, `outcome` won."""
    verdict: Verdict | None = None
    judge: str = ""
    """`agent`, or `endpoint:` and its model."""
    judgement: str = ""
    """The accepted judgement as JSON."""
    reason: str = ""
    """Why a pending episode is still pending."""
    recall_id: str = ""
    used_ids: list[str] = Field(default_factory=list)
    learned: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    flagged_ids: list[str] = Field(default_factory=list)
    """Strategies of this episode that carried literals and may be replaced by a more general wording."""
    run_id: str = ""
    attempt: int = 0
    updated_at: datetime = Field(default_factory=now)


class Run(Record):
    """A MaTTS group: several attempts at one task, and the comparison over them."""

    scope: str
    task: str
    mode: RunMode
    attempts: int
    status: RunStatus = "running"
    recall_id: str = ""
    recalled: list[Hit] = Field(default_factory=list[Hit])
    """The strategies that stand in every brief, as they were when the run began."""
    best_attempt: int = 0
    comparison: str = ""
    """The accepted comparison as JSON."""
    reason: str = ""
    learned: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    updated_at: datetime = Field(default_factory=now)


class Recall(Record):
    """That strategies were shown for a task. Showing alone moves no counter."""

    scope: str
    task: str
    strategy_ids: list[str] = Field(default_factory=list)
