"""Every pattern takes time that grows with the text and no faster, in any script: one line must not stop a server.

The patterns are found, not listed: all that a module holds or spells out in its code, all that stand in the rule files.
The texts are made of what hurt once, and of each pattern's own parts.
"""

import re
from functools import partial

import pytest

from tests.support.linear.growth import SHAPES, faults, too_slow
from tests.support.linear.near_matches import pumped
from tests.support.linear.patterns import patterns, searched


@pytest.mark.parametrize("part", SHAPES.values(), ids=SHAPES)
def test_no_pattern_is_slow_on_one_long_line(part: str) -> None:
    assert faults([(name, use) for name, (_, use) in patterns().items()], "", part) == []


def test_no_pattern_is_slow_on_what_nearly_matches_it() -> None:
    assert [
        fault
        for name, (pattern, use) in patterns().items()
        for beginning, part in pumped(pattern)
        for fault in faults([(f"{name} on {beginning!r} and {part!r}", use)], beginning, part)
    ] == []


def test_the_patterns_are_found() -> None:
    assert len(patterns()) > 300


def test_what_is_slow_is_found() -> None:
    assert too_slow(partial(searched, re.compile(r"(?:\d)+[a-z]")), "", "7")
    slow = re.compile(r"<a\s*>")
    assert any(
        too_slow(partial(searched, re.compile(r"(?:\s)*<a")), *shape) for shape in pumped(re.compile(r"(?:\s)*<a"))
    )
    assert not any(too_slow(partial(searched, slow), *shape) for shape in pumped(slow) if shape[0])
