"""Finds the words for which a lesson is held, where they stand: a person sees what to look at.

The rules and the judge of texts read a text without its disguises. A place there is led back letter by letter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from strategy_bank.tools.safety.disguise import altered_readings, bare, encoded_blocks, undisguised
from strategy_bank.tools.safety.look_alike import look_alikes
from strategy_bank.tools.safety.prompt_injection import FLAG, is_excused, rules
from strategy_bank.tools.safety.text_judge.features import folded
from strategy_bank.tools.safety.text_judge.judge import suspicion

Place = tuple[int, int]
"""Where words begin and end in a text."""
_READ = 20_000
"""Number of characters that are looked at; no lesson of a report has so many."""
_MOST = 8
"""Number of places of one rule, or of one run of words."""
_RUN = re.compile(r"\w+")
_LETTER = re.compile(r".[\u0300-\u036f\u3099\u309a\u1160-\u11ff]*", re.DOTALL)  # with its marks


@dataclass(frozen=True)
class _Reading:
    """What a text is read as, and the place in the text that each of its letters comes from."""

    text: str
    origins: Sequence[Place]

    def place(self, start: int, end: int) -> Place:
        return self.origins[start][0], self.origins[end - 1][1]

    def in_one_line(self) -> "_Reading":
        """Return it with one blank for all white space between words, and none around them."""
        places = list[int]()
        for word in re.finditer(r"\S+", self.text):
            places += [word.start() - 1] if places else []
            places += range(*word.span())
        return _Reading(" ".join(self.text.split()), [self.origins[at] for at in places])


@lru_cache(512)  # pages show what waits again and again, and a lesson takes three milliseconds
def causes(text: str, copied: float = 0.0) -> Sequence[Place]:
    """Return where the words of a lesson stand that read as orders, else those that count most against it; in reading order.

    They are those of today's rules. `copied` is the share of its words that was only read. None where nothing is found, or the
    words have no place in the text: an order may stand in pieces between other letters.
    """
    if len(text) > _READ:
        return ()
    found = [*_by_rules(text)] or [*_by_judge(text, copied)]
    return tuple(_joined((start, _end_of_word(text, end)) for start, end in found))


def _by_rules(text: str) -> Iterator[Place]:
    shown = _read(text, undisguised)
    if shown is None:
        return
    words = shown.in_one_line()
    forms = {"words": words, "lines": shown, "letters": _without_flags(text)}
    for rule in rules():
        form = forms[rule.reads]
        yield from (form.place(*found) for found in islice(rule.places(form.text), _MOST))
    for place, name in look_alikes(words.text):
        if not is_excused(words.text, place):
            start = words.text.lower().index(name, place)
            yield words.place(start, start + len(name))
    plain = _read(text, bare)
    yield from (plain.place(start, end) for start, end, _ in encoded_blocks(plain.text)) if plain else ()
    yield from _in_other_letters(text, words)


def _in_other_letters(text: str, words: _Reading) -> Iterator[Place]:
    """Yield what is an order when it is read backwards, or letter by letter as another."""
    for number, reading in enumerate(altered_readings(text, words.text)):
        same = [rule for rule in rules() if rule.reads == "words" and len(reading) == len(words.text)]
        for start, end in (found for rule in same for found in islice(rule.places(reading), _MOST)):
            yield words.place(*((len(reading) - end, len(reading) - start) if number == 0 else (start, end)))


def _by_judge(text: str, copied: float) -> Iterator[Place]:
    named, read = suspicion(text, copied).words, _read(text, folded)
    tokens = list(_RUN.finditer(read.text)) if named and read else []
    for run in (run.split(" ") for run in named):
        starts = (at for at in range(len(tokens)) if [each[0] for each in tokens[at : at + len(run)]] == run)
        for at in islice(starts, _MOST):
            assert read
            yield read.place(tokens[at].start(), tokens[at + len(run) - 1].end())


def _read(text: str, fold: Callable[[str], str]) -> _Reading | None:
    """Return how a text reads that is folded; None where its letters change each other, so that no place can be told."""
    folds, parts, origins = lru_cache(None)(fold), list[str](), list[Place]()
    for letter in _LETTER.finditer(text):
        parts.append(folds(letter[0]))
        origins += [letter.span()] * len(parts[-1])
    whole = fold(text)  # letters of other scripts read otherwise beside Latin ones, but each is still one
    return _Reading(whole, origins) if len(whole) == len(origins) else None


def _end_of_word(text: str, at: int) -> int:
    """Return where a word ends that goes on at a place; the place itself where none does."""
    goes_on = re.match(r"\w+", text[at:]) if text[at - 1 : at].isalnum() else None
    return at + len(goes_on[0]) if goes_on else at


def _without_flags(text: str) -> _Reading:
    flags = {at for flag in FLAG.finditer(text) for at in range(*flag.span())}
    left = [at for at in range(len(text)) if at not in flags]
    return _Reading("".join(text[at] for at in left), [(at, at + 1) for at in left])


def _joined(places: Iterable[Place]) -> list[Place]:
    """Return places in reading order, as one where they touch."""
    joined = list[Place]()
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined
