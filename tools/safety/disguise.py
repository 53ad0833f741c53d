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
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,4096}={0,2}")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2}){8,}|(?<![0-9a-z])(?:[0-9a-f]{2}){16,}(?![0-9a-z])", re.IGNORECASE)
_ESCAPED = re.compile(r"(?:%[0-9a-f]{2}){6,4096}", re.IGNORECASE)  # letters too, which no address needs
_LETTERS = re.compile("[A-Za-z]{4}")
_AMONG_LETTERS = " .,'-\n"
_SPACED = re.compile(r"(?:(?<=\s)|(?<=^)|(?<=\W))(?:\w[ .\-_*]){3,}\w(?!\w)")


def undisguised(text: str) -> str:
    """Return the text in usual letters, without invisible ones; line breaks stay."""
    folded = INVISIBLE.sub("", composed(text, "NFKC")).replace("’", "'").replace("*", "")
    return LATIN_WORD.sub(lambda word: word[0].translate(_LOOK_ALIKE), folded)


def altered_readings(text: str, words: str) -> Iterator[str]:
    """Yield what the text, `words` without disguises in one line, says backwards or in other letters: mostly nonsense."""
    yield words[::-1]
    yield codecs.encode(words, "rot13")
    if re.search(r"[A-Za-z][013457@$]|[013457@$][A-Za-z]", words):
        yield words.translate(_LEET)
        yield words.translate(_LEET | {ord("1"): "l"})
    plain = composed(text, "NFKC")
    if _SPACED.search(plain):
        unspaced = _SPACED.sub(lambda run: re.sub(r"(?<=\w)[ .\-_*](?=\w)", "", run[0]), plain)
        yield " ".join(unspaced.replace("\x00", " ").split())


def encoded_sentences(text: str) -> list[str]:
    """Return what base64, hexadecimal digits and percent signs in the text say, where that is words."""
    return [said for *_, said in encoded_blocks(bare(text))]


def bare(text: str) -> str:
    """Return the text in the usual forms of its letters, without invisible ones."""
    return INVISIBLE.sub("", composed(text, "NFKC"))


def encoded_blocks(plain: str) -> Iterator[tuple[int, int, str]]:
    """Yield where such a block begins and ends in a bare text, and what it says."""
    for block in _BASE64.finditer(plain):
        if said := _words_of(_base64(block[0])):
            yield *block.span(), said
    for block in _HEX.finditer(plain):
        if said := _words_of(bytes.fromhex(block[0].replace("\\x", "").replace("\\X", ""))):
            yield *block.span(), said
    for block in _ESCAPED.finditer(plain):
        if _LETTERS.search(said := unquote(block[0], errors="ignore")):
            yield *block.span(), said


def _base64(block: str) -> bytes:
    bare = block.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(bare[: len(bare) // 4 * 4])
    except binascii.Error:
        return b""


def _words_of(data: bytes) -> str:
    """Return the text of bytes that are words: several of them, or in a script that may not set them apart."""
    try:
        said = codecs.getincrementaldecoder("utf-8")().decode(data)  # a block may be cut within a letter
    except UnicodeDecodeError:
        return ""
    if len(said) < 8 or (said.isascii() and said.count(" ") < 2) or not said.replace("\n", " ").isprintable():
        return ""
    return said if sum(letter.isalpha() or letter in _AMONG_LETTERS for letter in said) >= 0.8 * len(said) else ""
