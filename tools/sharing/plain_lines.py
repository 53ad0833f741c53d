"""Reads strategies that a person or another tool wrote as plain lines. They are held to the rules of any new strategy."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from strategy_bank.store.records import LessonOutcome, Strategy, content_id, wording
from strategy_bank.tools.judging.models import Passage, Sentence, Title
from strategy_bank.tools.learning.drafts import QUARANTINED
from strategy_bank.tools.safety.order_detection import read_as_orders
from strategy_bank.tools.safety.redact import redact

Scope = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class PlainStrategy(BaseModel):
    """One line without `kind`. An id that is not given follows from the words, so that reading twice adds once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Title
    description: Sentence
    content: Passage
    outcome: LessonOutcome
    source_task: str = Field("", max_length=8000)
    scope: Scope | None = None
    id: Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,100}$")] | None = None


def strategy_of(fields: dict[str, object], default_scope: str) -> Strategy:
    """Return the strategy redacted, and quarantined where it reads as orders to the agent. Raises ValidationError."""
    line = PlainStrategy.model_validate(fields)
    title, description, content = (redact(text).text for text in (line.title, line.description, line.content))
    scope = line.scope or default_scope
    orders = orders_in(title, description, content)
    return Strategy(
        id=line.id or content_id("st", scope, title, description, content),
        title=title,
        description=description,
        content=content,
        outcome=line.outcome,
        scope=scope,
        source_task=redact(line.source_task).text,
        status="quarantined" if orders else "active",
        status_reason=QUARANTINED + orders if orders else "",
    )


def orders_in(title: str, description: str, content: str) -> str:
    """Return what reads as orders to the agent in a strategy's words; empty where nothing does."""
    return read_as_orders(wording(title, description, content)) or ""
