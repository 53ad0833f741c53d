"""How many of a lesson's words were copied from what its episode read, and were neither said nor done by the agent.

What a page or a tool's output says may be anybody's words. A lesson that an agent draws from its own work has words of its own.
"""

import re

from strategy_bank.tools.trajectory.normal_form import observed_and_own
from strategy_bank.tools.trajectory.text import UNSPACED, WORD, shorten

READ_CHARS = 64_000  # of a trajectory, its beginning and its end
_RUN = 8  # weight from which words in a row are a copy: four words, or eight characters where words are not set apart
_BETWEEN = re.compile(r"[\W_]+")
_NO_SPACE = re.compile(rf"(?<=[{UNSPACED}]) | (?=[{UNSPACED}])")


def copied_share(words: str, trajectory: str, task: str = "") -> float:
    """Return the share, 0–1, of a lesson's words that stand in a run which was read and not said, done or asked for.

    `trajectory` is in normal form; where it does not tell what was read from what was done, the share is 0.
    """
    parts = observed_and_own(shorten(trajectory, READ_CHARS, "\n"))
    lesson = _plain(words)
    placed = [(found.start(), found.end(), _weight(found[0])) for found in WORD.finditer(lesson)]
    if parts is None or not placed:
        return 0.0
    observed, own = _plain(parts[0]), _plain(f"{parts[1]}\n{task}")
    covered = set[int]()
    for first in range(len(placed)):
        last = _end_of_run(placed, first)
        run = lesson[placed[first][0] : placed[last - 1][1]] if last else ""
        if run and run in observed and run not in own:
            covered.update(range(first, last))
    return sum(placed[each][2] for each in covered) / sum(weight for _, _, weight in placed)


def _plain(text: str) -> str:
    """Return a text in one case, with a space for all that stands between words, and none where a script has none."""
    plain = _BETWEEN.sub(" ", text.casefold())
    return plain if plain.isascii() else _NO_SPACE.sub("", plain)


def _weight(word: str) -> int:
    return 1 if _NO_SPACE.match(f" {word}") else 2


def _end_of_run(placed: list[tuple[int, int, int]], first: int) -> int:
    """Return the place after the shortest run from a word on that is a copy; 0 where too few words follow."""
    weight = 0
    for last in range(first, min(first + _RUN, len(placed))):
        weight += placed[last][2]
        if weight >= _RUN:
            return last + 1
    return 0
