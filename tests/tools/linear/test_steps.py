"""Every public function from text takes time that grows with the text and no faster, in any script: all are found, none listed.

Apart from `test_patterns.py`, so that two workers share what takes long.
"""

import pytest

from tests.support.linear.growth import SHAPES, faults
from tests.support.linear.steps import functions


@pytest.mark.slow
@pytest.mark.parametrize("part", SHAPES.values(), ids=SHAPES)
def test_no_step_is_slow_on_one_long_line(part: str) -> None:
    assert faults(functions().items(), "", part) == []


def test_the_functions_are_found() -> None:
    assert {"strategy_bank.tools.safety.redact.redact", "strategy_bank.tools.safety.literals.find_literals"} <= {
        *functions()
    }
