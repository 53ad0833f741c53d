"""The forms in which an endpoint's model replies, and how a reply is read."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.judgement import DraftWords, Passage, Quote

# These classes have no docstrings: pydantic would send them to the model, as part of the schema.


class VerdictReply(BaseModel):
    reason: Passage = Field(description="What decides it, compared with what was asked")
    verdict: Verdict = Field(description="When unsure: failure")
    evidence: list[Quote] = Field(min_length=1, max_length=5, description="1-5 verbatim quotes out of the trajectory")


class LessonsReply(BaseModel):
    analysis: Passage = Field(description="Why it ended as it did")
    strategies: list[DraftWords] = Field(max_length=3, description="At most 3 general lessons; none is fine")


class ContrastReply(LessonsReply):
    strategies: list[DraftWords] = Field(max_length=5, description="At most 5 general lessons; none is fine")


class SameReply(BaseModel):
    reason: Passage = Field(description="What would be lost if only one of them were kept")
    same: bool = Field(description="When unsure: false")


class BestReply(BaseModel):
    analysis: Passage = Field(description="Strong and weak points that decide it")
    best_attempt: int = Field(description="Number of the best attempt")


Reply = TypeVar("Reply", bound=BaseModel)


def read_reply(
    text: str, form: type[Reply], problems_of: Callable[[Reply], list[str]]
) -> tuple[Reply | None, list[str]]:
    """Return the reply, or None where it does not have the form, and what is wrong with it."""
    try:
        reply = form.model_validate_json(json_part(text))
    except ValidationError as exc:
        return None, [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in exc.errors()]
    return reply, problems_of(reply)


def json_part(text: str) -> str:
    """Return the JSON object in a model's reply, without thoughts, code fences and words around it."""
    if not text.lstrip().startswith(("{", "```")):
        text = text.partition("</think>")[2] or text
    return text[text.find("{") : text.rfind("}") + 1]
