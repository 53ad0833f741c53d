"""A text as counts of its runs of words and of letters, by numbers that are the same on every machine.

Runs of one to three words tell of phrases; runs of two to five letters within a word tell of stems, and of scripts that part no
words. Names are folded into `SLOTS` numbers by CRC-32 (the hashing trick, Weinberger et al. 2009), so no list of words is kept.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from math import log
from zlib import crc32

from strategy_bank.tools.safety.disguise import undisguised

BITS = 17
SLOTS = 1 << BITS  # of each kind
WORDS, LETTERS = "w", "c"
MOST_WORDS, LETTER_RUNS = 3, (2, 3, 4, 5)


def word_runs(text: str) -> Iterator[str]:
    """Yield every run of one to three words."""
    words = re.findall(r"\w+", text)
    for length in range(1, MOST_WORDS + 1):
        yield from (" ".join(words[start : start + length]) for start in range(len(words) - length + 1))


def letter_runs(text: str) -> Iterator[str]:
    """Yield every run of two to five characters of each word, with a space before and after it; of a short word, all of it."""
    for word in text.split():
        spaced = f" {word} "
        for length in LETTER_RUNS:
            if length >= len(spaced):
                yield spaced
                break
            yield from (spaced[start : start + length] for start in range(len(spaced) - length + 1))


def folded(text: str) -> str:
    """Return the text as it is read here: without disguises and in small letters."""
    return undisguised(text).casefold()


def slot(kind: str, run: str) -> int:
    """Return the number of a run, 0 to 2·SLOTS − 1; those of words come first."""
    return (crc32(f"{kind}{run}".encode("utf-8", "surrogatepass")) >> (32 - BITS)) + SLOTS * (kind == LETTERS)


def features(text: str) -> Mapping[int, float]:
    """Return slot → value: 1 + log of how often its runs occur, with the values of each kind scaled to length 1."""
    plain = folded(text)
    return {
        place: value for kind, runs in ((WORDS, word_runs), (LETTERS, letter_runs))
        for place, value in _scaled(kind, Counter(runs(plain)))
    }  # fmt: skip


def _scaled(kind: str, runs: Mapping[str, int]) -> Iterator[tuple[int, float]]:
    counts = defaultdict[int, int](int)
    for run, count in runs.items():
        counts[slot(kind, run)] += count
    values = {place: 1 + log(count) for place, count in counts.items()}
    length = sum(value * value for value in values.values()) ** 0.5
    for place, value in values.items():
        yield place, value / length
