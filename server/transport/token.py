"""The token of `serve --http`: that of the settings, or that of a file in the home, which may be replaced at any time."""

import logging
import os
import re
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import BankUnavailable, InvalidInput, StrategyBankError
from strategy_bank.store.regular_file import read_regular

TOKEN_FILE = "http-token"
SHORTEST = 16
_LARGEST_BYTES = 65_536
CurrentToken = Callable[[], str]
"""Returns the token that clients need now; an empty one lets nobody in."""
logger = logging.getLogger(__name__)


def token_of(settings: Settings, say: Callable[[str], None]) -> CurrentToken:
    """Return the token of the settings, else that of the file in the bank's home, which is made when missing.

    Raises:
        InvalidInput: the token of the settings is too short, or cannot stand in a header.
        BankUnavailable: the file cannot be made or read, or holds no token.
    """
    if settings.http_token:
        token = fit(settings.http_token.get_secret_value(), "STRATEGY_BANK_HTTP_TOKEN")
        return lambda: token
    settings.location.prepare()
    current = TokenFile(settings.location.home / TOKEN_FILE)
    say(f"Clients need the token in {current.path}")
    return current


def fit(text: str, where: str) -> str:
    """Return the token in a text, which may have `Bearer` in front of it. Raises InvalidInput."""
    token = re.sub(r"^bearer\s+", "", text.strip(), flags=re.I)
    if len(token) < SHORTEST or not (token.isascii() and token.isprintable()):
        raise InvalidInput(f"{where} holds no token: it takes at least {SHORTEST} letters, digits or signs of ASCII.")
    return token


class TokenFile:
    """The token in a file, which is read again once the file is another.

    Raises BankUnavailable where it cannot be read at first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        _make_if_missing(path)
        self._seen = _version(path)
        self._token = _read(path)

    def __call__(self) -> str:
        version = _version(self.path)
        if version != self._seen:
            self._seen, self._token = version, self._reread()
        return self._token

    def _reread(self) -> str:
        try:
            token = _read(self.path)
        except StrategyBankError as exc:
            logger.warning("Nobody is let in until there is a token again. %s", exc)
            return ""
        logger.warning("The token in %s was replaced: clients need the new one.", self.path)
        return token


def _version(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _make_if_missing(path: Path) -> None:
    try:
        with suppress(FileExistsError):
            number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "w") as made:
                made.write(f"{secrets.token_urlsafe(32)}\n")
    except OSError as exc:
        raise BankUnavailable(f"The token file {path} cannot be made: {exc.strerror or exc}.") from exc


def _read(path: Path) -> str:
    advice = "Remove the file and start the server again to get a new one."
    try:
        text = read_regular(path, _LARGEST_BYTES).decode()
        _close_to_others(path)
        return fit(text, str(path))
    except (OSError, UnicodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
        raise BankUnavailable(f"The token in {path} cannot be read: {reason or exc}. {advice}") from exc
    except InvalidInput as exc:
        raise BankUnavailable(f"{exc} {advice}") from exc


def _close_to_others(path: Path) -> None:
    """Take the rights of others away. Raises BankUnavailable where that is not allowed."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "posix" or not mode & 0o077:
        return
    try:
        path.chmod(mode & ~0o077)
    except OSError as exc:
        raise BankUnavailable(f"Others may read the token in {path}. Let its owner do: chmod 600 '{path}'") from exc
    logger.warning("Others could read the token in %s. The file is closed now; write a new token into it.", path)
