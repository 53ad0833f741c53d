"""What a text hides is shown; what people write stays as it is."""

import json
import sys
import unicodedata

import pytest

from strategy_bank.store.visible_text import folded, visible, visible_json, visible_line

# signs in Arabic, Syriac and Kaithi that are shown, though Unicode counts them as format characters
SHOWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
HIDING = ("Cc", "Cf", "Cs", "Zl", "Zp")
ALL = [chr(number) for number in range(sys.maxunicode + 1) if number not in SHOWN]


def test_no_control_format_or_separating_character_of_unicode_and_no_surrogate_gets_through() -> None:
    hiding = [char for char in ALL if unicodedata.category(char) in HIDING]
    assert not [char for char in hiding if visible_line(f"a{char}b") == f"a{char}b"]
    assert [char for char in hiding if visible(f"a{char}b") == f"a{char}b"] == ["\t", "\n"]


def test_what_unicode_calls_a_variation_selector_or_a_filler_does_not_hide_in_words() -> None:
    hidden = [char for char in ALL if unicodedata.name(char, "").startswith("VARIATION SELECTOR")]
    assert not [char for char in [*hidden, "\u115f", "\u3164", "\u2800", "\u034f"] if char in visible_line(f"a{char}b")]


@pytest.mark.parametrize(
    "text",
    [
        "naïve Straße, ça va",
        "e\u0301 a\u0308 (combining marks)",
        "שלום עולם",
        "مرحبا بالعالم",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d👩\u200d👧 1\ufe0f\u20e3 ❤\ufe0f 🏳\ufe0f\u200d🌈",
        "你好\u3000世界, 1\u00a0000",
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible_line(text) == visible(text) == text
    assert visible_json(text) == text


def test_a_line_stays_a_line_and_a_block_keeps_its_lines() -> None:
    assert visible_line("a\nb\tc\r\u2028d") == "a\\nb\\tc\\u{d}\\u{2028}d"
    assert visible("a\r\nb\n\tc\rd") == "a\nb\n\tc\\u{d}d"
    assert folded(" a\n\n b\u2029c\x1fd\u202e ") == "a b c d\\u{202e}"


def test_showing_it_twice_changes_nothing_more() -> None:
    once = visible_line("".join(ALL))
    assert visible_line(once) == once


@pytest.mark.parametrize("indent", [None, 2])
def test_json_says_the_same_in_visible_characters(indent: int | None) -> None:
    value = {"a\u202e": ["\x1b]0;x\x07", "\x7f\x9b", "\u2028", "\U000e0041", "\ud800", "é 👩\u200d👧", 1.5, None]}
    text = visible_json(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(text) == value
    assert visible(text) == text
    assert "é 👩\u200d👧" in text
