"""What changed between two wordings, word by word."""

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.tools.viewing.word_diff import word_diff


def told(old: str, new: str) -> str:
    marks = {"same": "{}", "removed": "[-{}]", "added": "[+{}]"}
    return "".join(marks[span.kind].format(span.text) for span in word_diff(old, new))


def test_a_word_that_was_replaced_is_told_apart_from_what_stays() -> None:
    assert told("Run the tests twice.", "Run all tests twice.") == "Run [-the][+all] tests twice."


def test_a_number_changes_as_a_whole() -> None:
    assert told("Wait 1.5 s.", "Wait 1.6 s.") == "Wait [-1.5][+1.6] s."


def test_a_word_at_the_end_of_a_sentence_is_the_same_word() -> None:
    assert told("Wait a second and go.", "Wait a second.") == "Wait a second[- and go]."


def test_line_breaks_are_kept() -> None:
    assert told("one\ntwo", "one two") == "one[-\n][+ ]two"


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert told("先运行测试", "先检查测试") == "先[-运行][+检查]测试"


def test_equal_texts_are_one_span_and_empty_ones_are_none() -> None:
    assert told("the same", "the same") == "the same"
    assert word_diff("", "") == []


words = st.text(st.sampled_from(list("ab .,-'\n\t\u3042\u0301\u202e")), max_size=60)


@given(words, words)
def test_both_texts_can_be_read_out_of_the_spans(old: str, new: str) -> None:
    spans = word_diff(old, new)
    assert "".join(span.text for span in spans if span.kind != "added") == old
    assert "".join(span.text for span in spans if span.kind != "removed") == new
    assert all(span.text for span in spans)
    assert all(one.kind != other.kind for one, other in pairwise(spans))


def test_two_megabytes_with_one_change_and_two_without_anything_in_common_take_no_time_that_people_notice() -> None:
    before, after = (
        ("word " * 200_000) + "end " + ("word " * 200_000),
        ("word " * 200_000) + "END " + ("word " * 200_000),
    )
    begun = time.perf_counter()
    assert [span.kind for span in word_diff(before, after)] == ["same", "removed", "added", "same"]
    assert [span.kind for span in word_diff("ab " * 700_000, "ba " * 700_000)][:2] == ["removed", "added"]
    assert time.perf_counter() - begun < 10
