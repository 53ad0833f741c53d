"""Tells whether words of a lesson that was shown come back in what the agent wrote or did: a weak sign that it was of use.

A word counts that stands neither in the task nor in what we say around lessons. Several must come close to each other, since
in a long session any word comes some time. What tools printed is not left out: in such a session that is nearly every word, and
most of the signs were lost with it (bench/echoes).
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from strategy_bank.tools.consolidation.words import stems, stems_in_order
from strategy_bank.tools.prompting import render
from strategy_bank.tools.transcripts.entry import fields, objects

if TYPE_CHECKING:
    from strategy_bank.store.records import Strategy

LEAST = 4  # different words of a lesson
NEAR = 20  # words in a row among which these stand
_SHORTEST = 3  # characters of a word that counts
_UNSAID = frozenset({"id", "type", "role", "name", "call_id", "signature", "status"})  # of a message, by its keys


def echoed(lessons: Iterable["Strategy"], prompt: str, messages: Iterable[dict[str, Any]]) -> list[str]:
    """Return the ids of the lessons whose words come back in the agent's messages of a turn."""
    known = f"{prompt}\n{render('recalled')}".lower()
    said = stems_in_order("\n".join(text for message in messages for text in _texts(message)))
    return [lesson.id for lesson in lessons if most_near(_own(lesson, known), said) >= LEAST]


def most_near(words: Collection[str], said: Sequence[str]) -> int:
    """Return how many different ones of the words stand within NEAR words of each other at most."""
    most, inside, places = 0, Counter[str](), deque[int]()
    for place, word in enumerate(said):
        while places and place - places[0] >= NEAR:
            inside[said[places.popleft()]] -= 1
        if word in words:
            places.append(place)
            inside[word] += 1
            most = max(most, sum(number > 0 for number in inside.values()))
    return most


def _own(lesson: "Strategy", known: str) -> frozenset[str]:
    return frozenset(stem for stem in stems(lesson.wording) if len(stem) >= _SHORTEST and stem not in known)


def _texts(message: dict[str, Any]) -> Iterator[str]:
    for key, value in message.items():
        if isinstance(value, str) and key not in _UNSAID:
            yield value
        for part in [fields(value), *objects(value)]:
            yield from _texts(part)
