"""Paths as people and clients write them: with `~`, and with variables that the client should have expanded."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_VARIABLE = re.compile(
    r"\$\{(?:env:)?(?P<braced>\w+)\}|\$(?:env:)?(?P<plain>[A-Za-z_]\w*)|%(?P<percent>[A-Za-z_]\w*)%", re.ASCII
)
_UNEXPANDED = re.compile(r"\$\{[^}]*\}?|\$\(.*|\{\{[^{}]*\}\}|\$\w+|%[A-Za-z_]\w*%", re.ASCII)
_IN_FULL = "write it in full, such as /home/me/bank or ~/bank"
_USER_HOME = "userHome"  # of VS Code and its relatives


def in_full(text: str, environment: Mapping[str, str], base: Path | None = None) -> str:
    """Return a path from the root on. A relative one is taken from `base`, where there is one.

    Raises:
        ValueError: it holds a variable that is not set, names no user, or is relative.
    """
    text = with_variables(text, environment)
    if text.startswith("~") and os.environ.get("HOME", "x").strip() == "":
        raise ValueError(f"{text} begins with the home folder, but HOME is set to nothing; {_IN_FULL}")
    path = os.path.expanduser(text)
    if path.startswith("~"):
        raise ValueError(f"{text} names the home folder of a user who is not there; {_IN_FULL}")
    if base is not None:
        path = os.path.join(base, path)
    if not os.path.isabs(path):
        raise ValueError(f"{text} is relative, so it would be another folder in every project; {_IN_FULL}")
    if "\x00" in path:
        raise ValueError(f"it holds a character that no path has; {_IN_FULL}")
    return re.sub(r"^//+", "/", os.path.normpath(path)) if os.sep == "/" else os.path.normpath(path)


def with_variables(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with the values of its variables. Raises ValueError for one that is not set."""
    text = text.strip()
    for_windows = text.startswith("%") and os.sep == "/"
    known = {_USER_HOME: os.path.expanduser("~"), **environment}
    shown = _VARIABLE.sub(lambda found: known.get(found[found.lastgroup or 0], "").strip() or found[0], text)
    shown = shown.replace("\\", "/") if for_windows else shown
    if left := _UNEXPANDED.search(shown):
        raise ValueError(f"{text} holds {left[0]}, which the client did not expand and which is not set; {_IN_FULL}")
    return shown
