"""What a judge said, read from the JSON that is stored: the words, or the JSON itself where it is damaged."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def read_judged(kind: type[M], stored: str) -> M | None:
    """Return a stored judgement or comparison; None where there is none or it cannot be read."""
    try:
        return kind.model_validate_json(stored) if stored else None
    except ValidationError:  # an older version could damage its JSON when it redacted it
        return None
