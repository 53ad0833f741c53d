"""Defines what the bank holds: strategies, episodes, runs and recalls (terms of the ReasoningBank paper, arXiv 2509.25140).

Records are frozen; `model_copy(update=…)` makes a changed one. Ids are derived from content, so that the same thing said
twice is one row.
"""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import from_json

Verdict = Literal["success", "failure"]
LessonOutcome = Literal["success", "failure", "contrast"]
Reach = Literal["generally", "here"]  # here: a fact of one project, which others have no use for
Fate = Literal["helped", "wrong", "unfit"]  # what became of a recalled strategy: followed twice, or not
StrategyStatus = Literal["active", "retired", "quarantined", "waiting"]
EpisodeStatus = Literal["pending", "learned", "recorded"]
RunStatus = Literal["running", "comparison_needed", "finished"]
Decided = Literal["status", "parted", "joined", "dropped", "restored"]
LessonAction = Literal["added", "merged", "amended", "proposed", "confirmed", "waiting"]
FOR_A_PERSON: tuple[StrategyStatus, ...] = ("quarantined", "waiting")  # agents do not know of these
Trust = Literal["auto", "flagged", "approve"]  # what is recalled before a person has seen it
RunMode = Literal["parallel", "sequential"]

GLOBAL_SCOPE = "global"
PROMOTED = "global: taught independently in "  # begins the status reason of a lesson that no person put into `global`
NO_PROJECT_SCOPE = "no-project"  # of work that belongs to no repository and to no folder that a client names
REVISIONS_KEPT = 100  # former wordings of a strategy, the newest
# the highest relevance: above it no more of the strategies fit, since a task that names the wrong thing is as sure of that one
SURE = 0.7
RECALLED_TASK_CHARS = 2000  # what a recall keeps of its task
CLIENT_CHARS, SOURCES_KEPT = 80, 20  # of who reported an episode; hosts that it read
# times that one session counts for a strategy: for teaching it, and for each outcome of its uses
MOST_TAUGHT, MOST_USES = 2, 3
PROVENANCE_KEPT = 256  # maximum number of ids in each list of a strategy; its counters have no limit


def now() -> datetime:
    return datetime.now(UTC)


