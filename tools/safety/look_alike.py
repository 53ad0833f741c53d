"""Finds packages whose names pass for those of well-known ones."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile

_INSTALL = re.compile(
    r"\b(?:pip3?|npm|yarn|pnpm|uv|cargo|gem)\b(?: \w+)?? (?:install|add)((?: +-{0,2}[\w@./=-]+)+)", re.IGNORECASE
)
# Packages whose look-alikes have been used in attacks, and others as well known.
_KNOWN = (
    "requests numpy pandas scipy django flask urllib3 boto3 pytest setuptools cryptography pillow matplotlib tensorflow "
    "pyyaml jinja2 sqlalchemy beautifulsoup4 selenium fastapi pydantic colorama httpx aiohttp lodash express react webpack "
    "axios chalk commander moment typescript eslint prettier babel serde tokio clap rails sinatra nokogiri"
)
# what stands behind the names when a sentence goes on
_PROSE = "a again and as because before but fails first for from if in into is it on or so that the then to when with"


def look_alikes(text: str) -> Iterator[tuple[int, str]]:
    """Yield packages to install whose names are a letter away from well-known ones, each behind the place of its command."""
    known, prose = frozenset(_KNOWN.split()), frozenset(_PROSE.split())
    for found in _INSTALL.finditer(text):
        for name in takewhile(lambda name: name not in prose, found[1].lower().split()):
            # one letter more, less or other, or two neighbours swapped
            if len(name) >= 5 and name not in known and (name in _misspelt() or not known.isdisjoint(_dropped(name))):
                yield found.start(), name


@cache
def _misspelt() -> frozenset[str]:
    """Return all misspellings of the well-known names but those with a letter more: some 11,000."""
    return frozenset(variant for name in _KNOWN.split() for variant in _variants(name))


def _variants(word: str) -> Iterator[str]:
    yield from _dropped(word)
    for i in range(len(word)):
        for letter in "abcdefghijklmnopqrstuvwxyz0123456789-":
            yield word[:i] + letter + word[i + 1 :]
        yield word[:i] + word[i + 1 : i + 2] + word[i : i + 1] + word[i + 2 :]


def _dropped(word: str) -> Iterator[str]:
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
