"""Writes what the connected agent is asked when it is the judge: a rubric and the form of the answer."""

from collections.abc import Sequence
from typing import Any

from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.judgement import AttemptView, Comparison, Judgement
from strategy_bank.tools.prompting import fence, quoted, render
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
    """Ask for the contrast over all attempts. Those without a line are told: the caller may not have made them itself."""
    told = [view for view in attempts if not view.line]
    share = REQUEST_CHARS // max(1, len(told))
    views = [f"Attempt {view.attempt}, {view.verdict or 'not judged'}:\n{_view(view, share)}" for view in attempts]
    if told:
        shown = "\n\n".join([fence("task", condense(task, 2000)), *views])
        rubric = render("comparison_request", attempts=shown)
    else:
        rubric = render("comparison_own", attempts="\n".join(views))
    return JudgeRequest(rubric=rubric, schema=Comparison.model_json_schema())


def _view(view: AttemptView, chars: int) -> str:
    return quoted(view.line) if view.line else fence("attempt", condense(view.trajectory, chars))


def _decided(outcome: Verdict | None) -> str:
    if outcome is None:
        return "Nobody has decided the outcome yet: you do."
    return f"The outcome was decided by the world: {outcome}. Explain it, whatever you would have said."
