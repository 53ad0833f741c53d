"""What the protocol's parser refuses is mended or answered, never left without an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from strategy_bank.server.transport.line_repair import TOO_DEEP, repair


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_can_be_read_passes_untouched(value: object) -> None:
    line = json.dumps(value).encode()
    if "\\ud" not in line.decode():
        assert repair(line) == line


@pytest.mark.parametrize(
    ("line", "means"),
    [
        (rb'{"id":1,"x":"a \ud800 b"}', {"id": 1, "x": "a ? b"}),
        (rb'{"id":1,"x":"\\ud800"}', {"id": 1, "x": "\\ud800"}),
        (rb'{"id":1,"x":"\ud83e\udd8a"}', {"id": 1, "x": "\U0001f98a"}),
        (b'{"id":1,"x":NaN}', None),
    ],
)
def test_lone_surrogates_are_replaced_and_pairs_kept(line: bytes, means: object) -> None:
    mended = from_json(repair(line))
    assert means is None or mended == means


def test_deep_nesting_is_cut_where_it_gets_too_deep() -> None:
    mended = repair(b'{"id":1,"x":' + b"[" * 400 + b"]" * 400 + b"}")
    assert TOO_DEEP.encode() in mended
    assert from_json(mended)["id"] == 1


@pytest.mark.parametrize("line", [b'{"id": 7, "x": ', b'{"id": 7, "x":' + b"[" * 100_000, b'nonsense "id": 7'])
def test_what_is_no_json_becomes_a_request_that_is_answered_with_an_error(line: bytes) -> None:
    assert from_json(repair(line))["id"] == 7


def test_a_line_without_an_id_stays_as_it_is() -> None:
    assert repair(b"hello") == b"hello"
