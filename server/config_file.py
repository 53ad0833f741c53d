"""Reads `config.toml`, the settings that a person keeps in the home folder."""

import os
from pathlib import Path
from typing import Any

from strategy_bank.store.errors import InvalidInput

CONFIG = "config.toml"


def parse_config(file: Path, text: str | None = None) -> dict[str, Any]:
    """Return the keys of the file, or of a text that is to become the file.

    Raises:
        InvalidInput: the file cannot be read, or is not valid TOML. The message names the file and the line.
    """
    text = config_text(file) if text is None else text
    if not text:
        return {}
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise InvalidInput(f"{file} is not valid TOML: {exc}. Correct it with `strategy-bank config edit`.") from exc


def config_text(file: Path) -> str:
    """Return the text of the file with \\n at the end of each line; empty where there is no file. Raises InvalidInput."""
    try:
        return file.read_text("utf-8-sig")  # some editors of Windows put a byte order mark in front
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{file} is not UTF-8 text (byte {exc.start}). Save it as UTF-8.") from exc
    except OSError as exc:
        if not os.access(file.parent, os.X_OK):
            return ""  # nothing in this home can be read; who opens the bank says so, and why
        raise InvalidInput(
            f"{file} cannot be read: {exc.strerror or exc}. Let this user read it, or move it out of the way."
        ) from exc
