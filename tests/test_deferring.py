"""pydantic models of a library that is imported cheaply behave as if it had been imported the usual way."""

from typing import Any

import pydantic
import pytest

from strategy_bank.store.deferring import validators_built_at_first_use

FOUR: Any = "4"
NO_NUMBER: Any = "four"


def test_what_is_declared_inside_validates_at_its_first_use() -> None:
    with validators_built_at_first_use():

        class Inner(pydantic.BaseModel):
            number: int

        class Outer(pydantic.BaseModel):
            inner: Inner

        @pydantic.validate_call
        def doubled(number: int) -> int:
            """Twice the number."""
            return 2 * number

    assert not Outer.__pydantic_complete__
    assert Outer.model_validate({"inner": {"number": "3"}}).inner.number == 3
    assert Outer.__pydantic_complete__
    assert doubled(FOUR) == 8
    assert doubled.__doc__ == "Twice the number."
    with pytest.raises(pydantic.ValidationError):
        doubled(NO_NUMBER)


def test_what_is_declared_later_is_built_at_once_even_after_a_failed_import() -> None:
    with pytest.raises(ImportError), validators_built_at_first_use():
        raise ImportError

    class After(pydantic.BaseModel):
        number: int

    @pydantic.validate_call
    def doubled(number: int) -> int:
        return 2 * number

    assert After.__pydantic_complete__
    assert doubled(FOUR) == 8
    assert not pydantic.BaseModel.model_config
