"""Finds what a strategy copied out of its episode: a strategy is general, without ids, paths or quotes of one task.

Shapes propose and the episode decides: a literal is reported only if it occurs there too, and only if it is no word of the
trade (utf-8, HTTP/2, /etc/hosts, 8080). A false alarm costs a rewording; a miss leaves one id in the bank.
"""

import re
from functools import cache

from strategy_bank.tools.safety.rule_file import compiled, contents, word

MOST = 10
LONGEST = 80

_FILE = "literals.toml"


def find_literals(wording: str, episode_text: str) -> list[str]:
    """Return the literals that a strategy took from its episode: in order, once each, at most 10, cut to 80 characters.

    `wording` is its title, description and content by lines; `episode_text` is the task and the trajectory.
    """
    found = [*_quotations(wording, episode_text), *_ids(wording, episode_text)]
    literals: dict[str, None] = {}
    covered = 0
    for _, negative_end, literal in sorted(found):
        if -negative_end > covered:
            literals.setdefault(literal[:LONGEST])
            covered = -negative_end
    return list(literals)[:MOST]


def _ids(wording: str, episode_text: str) -> list[tuple[int, int, str]]:
    """Return start, negative end and text of each; of two that start together the longer comes first."""
    return [
        (found.start(), -(found.start() + len(literal)), literal)
        for shape in _shapes()
        for found in shape.finditer(wording)
        if (literal := found[0].rstrip(".,;:!?-")) and _is_specific(literal) and _stands_in(literal, episode_text)
    ]


@cache
def _shapes() -> tuple[re.Pattern[str], ...]:
    return tuple(compiled(_FILE, shape) for shape in contents(_FILE)["shapes"])


def _is_specific(literal: str) -> bool:
    if re.search(r"[/\\@.]", literal):
        return not word(_FILE, "KNOWN_PATHS").fullmatch(literal) and "localhost" not in literal
    number = re.sub("[$,_]", "", literal)
    if number.isdigit():
        known = [*range(1000, 61000, 1000), *contents(_FILE)["numbers"]]
        return len(number) >= 4 and int(number) not in known and not re.fullmatch(r"(?:19|20)\d\d", literal)
    if re.fullmatch(r"#\d+|\d{4}-\d\d-\d\d", literal):
        return True
    return not word(_FILE, "TRADE").fullmatch(literal) and _is_id(literal)


def _is_id(word: str) -> bool:
    """Tell whether letters and digits are mixed as nobody writes them: HAT136, ZFA04Y, ABC-123, user_id_4421, 4a8c6fc."""
    digits = re.findall(r"\d+", word)
    capitals = re.fullmatch(r"[A-Z0-9]+(?:-[A-Z0-9]+)*", word) is not None
    return (
        max(map(len, digits), default=0) >= 3 or (capitals and len(word) >= 5) or (len(digits) >= 2 and len(word) >= 6)
    )


def _stands_in(literal: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(literal)}(?![A-Za-z0-9])", text) is not None


def _quotations(wording: str, episode_text: str) -> list[tuple[int, int, str]]:
    found = [(quote, next(filter(None, quote.groups()))) for quote in word(_FILE, "QUOTED").finditer(wording)]
    specific = [(quote, words) for quote, words in found if not _is_common(words, quote[0][0])]
    if not specific:
        return []
    text = _folded(episode_text)
    return [(quote.start(), -quote.end(), words) for quote, words in specific if _folded(words) in text]


def _is_common(words: str, mark: str) -> bool:
    words = words.strip()
    if word(_FILE, "TRADE").fullmatch(words) or word(_FILE, "COMMON_WORD").fullmatch(words):
        return True
    if " " in words:
        return mark == "`" and word(_FILE, "COMMAND").fullmatch(words) is not None
    shaped = any(shape.fullmatch(words) for shape in _shapes()) and _is_specific(words)
    return not shaped and re.search(r"[./\\@\d]", words) is not None


def _folded(text: str) -> str:
    """Return the text with single blanks for white space, also where JSON escaped it, and with quotes unescaped."""
    return re.sub(r"(?:\s|\\[nrt])+", " ", text.replace('\\"', '"')).strip()
