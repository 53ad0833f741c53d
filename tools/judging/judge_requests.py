"""Writes what the connected agent is asked when it is the judge: a rubric and the form of the answer."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.judgement import AttemptView, Comparison, Judgement
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.trajectory.condense import condense

REQUEST_CHARS = 24_000
"""The trajectories in one request have at most this many characters together: about 6,000 tokens."""


class JudgeRequest(TypedDict):
    """The rules, with the trajectories that the agent may not have, and the form."""

    rubric: str
    schema: dict[str, Any]


def judgement_request(task: str, outcome: Verdict | None, trajectory: str = "") -> JudgeRequest:
    """Ask for a judgement. Without `trajectory`, the agent must have it in its context."""
    rubric = render("judgement_request", task=fence("task", condense(task, 2000)), outcome=_decided(outcome))
    if trajectory:
        rubric += f"\n\n{fence('trajectory', condense(trajectory, REQUEST_CHARS))}"
    return JudgeRequest(rubric=rubric, schema=Judgement.model_json_schema())


def comparison_request(task: str, attempts: Sequence[AttemptView]) -> JudgeRequest:
    """Ask for the contrast over all attempts. The request carries them: the caller may have made none of them itself."""
    share = REQUEST_CHARS // max(1, len(attempts))
    views = "\n\n".join(
        f"Attempt {view.attempt}, {view.verdict or 'not judged'}:\n{fence('attempt', condense(view.trajectory, share))}"
        for view in attempts
    )
    rubric = render("comparison_request", task=fence("task", condense(task, 2000)), attempts=views)
    return JudgeRequest(rubric=rubric, schema=Comparison.model_json_schema())


def _decided(outcome: Verdict | None) -> str:
    if outcome is None:
        return "Nobody has decided the outcome yet: you do."
    return f"The outcome was decided by the world: {outcome}. Explain it, whatever you would have said."
