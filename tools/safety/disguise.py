"""Takes the disguises off a text that may hide orders: odd letters, invisible characters, encodings."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from urllib.parse import unquote

from strategy_bank.tools.trajectory.text import composed

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
# Cyrillic and Greek letters that pass for Latin ones; used only on words that mix scripts or beside Latin ones.
_LOOK_ALIKE = str.maketrans("аеорсхіјуѕԁһкмтвнαονικρτυη", "aeopcxijysdhkmtbhaovikptun")
LATIN_WORD = re.compile(r"(?<!\w)[^\Wa-zA-Z]*[a-zA-Z]\w*")  # with at least one Latin letter
_LEET = str.maketrans("013457@$", "oieastas")
_BLOCK = re.compile(r"[A-Za-z0-9+/_-]{20,4096}={0,2}")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2}){8,}|(?<![0-9a-z])(?:[0-9a-f]{2}){16,}(?![0-9a-z])", re.IGNORECASE)
_ESCAPED = re.compile(r"(?:%[0-9a-f]{2}|[\w.~-]){12,}", re.IGNORECASE)
_SPACED = re.compile(r"(?:(?<=\s)|(?<=^)|(?<=\W))(?:\w[ .\-_*]){3,}\w(?!\w)")
_TAGS = re.compile("[\U000e0020-\U000e007e]{4,}")


def undisguised(text: str) -> str:
    """Return the text in usual letters, without invisible ones; line breaks stay."""
    folded = INVISIBLE.sub("", composed(text, "NFKC")).replace("’", "'").replace("*", "")
    return LATIN_WORD.sub(lambda word: word[0].translate(_LOOK_ALIKE), folded)


def hidden_readings(text: str) -> Iterator[str]:
    """Yield what the text says decoded, read backwards, or in other letters. Most of it is nonsense, which no rule matches."""
    plain = composed(text, "NFKC")
    yield from _decoded(INVISIBLE.sub("", plain))
    for tags in _TAGS.findall(text):
        yield "".join(chr(ord(letter) - 0xE0000) for letter in tags)
    flat = " ".join(undisguised(text).split())
    yield flat[::-1]
    yield codecs.encode(flat, "rot13")
    yield flat.lower().translate(_LOOK_ALIKE)
    if re.search(r"[A-Za-z][013457@$]|[013457@$][A-Za-z]", flat):
        yield flat.translate(_LEET)
        yield flat.translate(_LEET | {ord("1"): "l"})
    if _SPACED.search(plain):
        unspaced = _SPACED.sub(lambda run: re.sub(r"(?<=\w)[ .\-_*](?=\w)", "", run[0]), plain)
        yield " ".join(unspaced.replace("\x00", " ").split())


def _decoded(text: str) -> Iterator[str]:
    for block in _BLOCK.findall(text):
        yield from _printable(_base64(block))
    for block in _HEX.findall(text):
        yield from _printable(bytes.fromhex(block.replace("\\x", "").replace("\\X", "")))
    for block in _ESCAPED.findall(text):
        if block.count("%") >= 4:
            yield unquote(block, errors="ignore")


def encoded_sentences(text: str) -> list[str]:
    """Return what the base64 blocks in the text say, where that is words."""
    blocks = re.findall(r"[A-Za-z0-9+/]{24,4096}={0,2}", text)
    return [words for block in blocks for words in _printable(_base64(block)) if words.count(" ") >= 2]


def _base64(block: str) -> bytes:
    bare = block.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare[: len(bare) // 4 * 4])
    except binascii.Error:
        return b""


def _printable(data: bytes) -> Iterator[str]:
    """Yield the text of bytes that are words."""
    if data.count(b" ") >= 1 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in data):
        yield data.decode("ascii")
