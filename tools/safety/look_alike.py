"""Finds packages whose names pass for those of well-known ones."""

import re
from collections.abc import Iterator
from functools import cache

_INSTALL = re.compile(
    r"\b(?:pip3?|npm|yarn|pnpm|uv|cargo|gem)\b(?: \w+)?? (?:install|add)((?: +-{0,2}[\w@./=-]+)+)|\binstall (\w[\w-]+)",
    re.IGNORECASE,
)
# Packages whose look-alikes have been used in attacks, and others as well known.
_KNOWN = (
    "requests numpy pandas scipy django flask urllib3 boto3 pytest setuptools cryptography pillow matplotlib tensorflow "
    "pyyaml jinja2 sqlalchemy beautifulsoup4 selenium fastapi pydantic colorama httpx aiohttp lodash express react webpack "
    "axios chalk commander moment typescript eslint prettier babel serde tokio clap rails sinatra nokogiri"
)


def look_alike(text: str) -> str:
    """Return a package to install whose name is a letter away from a well-known one; empty where there is none."""
    known = frozenset(_KNOWN.split())
    for found in _INSTALL.finditer(text):
        for name in (found[1] or found[2] or "").lower().split():
            # one letter more, less or other, or two neighbours swapped
            if len(name) >= 5 and name not in known and (name in _misspelt() or not known.isdisjoint(_dropped(name))):
                return name
    return ""


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
