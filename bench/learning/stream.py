"""One stream of tasks through one way of remembering, on a real bank: recall, attempt, judge, report, task by task."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bench.learning.agent import Attempt, Known, Luck, attempt, compared, judgement, lesson, opened, trajectory, verdict
from bench.learning.pitfalls import Task, stream, truth
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.location import Location
from strategy_bank.store.records import Hit, Strategy, content_id
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.episodes.reporter import Reporter
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.judging.judgement import StrategyDraft
from strategy_bank.tools.recall_strategies import OtherStrategy, RecallResult, open_strategies, recall
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scale_attempts import ScaleRequest, scale
from strategy_bank.tools.scopes.registry import Scope

SCOPE = "work"
RECALLED = 3
Memory = Literal["none", "raw", "workflows", "successes", "full"]
Scaling = Literal["", "vanilla", "parallel", "sequential"]


@dataclass(frozen=True)
class Arm:
    """A way of remembering. `vanilla`: several attempts, each reported for itself, nothing compared."""

    memory: Memory
    scaling: Scaling = ""
    attempts: int = 1
    credit: bool = True
    each: bool = False
    """Whether each attempt of a run teaches for itself, beside the comparison."""

    @property
    def name(self) -> str:
        scaled = f" + {self.scaling} k={self.attempts}{' and each' if self.each else ''}" if self.scaling else ""
        return f"{self.memory}{scaled}{'' if self.credit else ' without credit'}"


@dataclass(frozen=True)
class Step:
    """What became of one task: of its first attempt, and of the one that was chosen. `right` lesson recalled, a `wrong` one."""

    first: bool
    chosen: bool
    steps: int
    right: bool
    wrong: bool


@dataclass(frozen=True)
class Told:
    arm: Arm
    accuracy: float
    seed: int
    steps: list[Step]
    active: int = 0
    retired: int = 0
    retired_rightly: int = 0
    """Of the retired ones, those that lead into a pitfall."""


class RememberingEmbedder(Embedder):
    """The packaged model; a text it has read is not read again, since many streams tell the same texts."""

    _known: dict[str, Reading] = {}  # noqa: RUF012 - shared by all streams of the process on purpose

    def read_documents(self, texts: Sequence[str]) -> list[Reading]:
        for text in texts:
            if text not in self._known:
                (self._known[text],) = super().read_documents([text])
        return [self._known[text] for text in texts]

    def read_query(self, text: str) -> Reading:
        return self.read_documents([text])[0]


async def run(arm: Arm, accuracy: float, seed: int, length: int, models: Path) -> Told:
    tasks = stream(seed, length)
    if arm.memory == "none":
        alone = [Luck(seed, place) for place in range(length)]
        return Told(
            arm, accuracy, seed, [_step([attempt(t, [], luck)], 0, []) for t, luck in zip(tasks, alone, strict=True)]
        )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "models").symlink_to(models, target_is_directory=True)  # noqa: ASYNC240 - nobody waits
        bank = await Bank.open(Location(Path(folder)))
        bank.embedder = RememberingEmbedder(models)
        try:
            agent = _Agent(bank, arm, accuracy, seed)
            steps: list[Step] = []
            for place, task in enumerate(tasks):
                steps.append(await agent.work(task, place))
                await bank.maintain()
            return _told(Told(arm, accuracy, seed, steps), await bank.all(Strategy))
        finally:
            await bank.close()


def _told(told: Told, strategies: Sequence[Strategy]) -> Told:
    gone = [truth().get(each.title, ("", ""))[1] for each in strategies if each.status == "retired"]
    active = sum(each.status == "active" for each in strategies)
    return replace(told, active=active, retired=len(gone), retired_rightly=gone.count("bad"))


class _Agent:
    def __init__(self, bank: Bank, arm: Arm, accuracy: float, seed: int) -> None:
        self.bank = bank
        self.arm = arm
        self.accuracy = accuracy
        self.seed = seed
        self.raw: dict[str, Known] = {}

    async def work(self, task: Task, place: int) -> Step:
        if self.arm.scaling in ("parallel", "sequential"):
            return await self._scaled(task, place)
        recalled = await recall(self.bank, task.text, RECALLED, Scope(SCOPE))
        known = await self._read(task, recalled.strategies, recalled.others, Luck(self.seed, place))
        lucks = [Luck(self.seed, place, number) for number in range(1, self.arm.attempts + 1)]
        done = [attempt(task, known, luck) for luck in lucks]
        said = [verdict(one, self.accuracy, luck) for one, luck in zip(done, lucks, strict=True)]
        for one, luck in zip(done, lucks, strict=True):
            await (self._keep(task, one, luck) if self.arm.memory == "raw" else self._report(task, one, luck, recalled))
        return _step(done, said.index("success") if "success" in said else 0, known)

    async def _read(self, task: Task, full: Sequence[Hit], others: Sequence[OtherStrategy], luck: Luck) -> list[Known]:
        """What the agent reads: what it gets in full, and what it opens of the others."""
        known, listed = ([self._worth(each.id, each.title) for each in part] for part in (full, others))
        if wanted := opened(task, listed, luck):
            await open_strategies(self.bank, wanted, Scope(SCOPE))
        return [*known, *(each for each in listed if each.id in wanted)]

    def _worth(self, id: str, title: str) -> Known:
        return self.raw.get(id) or _known(id, title)

    def _session(self, luck: Luck) -> Reporter:
        """Each task is done in a session of its own."""
        return Reporter("simulated", content_id("se", str(luck.seed), str(luck.place)))

    async def _report(self, task: Task, one: Attempt, luck: Luck, recalled: RecallResult) -> None:
        said = verdict(one, self.accuracy, luck)
        told = Report(
            scope=Scope(SCOPE),
            reporter=self._session(luck),
            task=task.text,
            trajectory=trajectory(task, one, luck),
            judgement=judgement(one, said, self._lessons(task, one, luck)),
            recall_id=recalled.recall_id,
            used_strategy_ids=one.used if self.arm.credit else [],
        )
        await report_outcome(self.bank, AgentJudge(), told)

    def _lessons(self, task: Task, one: Attempt, luck: Luck) -> list[StrategyDraft]:
        said = verdict(one, self.accuracy, luck)
        if said == "failure" and self.arm.memory != "full":
            return []
        if self.arm.memory == "workflows":
            return [task.family.workflow(task.text, one.succeeded)] if task.family else []
        return [lesson(task, one, said, luck)]

    async def _keep(self, task: Task, one: Attempt, luck: Luck) -> None:
        """A trajectory as it is, found by its task."""
        shown = "\n".join(f"{step['action']}: {step['observation']}" for step in trajectory(task, one, luck))
        id = content_id("st", task.text, shown)
        stored = Strategy(id=id, title=task.text, description="What was done.", content=shown, outcome="success",
                          scope=SCOPE, source_task=task.text)  # fmt: skip
        embedded = await self.bank.embed([stored])
        await self.bank.atomically(lambda: self.bank.add_strategies(embedded))
        self.raw[id] = Known(
            id, task.family.family if task.family else "-", "success" if one.succeeded else "bad", "raw"
        )

    async def _scaled(self, task: Task, place: int) -> Step:
        mode = "sequential" if self.arm.scaling == "sequential" else "parallel"
        by = self._session(Luck(self.seed, place))
        asked = ScaleRequest(scope=Scope(SCOPE), reporter=by, task=task.text, attempts=self.arm.attempts, mode=mode)
        begun = await scale(self.bank, AgentJudge(), asked)
        known = await self._read(task, begun.strategies, begun.others, Luck(self.seed, place))
        done: list[Attempt] = []
        lucks = [Luck(self.seed, place, number) for number in range(1, self.arm.attempts + 1)]
        for number, luck in enumerate(lucks, 1):
            done.append(attempt(task, known, luck, done[-1] if mode == "sequential" and done else None))
            told = Report(
                scope=Scope(SCOPE),
                reporter=self._session(luck),
                trajectory=trajectory(task, done[-1], luck),
                judgement=judgement(
                    done[-1],
                    verdict(done[-1], self.accuracy, luck),
                    self._lessons(task, done[-1], luck) if self.arm.each else [],
                ),
                used_strategy_ids=done[-1].used,
                run_id=begun.run_id,
                attempt=number,
            )
            await report_outcome(self.bank, AgentJudge(), told)
        said = [verdict(one, self.accuracy, luck) for one, luck in zip(done, lucks, strict=True)]
        comparison = compared(task, done, said, lucks[0])
        await scale(
            self.bank,
            AgentJudge(),
            ScaleRequest(scope=Scope(SCOPE), reporter=by, run_id=begun.run_id, comparison=comparison),
        )
        return _step(done, comparison.best_attempt - 1, known)


def _known(id: str, title: str) -> Known:
    family, kind = truth().get(title, ("-", "success"))
    return Known(id, family, kind, "workflow" if title.startswith("Workflow: ") else "lesson")


def _step(done: Sequence[Attempt], chosen: int, known: Sequence[Known]) -> Step:
    right = any(each.kind != "bad" and each.family != "-" for each in known)
    wrong = any(each.kind == "bad" for each in known)
    return Step(done[0].succeeded, done[chosen].succeeded, sum(each.steps for each in done), right, wrong)