def content_id(prefix: str, *parts: str) -> str:
    """Return `prefix_` and 16 hex digits of the sha256 over the parts, the same on every machine."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[:16]}"


class Record(BaseModel, frozen=True):
    """A row of one of the tables."""

    id: str
    created_at: datetime = Field(default_factory=now)
    revision: int = 0  # number of changes so far; a change counts only on the revision that was read


def wording(title: str, description: str, content: str) -> str:
    """Return the words of a strategy as one text."""
    return f"{title}\n{description}\n{content}"


class Worded(Protocol):
    """Whatever has the words of a lesson."""

    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def holds(self) -> Reach: ...


class Revision(BaseModel, frozen=True):
    """A former wording of a strategy, and what put other words in its place."""

    title: str
    description: str
    content: str
    holds: Reach = "generally"
    replaced_by: str  # id of an episode or a run; `edit` or `revert` of a person; empty once that is forgotten
    replaced_at: datetime = Field(default_factory=now)
    proposed_by: str = ""  # id of the episode or run that had proposed the next words, where two were needed


class Proposal(BaseModel, frozen=True):
    """A correction of a strategy that waits until a second task confirms it."""

    title: str
    description: str
    content: str
    holds: Reach = "generally"
    proposed_by: str  # id of an episode or a run
    waits: bool = False  # for a person: no task's report confirms it, and no agent sees it
    proposed_at: datetime = Field(default_factory=now)


class StatusChange(BaseModel, frozen=True):
    """What a person decided about a strategy, and what it was before.

    Its status; that it and an opposite both stand (`parted`) or contradict each other again (`joined`); that a correction is
    `dropped`, or waits again (`restored`).
    """

    what: Decided = "status"
    before: StrategyStatus
    reason: str = ""  # of the status before
    caution: str = ""  # before
    after: StrategyStatus
    opposite: str = ""  # id of the strategy that it was parted from or joined with
    proposal: Proposal | None = None  # the correction that was dropped or restored
    changed_at: datetime = Field(default_factory=now)


class Strategy(Record, frozen=True):
    """A general, transferable lesson, with its counters and its origin."""

    title: str
    description: str
    content: str
    outcome: LessonOutcome
    holds: Reach = "generally"
    scope: str = GLOBAL_SCOPE
    source_task: str = ""
    status: StrategyStatus = "active"
    status_reason: str = ""
    support: int = 1  # number of episodes and comparisons that taught it
    helped: int = 0  # tasks that succeeded with it; one with both kinds of attempts counts in both
    hurt: int = 0  # tasks that failed with it
    episode_ids: list[str] = Field(default_factory=list)
    run_ids: list[str] = Field(default_factory=list)
    credited_by: list[str] = Field(default_factory=list)  # judged episodes that used it; each counts once
    pardoned: list[str] = Field(default_factory=list)  # those of them that count no more, since a person reinstated it
    contradicts: list[str] = Field(default_factory=list)  # ids of strategies that seem to advise the opposite
    revisions: list[Revision] = Field(default_factory=list[Revision])  # former wordings, the oldest first
    proposals: list[Proposal] = Field(default_factory=list[Proposal])  # corrections that wait, the oldest first
    caution: str = ""  # why a recall shows it with a caution, and never first
    decisions: list[StatusChange] = Field(default_factory=list[StatusChange])  # of people, the oldest first
    session: str = ""  # the connection that taught it first; empty where a person or another bank did, or nobody knows
    copied: float = Field(default=0.0, ge=0, le=1)  # share of its words that stand in what was read for its first task
    updated_at: datetime = Field(default_factory=now)

    @property
    def wording(self) -> str:
        """The text that is embedded and compared. The places of stored word pieces refer to it."""
        return wording(self.title, self.description, self.content)

    def retired(self, reason: str) -> "Strategy":
        return self.model_copy(update={"status": "retired", "status_reason": reason, "updated_at": now()})


def _out_of_json(value: Any) -> Any:
    """Return what a cell of JSON holds, and any other value as it is."""
    return from_json(value) if isinstance(value, str) else value


class Hit(BaseModel, frozen=True):
    """A strategy that fits a task, without its provenance."""

    id: str
    title: str
    description: str
    content: str
    outcome: LessonOutcome
    relevance: float = Field(ge=0, le=1)
    helped: int
    hurt: int
    scope: str
    # not in the schema, which costs every client tokens; the text form says it
    contradicts: SkipJsonSchema[list[str]] = Field(default_factory=list, exclude_if=lambda ids: not ids)
    caution: SkipJsonSchema[str] = Field("", exclude_if=lambda why: not why)
    proposals: SkipJsonSchema[Annotated[list[Proposal], BeforeValidator(_out_of_json)]] = Field(
        default_factory=list[Proposal], exclude_if=lambda proposals: not proposals
    )


class OwnAndGiven(NamedTuple):
    """Stands for these scopes and, of `global`, what a person put there or what began in one of them."""

    scopes: list[str]


class Menu(NamedTuple):
    """What a recall finds: strategies that surely fit, to be read in full, and others that may, to be chosen from."""

    full: list[Hit]
    others: list[Hit]


class LearnedStrategy(BaseModel, frozen=True):
    """The fate of one strategy of a judgement: the id and the title are those of the strategy that it became a part of."""

    id: str
    title: str
    action: LessonAction


class Episode(Record, frozen=True):
    """One attempt at one task. `verdict` is None until it is judged; pending is never a failure."""

    scope: str
    task: str
    trajectory: str  # the normal form of tools/trajectory/normal_form.py, redacted
    steps: int
    status: EpisodeStatus = "pending"
    outcome: Verdict | None = None  # the verdict of the world (tests, the user), if there is one
    self_verdict: Verdict | None = None  # the verdict of the judge; an `outcome` that differs wins
    verdict: Verdict | None = None
    judge: str = ""  # `agent`, or `endpoint:` and its model
    judgement: str = ""  # the accepted judgement as JSON
    reason: str = ""  # the reason why a pending episode is still pending
    recall_id: str = ""
    used_ids: list[str] = Field(default_factory=list)  # strategies that were followed
    helped_ids: list[str] = Field(default_factory=list)  # those of them that helped, as the agent says
    wrong_ids: list[str] = Field(default_factory=list)  # those of them that were wrong
    unfit_ids: list[str] = Field(default_factory=list)  # recalled ones that did not fit; that is nothing against them
    learned: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    flagged_ids: list[str] = Field(default_factory=list)  # strategies with literals, which a later wording may replace
    run_id: str = ""
    attempt: int = 0
    client: str = ""  # name and version of the program that reported it
    session: str = ""  # `se_` and 16 hex: the connection that it came by; empty for other banks' and the command line's
    sources: list[str] = Field(default_factory=list)  # hosts of the addresses that its own actions named
    updated_at: datetime = Field(default_factory=now)


class Run(Record, frozen=True):
    """A MaTTS group: several attempts at one task, and the comparison over them."""

    scope: str
    task: str
    mode: RunMode
    attempts: int
    status: RunStatus = "running"
    recall_id: str = ""
    recalled: list[Hit] = Field(default_factory=list[Hit])  # the strategies in every brief, as of the start of the run
    best_attempt: int = 0
    comparison: str = ""  # the accepted comparison as JSON
    reason: str = ""  # the reason why its attempts could not be compared yet
    learned: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    session: str = ""  # the connection that started it, then the one that finished it
    updated_at: datetime = Field(default_factory=now)


class Recall(Record, frozen=True):
    """A note that strategies were shown for a task. Showing alone moves no counter."""

    scope: str
    task: str
    strategy_ids: list[str] = Field(default_factory=list)  # shown in full
    listed_ids: list[str] = Field(default_factory=list)  # shown as a line
    opened_ids: list[str] = Field(default_factory=list)  # those that the agent then asked for: a sign that they fit
    held_out_ids: list[str] = Field(
        default_factory=list
    )  # left out though they fit, to see what comes of a task without
    tokens: int = 0  # of what was shown, about
    sure_ids: list[str] = Field(default_factory=list)  # those in full that were shown with a relevance of SURE or more
    stuck: int = 0  # 1: somebody was stuck in the middle of the task
    stops: int = 0  # how often the agent then stopped and its transcript was read
    asked: int = 0  # how often it was asked for a report then
    answered_by: str = ""  # id of the episode that it reported when asked
    echoed_ids: list[str] = Field(default_factory=list)  # those whose words came back in its work: a weak sign of use


class Project(Record, frozen=True):
    """A note which scope a project has. A project is known by the address of its remote and by its folders, a row for each."""

    identity: str  # `remote:` or `path:`, and the address or the folder
    scope: str
    remote: str = ""  # of the repository in a folder, when it was seen last

    @staticmethod
    def id_of(identity: str) -> str:
        return content_id("pj", identity)
