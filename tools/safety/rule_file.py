"""Reads the files of patterns beside it, `*.toml`. Nothing is read or compiled before its first use.

A pattern may stand in several lines, whose breaks and indentation do not count. `{NAME}` in it stands for one of `[words]`.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def contents(file: str) -> dict[str, Any]:
    """Return what a file says."""
    import tomllib

    return tomllib.loads(files("strategy_bank.tools.safety").joinpath(file).read_text("utf-8"))


@cache
def word(file: str, name: str, flags: int = 0) -> re.Pattern[str]:
    """Return one of the file's words as a pattern."""
    return compiled(file, contents(file)["words"][name], flags)


def compiled(file: str, pattern: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(_spelled_out(pattern, contents(file)["words"]), flags)


def _spelled_out(pattern: str, words: dict[str, str]) -> str:
    """Return the pattern in one line, with its words in full."""
    line = "".join(map(str.strip, pattern.splitlines()))
    return re.sub(r"\{([A-Z_]+)\}", lambda name: _spelled_out(words[name[1]], words), line)
