"""Secrets that let a person in: links that work once, and sessions. The home holds only their hashes, as names of files.

The time of a file says until when its secret is good. So every server of a home knows the sessions of the others, also after it
was started again, and whoever reads the folder cannot sign in with what is there.
"""

import hashlib
import os
import secrets
import time
from base64 import b32encode
from dataclasses import dataclass
from pathlib import Path

from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.os_errors import way_out

_BYTES = 20


@dataclass(frozen=True)
class Passes:
    """Secrets of one kind, whose hashes lie in a folder; each is good for so many seconds."""

    folder: Path
    lifetime_s: float

    def issue(self) -> str:
        """Return a new secret: 32 letters and digits in groups of four. Raises BankUnavailable where it cannot be noted."""
        letters = b32encode(secrets.token_bytes(_BYTES)).decode().lower()
        self._sweep()
        until = time.time() + self.lifetime_s
        file = self._file(letters)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.touch(mode=0o600)
            os.utime(file, (until, until))
        except OSError as exc:
            raise BankUnavailable(
                f"Nobody can sign in: {self.folder} cannot be written. {way_out(exc, self.folder)}"
            ) from exc
        return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))

    def is_good(self, secret: str) -> bool:
        """Tell whether a secret was issued, is not over, and was not taken back."""
        try:
            return self._file(secret).stat().st_mtime > time.time()
        except (OSError, ValueError):
            return False

    def redeem(self, secret: str) -> bool:
        """Take a secret back, and tell whether it was good: for one caller only, of all processes."""
        good = self.is_good(secret)
        try:
            self._file(secret).unlink()
        except (OSError, ValueError):
            return False
        return good

    def _file(self, secret: str) -> Path:
        plain = "".join(secret.split()).replace("-", "").lower()
        return self.folder / hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()

    def _sweep(self) -> None:
        """Take away what is over."""
        for file in self.folder.glob("*") if self.folder.is_dir() else ():
            try:
                if file.stat().st_mtime <= time.time():
                    file.unlink()
            except OSError:
                continue
