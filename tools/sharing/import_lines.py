"""Reads strategies that a person or another tool wrote as plain lines. They are held to the rules of any new strategy."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from strategy_bank.store.records import LessonOutcome, Record, Strategy
from strategy_bank.tools.judging.judgement import StrategyDraft
from strategy_bank.tools.learning import drafts
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.redact import redact

Scope = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class PlainStrategy(StrategyDraft):
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


def look_through(records: Iterable[Record]) -> tuple[list[str], int]:
    """Return the ids of active strategies that read as orders to the agent, and the number of records."""
    commanding: list[str] = []
    total = 0
    for record in records:
        total += 1
        if isinstance(record, Strategy) and record.status == "active" and read_as_orders(record.wording):
            commanding.append(record.id)
    return commanding, total
