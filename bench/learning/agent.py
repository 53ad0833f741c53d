"""The simulated agent and judge of the learning curve: everything here is assumption, and it decides much of what comes out.

Every chance is drawn from (seed, task, attempt, purpose), so that all arms meet the same luck.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.learning.pitfalls import Kind, Task, platitude
from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.judgement import Comparison, Judgement, StrategyDraft

BASE = 0.35
"""Share of tasks with a pitfall that succeed without a lesson."""
PLAIN = 0.8
"""Share of tasks without a pitfall that succeed."""
RIGHT = 0.45
"""What following a right lesson adds."""
WRONG = 0.2
"""What following a lesson that leads into the pitfall takes."""
OTHER = 0.03
"""What following a lesson on something else takes."""
FOLLOWED = 0.9
"""How often a lesson on the task's pitfall is followed, right or wrong: the agent cannot tell."""
FOLLOWED_RAW = 0.45
"""How often the point is found in a raw trajectory of the same pitfall."""
FOLLOWED_WORKFLOW = 0.7
FOLLOWED_OTHER = 0.1
OPENED = 0.5
"""How often a lesson on the task's pitfall is opened that a recall lists by its title, right or wrong. Not measured."""
OPENED_OTHER = 0.1
SEEN = 0.6
"""How often a judge sees the point in one trajectory; otherwise it draws a platitude."""
SEEN_BY_CONTRAST = 0.9
"""How often it sees it in trajectories of which some succeeded and some failed."""
REFINED = 0.15
"""Share of failures that a second look at the previous attempt mends."""
SPOILED = 0.05
"""Share of successes that a second look spoils."""


@dataclass(frozen=True)
class Luck:
    seed: int
    place: int
    attempt: int = 1

    def __call__(self, purpose: str) -> float:
        return random.Random(f"{self.seed} {self.place} {self.attempt} {purpose}").random()


@dataclass(frozen=True)
class Known:
    """A recalled memory, with what it is worth, which only the world knows."""

    id: str
    family: str
    kind: Kind
    form: str = "lesson"


@dataclass(frozen=True)
class Attempt:
    succeeded: bool
    steps: int
    used: list[str]


def followed(task: Task, recalled: Sequence[Known], luck: Luck) -> list[Known]:
    on_topic = {"lesson": FOLLOWED, "raw": FOLLOWED_RAW, "workflow": FOLLOWED_WORKFLOW}
    name = task.family.family if task.family else ""
    return [
        known
        for rank, known in enumerate(recalled)
        if luck(f"follow {rank}") < (on_topic[known.form] if known.family == name else FOLLOWED_OTHER)
    ]


def opened(task: Task, listed: Sequence[Known], luck: Luck) -> list[str]:
    """Return the ids of the listed memories that the agent wants to read."""
    name = task.family.family if task.family else ""
    return [each.id for each in listed if luck(f"open {each.id}") < (OPENED if each.family == name else OPENED_OTHER)]


def attempt(task: Task, recalled: Sequence[Known], luck: Luck, previous: Attempt | None = None) -> Attempt:
    used = followed(task, recalled, luck)
    name = task.family.family if task.family else ""
    mine = {known.kind for known in used if known.family == name}
    right = bool(mine & {"success", "failure"})
    chance = (BASE if task.family else PLAIN) + RIGHT * right - WRONG * ("bad" in mine)
    chance -= OTHER * sum(known.family != name for known in used)
    succeeded = luck("outcome") < min(0.98, max(0.02, chance))
    if previous is not None:
        mended = luck("look again") < (1 - SPOILED if previous.succeeded else REFINED)
        succeeded = mended if previous.succeeded else succeeded or mended
    steps = (7 if right else 10) + (0 if succeeded else 4) + int(luck("steps") * 3)
    return Attempt(succeeded, steps, [known.id for known in used])


def trajectory(task: Task, done: Attempt, luck: Luck) -> list[dict[str, str]]:
    """What is reported. The numbers keep attempts apart."""
    what = "do the work"
    seen = "everything is as it was asked"
    if task.family:
        what = task.family.good if done.succeeded else task.family.naive
    if not done.succeeded:
        seen = task.family.symptom if task.family else "the result does not answer what was asked"
    return [
        {"action": "look at what is there", "observation": f"{int(luck('files') * 900)} entries"},
        {"action": what, "observation": f"finished after {done.steps} steps"},
        {"action": "check the result", "observation": seen},
    ]


def verdict(done: Attempt, accuracy: float, luck: Luck) -> Verdict:
    """What the judge says; it is right as often as its accuracy says."""
    return "success" if done.succeeded == (luck("judge") < accuracy) else "failure"


def lesson(task: Task, done: Attempt, said: Verdict, luck: Luck) -> StrategyDraft:
    """What a judge draws from one trajectory. Who errs about the outcome takes the wrong thing for the cause."""
    if task.family is None or luck("see") >= SEEN:
        return platitude(luck("platitude"))
    right = done.succeeded == (said == "success")
    return task.family.lesson(said if right else "bad", luck("wording"))


def judgement(done: Attempt, said: Verdict, strategies: Sequence[StrategyDraft]) -> Judgement:
    return Judgement(
        reason="What the last check shows decides it.",
        verdict=said,
        evidence=[f"finished after {done.steps} steps"],
        strategies=list(strategies),
    )


def compared(task: Task, done: Sequence[Attempt], said: Sequence[Verdict], luck: Luck) -> Comparison:
    """The self-contrast. It knows no more of the outcomes than the judge said; where the judge saw both kinds, the point shows
    more often, and it is the right one where the best is really a success and one of the others really a failure."""
    best = said.index("success") if "success" in said else 0
    chance = SEEN_BY_CONTRAST if len(set(said)) == 2 else SEEN
    if task.family is None or luck("see by contrast") >= chance:
        learned = platitude(luck("platitude"))
    elif len(set(said)) == 2:
        truly = done[best].succeeded and any(not a.succeeded for a, s in zip(done, said, strict=True) if s == "failure")
        learned = task.family.lesson("success" if truly else "bad", luck("wording"))
    else:
        right = done[best].succeeded == (said[best] == "success")
        learned = task.family.lesson(said[best] if right else "bad", luck("wording"))
    return Comparison(analysis="The attempts differ at the second step.", best_attempt=best + 1, strategies=[learned])
