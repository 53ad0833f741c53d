"""Reads strategies that a person or another tool wrote as plain lines. They are held to the rules of any new strategy."""

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from strategy_bank.store.records import LessonOutcome, Strategy
from strategy_bank.tools.judging.judgement import DraftWords
from strategy_bank.tools.learning import drafts
from strategy_bank.tools.safety.redact import redact

Scope = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class PlainStrategy(DraftWords):
    """One line without `kind`. An id that is not given follows from the words, so that reading twice adds once."""

    model_config = ConfigDict(extra="forbid")

    outcome: LessonOutcome
    source_task: str = Field("", max_length=8000)
    scope: Scope | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,100}$")] | None = None


def strategy_of(fields: dict[str, object], default_scope: str) -> Strategy:
    """Return the strategy redacted, and quarantined where it reads as orders to the agent. Raises ValidationError."""
    line = PlainStrategy.model_validate(fields)
    source = drafts.Source(redact(line.source_task).text, line.scope or default_scope, line.outcome)
    strategy = drafts.strategy_of(line, source)
    return strategy.model_copy(update={"id": line.id}) if line.id else strategy
