"""The port to whoever judges, and the adapter that leaves it to the connected agent.

    AgentJudge      answers None: the connected agent is asked, and answers in a further call
    EndpointJudge   asks an OpenAI-compatible endpoint (endpoint_judge.py)

A judge that fails raises JudgeFailed. No judge ever makes up a verdict.
"""

from collections.abc import Sequence
from typing import Protocol

from strategy_bank.store.records import Trust, Verdict
from strategy_bank.tools.judging.judgement import AttemptView, Comparison, Judgement


class Judge(Protocol):
    """Judges one trajectory, compares several attempts, or says whether two strategies are one.

    The answer None means: ask the connected agent. `trust` says what of its lessons is recalled before a person has seen it.
    """

    @property
    def name(self) -> str: ...

    @property
    def trust(self) -> Trust: ...

    async def judge(
        self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True
    ) -> Judgement | None: ...

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> Comparison | None: ...

    async def same(self, one: str, other: str) -> bool | None: ...

    async def aclose(self) -> None: ...


class AgentJudge:
    """Leaves every decision to the connected agent."""

    name = "agent"

    def __init__(self, trust: Trust = "flagged") -> None:
        self.trust: Trust = trust

    async def judge(self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True) -> None:
        return None

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> None:
        return None

    async def same(self, one: str, other: str) -> None:
        return None

    async def aclose(self) -> None:
        pass
