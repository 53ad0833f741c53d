"""Quotes are found where they stand: what a place covers says the quote, by the rules of evidence."""

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.tools.judging.quotes import Fold, QuoteFinder, folded, squeezed, unescaped
from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.viewing.episodes.quotes import _cuts, located  # pyright: ignore[reportPrivateUsage]

# what could be cut: articles, escapes, marks on letters, quotation marks within words, several kinds of white space
CUT_BADLY = (
    "the |a|an| the|banan|\"|'|\\|\\n|\\u0301|\\ud83d\\ude00|\\\\u00e9|=|,|e|\u0301|\u0338|ß|İ|\n|\t|\u3000|\x1f|\r\n"
)
CUT_BADLY += "|漢|字|か|\u3099|ก|\u0e48|*|_|`|>|0123456789ab|\ud800|한|\u1161|\u1100|😀|…"
MOTLEY = st.lists(st.one_of(st.sampled_from(CUT_BADLY.split("|")), st.text(max_size=6)), max_size=60).map("".join)


@given(MOTLEY, st.sampled_from([squeezed, unescaped, folded]), st.integers(6, 20))
def test_folding_the_pieces_of_a_text_is_folding_the_text(text: str, fold: Fold, size: int) -> None:
    cuts = list(_cuts(text, 0, len(text), size))
    pieces = [text[start:end] for start, end in pairwise(cuts)]
    assert "".join(pieces) == text
    assert "".join(map(fold, pieces)) == fold(text)


@given(MOTLEY, MOTLEY, MOTLEY, st.booleans())
def test_what_a_place_covers_is_the_quote_by_the_rules_of_evidence(
    before: str, quote: str, after: str, loud: bool
) -> None:
    text = before + quote + after
    said = quote.upper() if loud else " ".join(quote.split())
    (found,) = located(text, [said])
    assert bool(found.spans) == QuoteFinder(text).holds(said)
    if found.spans:
        covered = " … ".join(text[start:end] for start, end in found.spans)
        assert QuoteFinder(covered).holds(said)


TEXT = normalise(
    [
        {"action": "pytest -q", "observation": "collected 4 items\n\n  2 failed,   2 passed\nThe **end** of a `long run`"},
        {"action": "pytest -q", "observation": {"output": "said \"naïve\"\nExit 0"}},
        {"action": "echo", "observation": "0"},
        {"action": "pytest -q", "observation": "2 failed, 2 passed"},
    ]
).text  # fmt: skip


@pytest.mark.parametrize(
    ("quote", "covered"),
    [
        ("collected 4 items", ["collected 4 items"]),
        ("collected\n4 items", ["collected 4 items"]),
        ('"2 failed, 2 passed"', ["2 failed,   2 passed"]),
        ("the end of long run", ["end** of a `long run"]),
        ("COLLECTED 4 items … END of long run", ["collected 4 items", "end** of a `long run"]),
        ('"naïve"\nExit 0', [r'"naïve\"\nExit 0']),
        ("0", ["0"]),
        ("was never there", []),
        ("", []),
    ],
)
def test_a_quote_is_found_where_it_stands_however_it_was_copied(quote: str, covered: list[str]) -> None:
    (found,) = located(TEXT, [quote])
    assert [TEXT[start:end].strip() for start, end in found.spans] == covered


def test_the_first_place_is_given_and_the_others_are_counted() -> None:
    once, often, never = located(TEXT, ["collected 4", "pytest -q", "not there"])
    assert [once.others, often.others, never.others] == [0, 2, 0]
    assert often.spans[0][0] == TEXT.index("pytest -q")


def test_a_short_quote_is_found_as_a_whole_line_only() -> None:
    (found,) = located("exit code 0\nexit code:\n 0 \nbye", ["0"])
    assert found.spans == [(24, 25)]


LINES = {
    "words": "word " * 12,
    "hex": "0123456789abcdef" * 4,
    "kanji": "漢字かな交じり文" * 8,
    "thai": "กขคงจฉ" * 10,
    "json": json.dumps({"a": "é\n"}),
    "backslashes": "\\" * 60,
    "marks": "\u0301" * 60,
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
@pytest.mark.parametrize("said", ["needle IN the hay", "needle\n\tin the hay", 'needle\\u0020\\"in the hay'])
def test_a_quote_at_the_end_of_two_million_characters_is_found_in_little_time(line: str, said: str) -> None:
    text = line * (2_000_000 // len(line)) + ' needle "in the hay.'
    started = time.process_time()
    (found,) = located(text, [said])
    assert time.process_time() - started < 3  # 0.3 seconds on an idle machine
    assert [text[start:end].strip(' "') for start, end in found.spans] == ['needle "in the hay']
