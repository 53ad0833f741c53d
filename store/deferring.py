"""Importing a library that declares hundreds of pydantic models, without building their validators."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pydantic

_validate_call: Callable[[Any], Any] = pydantic.validate_call


@contextmanager
def validators_built_at_first_use() -> Generator[None]:
    """For imports: what is declared inside is complete, but pydantic builds a validator only when it is used.

    LanceDB imports the client of a catalogue service that a bank never calls. Building its validators was a third of the time
    that a process took to start.
    """
    config = pydantic.BaseModel.model_config
    pydantic.BaseModel.model_config = config | pydantic.ConfigDict(defer_build=True)
    pydantic.validate_call = _validate_when_called
    try:
        yield
    finally:
        pydantic.BaseModel.model_config, pydantic.validate_call = config, _validate_call


def _validate_when_called(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def validated(*arguments: Any, **named: Any) -> Any:
        return _validate_call(function)(*arguments, **named)

    return validated
