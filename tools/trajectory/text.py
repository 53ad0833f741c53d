"""Makes plain text fit to be stored: takes out characters that are not allowed, and the middle of what is too long."""

import re
import unicodedata
from typing import Literal

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
# letters of scripts that put no space between words: Thai and Lao, Burmese, Khmer, kana, the ideographs of East Asia
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY_MARKS = re.compile(r"[^\w\x00-\x7f]{64}")
_MARKS_END = "\u034f"  # joins nothing, so the marks before and after it are put in order apart (Unicode, annex 15)


def strip_controls(text: str) -> str:
    """Return the text without control characters (but new lines and tabs) and lone surrogates."""
    if not _UNWANTED.search(text):
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def words_of(text: str) -> list[str]:
    """Return the words of a text without their case; each letter of a script without spaces is one."""
    found: list[str] = WORD.findall(text.casefold())
    return found


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFC") -> str:
    """Return the text in a normal form of Unicode. More than 64 marks on one letter are ended by U+034F.

    Putting marks in order takes time with the square of their number.
    """
    return text if text.isascii() else unicodedata.normalize(form, _MANY_MARKS.sub(rf"\g<0>{_MARKS_END}", text))


def shorten(text: str, limit: int, marker: str = " […{:,} characters cut…] ") -> str:
    """Return at most `limit` characters: head and, a little longer, tail. A marker on its own line cuts at lines."""
    if len(text) <= limit:
        return text
    room = limit - len(marker.format(len(text)))
    if room < 2:
        return text[: max(limit, 0)]
    end, start = room * 2 // 5, len(text) - (room - room * 2 // 5)
    if marker.startswith("\n"):
        line_end, line_start = text.rfind("\n", end - end // 10, end), text.find("\n", start, start + end // 10)
        end, start = line_end if line_end >= 0 else end, line_start + 1 if line_start >= 0 else start
    return text[:end] + marker.format(start - end) + text[start:]
