"""Who judges: one port, two adapters, and the rule of evidence that holds for both.

    AgentJudge      answers None: the connected agent is asked, and answers in a further call
    EndpointJudge   asks an OpenAI-compatible endpoint (endpoint_judge.py)

A judge that fails raises JudgeFailed. None of them ever makes up a verdict.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.evidence import Evidence, not_found
from strategy_bank.tools.judging.models import AttemptView, Comparison, Judgement
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.trajectory.condense import condense

REQUEST_CHARS = 24_000
"""How much of the trajectories a request to judge or to compare carries, in all: about 6,000 tokens."""


class Judge(Protocol):
    """Judges one trajectory, compares several attempts, or says whether two lessons are one.

    None means: ask the connected agent.
    """

    @property
    def name(self) -> str: ...

    async def judge(
        self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True
    ) -> Judgement | None: ...

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> Comparison | None: ...

    async def same(self, one: str, other: str) -> bool | None: ...

    async def aclose(self) -> None: ...


class AgentJudge:
    name = "agent"

    async def judge(self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True) -> None:
        return None

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> None:
        return None

    async def same(self, one: str, other: str) -> None:
        return None

    async def aclose(self) -> None:
        pass


class JudgeRequest(TypedDict):
    """What the connected agent is asked: the rules, with the trajectories where it may not have them, and the form."""

    rubric: str
    schema: dict[str, Any]


def judgement_request(task: str, outcome: Verdict | None, trajectory: str = "") -> JudgeRequest:
    """Asks for a judgement. With a trajectory the request stands on its own; without, the agent has it in its context."""
    rubric = render("judgement_request", task=fence("task", condense(task, 2000)), outcome=_decided(outcome))
    if trajectory:
        rubric += f"\n\n{fence('trajectory', condense(trajectory, REQUEST_CHARS))}"
    return JudgeRequest(rubric=rubric, schema=Judgement.model_json_schema())


def comparison_request(task: str, attempts: Sequence[AttemptView]) -> JudgeRequest:
    """Asks for the self-contrast over all attempts, and carries them: the caller may have made none of them itself."""
    share = REQUEST_CHARS // max(1, len(attempts))
    views = "\n\n".join(
        f"Attempt {view.attempt}, {view.verdict or 'not judged'}:\n{fence('attempt', condense(view.trajectory, share))}"
        for view in attempts
    )
    rubric = render("comparison_request", task=fence("task", condense(task, 2000)), attempts=views)
    return JudgeRequest(rubric=rubric, schema=Comparison.model_json_schema())


def hold_to_evidence(
    judgement: Judgement, trajectory: str, outcome: Verdict | None = None
) -> tuple[Judgement, list[str]]:
    """The judgement with the quotes that do occur in the trajectory, and a warning for each that does not.

    Raises:
        JudgeFailed: the quotes do not carry the verdict, so it is none; see evidence.py.
    """
    evidence = Evidence(trajectory)
    if problems := evidence.problems(judgement.verdict, judgement.evidence, decided=outcome is not None):
        raise JudgeFailed("; ".join(problems))
    held = evidence.held(judgement.evidence)
    missing = [not_found(quote) for quote in judgement.evidence if quote not in held]
    return judgement.model_copy(update={"evidence": held}), missing


def _decided(outcome: Verdict | None) -> str:
    if outcome is None:
        return "Nobody has decided the outcome yet: you do."
    return f"The outcome was decided by the world: {outcome}. Explain it, whatever you would have said."
