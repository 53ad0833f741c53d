"""Defines what a judge says: a judgement over one trajectory, a comparison over several attempts.

The tools' input schemas are made of these models, and so are the requests to the agent, so the descriptions of the fields carry
the rules; the models' docstrings are sent, too. `reason` stands before the verdict, because a model that has written down why
decides better. A trajectory gives at most 3 strategies, a comparison 5 (arXiv 2509.25140, appendix on prompts).
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from strategy_bank.store.records import Reach, Verdict

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=200)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=600)]
Passage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=2000)]
Quote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


_ID = re.compile(r"(?<!\w)st_[0-9a-f]{16}(?!\w)", re.ASCII)
NO_ID = "st_?"


def _id_in(text: object) -> object:
    """Return the id in what was named as one: agents copy ids with what stood around them, and what is none is not kept."""
    if not isinstance(text, str) or not text.strip():
        return text
    found = _ID.search(text)
    return found[0] if found else NO_ID


class DraftWords(BaseModel):
    """One general lesson as a judge proposes it."""

    model_config = ConfigDict(frozen=True)

    title: Title = Field(description="Short name of the strategy")
    description: Sentence = Field(description="ONE sentence: when it applies")
    content: Passage = Field(description="1-5 sentences: what to do or avoid, and why")
    holds: Reach = Field(default="generally", description="here: a fact of this project, its names welcome")


class StrategyDraft(DraftWords):
    """One general lesson as a judge proposes it: a new one, or better words for a known one."""

    amends: Annotated[str, BeforeValidator(_id_in)] = Field(
        default="",
        description="Recalled id whose words these correct",
        exclude_if=lambda id: not id,
    )


class Judgement(BaseModel):
    """A verdict on one trajectory, with the quotes that decide it and what is to be learned from it."""

    model_config = ConfigDict(frozen=True)

    reason: Passage = Field(description="Why, from tests, errors, results; compare with what was asked")
    verdict: Verdict = Field(description="By what was observed, also if nobody told you; undecided by it: failure")
    evidence: list[Quote] = Field(
        min_length=1,
        max_length=5,
        description="Verbatim quotes from the trajectory that decide it; for success, from observations",
    )
    strategies: list[StrategyDraft] = Field(
        default_factory=list[StrategyDraft],
        max_length=3,
        description="Lessons for the next tasks, in English, general or facts that will hold here; nothing of this task only. "
        "From a failure: how to prevent it",
    )


class Comparison(BaseModel):
    """The self-contrast over all attempts of a run: which was best, and what the difference teaches."""

    model_config = ConfigDict(frozen=True)

    analysis: Passage = Field(description="Why some attempts did better")
    best_attempt: int = Field(strict=True, ge=1, le=8, description="Number of the best attempt")
    strategies: list[StrategyDraft] = Field(
        default_factory=list[StrategyDraft],
        max_length=5,
        description="Lessons of the contrast, in English: what better attempts did, what prevents mistakes",
    )


@dataclass(frozen=True)
class AttemptView:
    """What a comparison sees of one attempt; with a `line`, an agent that made it itself is told no more than that."""

    attempt: int
    verdict: Verdict | None
    trajectory: str
    line: str = ""
