"""Words for the errors that nobody expected, at the outer edges: tools, resources, prompts, the command line."""

import os
import sys
import time
import traceback
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from strategy_bank.store.errors import StrategyBankError
from strategy_bank.store.os_errors import way_out

NAME = "strategy-bank"
REPORT = "Please report this as a bug, with what `strategy-bank doctor` prints"
_PACKAGES = ("strategy_bank.server", "strategy_bank.tools", "strategy_bank.store")
_CHARS = 300
_began = time.time()


def in_words(exc: BaseException) -> str:
    """Return what happened and what to do about it; an expected error has its own words."""
    if isinstance(exc, StrategyBankError):
        return str(exc)
    said = f"{type(exc).__name__}: {exc}"[:_CHARS]
    if was_replaced(_began):
        return (
            f"strategy-bank was upgraded or removed while this process ran, and the old and the new do not fit together "
            f"({said}). Restart the client, or `strategy-bank serve --http`."
        )
    return _of_the_system(exc) or f"An unexpected error in {_place(exc)} ({said}). {REPORT}."


def _of_the_system(exc: BaseException) -> str:
    if isinstance(exc, MemoryError):
        return "There is not enough memory for this. Close other programs, or send less at once."
    if isinstance(exc, OSError) and exc.errno:
        advice = way_out(exc, Path(str(exc.filename or "."))) or "`strategy-bank doctor` tells more."
        return f"{f'{exc.filename}: ' if exc.filename else ''}{exc.strerror or os.strerror(exc.errno)}. {advice}"
    return ""


def _place(exc: BaseException) -> str:
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else "an unknown place"


def was_replaced(since: float) -> bool:
    """Tell whether files of this installation are newer than that time, in seconds, or gone."""
    try:
        return any(file.stat().st_mtime > since for file in _files())
    except (OSError, PackageNotFoundError):
        return True


def _files() -> Iterator[Path]:
    """Yield the modules, and what an installer writes beside them."""
    for package in _PACKAGES:
        for folder in sys.modules[package].__path__:
            yield Path(folder, "__init__.py")
            yield from Path(folder).rglob("*.py")
    for name in ("RECORD", "INSTALLER"):
        found = distribution(NAME)
        if found.read_text(name) is not None:
            yield from (Path(str(found.locate_file(file))) for file in found.files or () if file.name == name)
