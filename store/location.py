"""Says where a bank lies, and makes its folders."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from strategy_bank.store.errors import BankUnavailable, InvalidInput
from strategy_bank.store.os_errors import way_out


@dataclass(frozen=True)
class Location:
    """The place of a bank. `home` holds the models, and of a local bank the tables and the lock.

    `uri` is set where the tables are elsewhere: another folder, an object store or a LanceDB service. Raises InvalidInput for
    names that LanceDB cannot open.
    """

    home: Path
    uri: str = ""
    lock_timeout_s: float = 30.0
    api_key: str = field(default="", repr=False)  # for `db://`, which is LanceDB Cloud or Enterprise
    host: str = ""  # the address of a service other than LanceDB's own
    apart: bool = False  # whether no lesson goes from one project to another by itself

    def __post_init__(self) -> None:
        try:
            f"{self.home}{self.uri}".encode()
        except UnicodeEncodeError as exc:
            raise InvalidInput(
                f"The name of the folder {self.uri or self.home} is not UTF-8, and LanceDB opens no such folder. Rename it, or "
                "set STRATEGY_BANK_HOME to another."
            ) from exc

    @property
    def tables_uri(self) -> str:
        """The tables' folder, or their address. A `file://` address becomes its folder, which needs locks like any other."""
        if self.uri.startswith("file://"):
            from urllib.request import url2pathname  # which brings along a client for HTTP

            return url2pathname(urlsplit(self.uri).path)
        return self.uri or str(self.home / "bank.lance")

    @property
    def is_service(self) -> bool:
        """Tell whether the tables are in a LanceDB service, which does its own upkeep."""
        return self.uri.startswith("db://")

    @property
    def lock_file(self) -> Path | None:
        """Held by the one process that writes. None on an object store."""
        return None if "://" in self.tables_uri else Path(self.tables_uri).with_suffix(".lock")

    @property
    def upkeep_file(self) -> Path | None:
        """Held by the one process that compacts or builds indexes. None on an object store."""
        return self.lock_file and self.lock_file.with_suffix(".upkeep")

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    def close_to_others(self) -> None:
        """Let this user alone read the tables' folder, where it is ours. One with the setgid bit is a team's, and stays."""
        if os.name != "posix" or self.lock_file is None:
            return
        tables = Path(self.tables_uri)
        with suppress(OSError):
            found = tables.stat()
            shared = (found.st_mode | tables.parent.stat().st_mode) & stat.S_ISGID
            if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not shared:
                tables.chmod(0o700)

    def prepare(self) -> None:
        """Make missing folders, which only this user can read. Raises BankUnavailable."""
        folders = [self.home] if self.lock_file is None else [self.home, self.lock_file.parent]
        for folder in folders:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as exc:
                raise BankUnavailable(
                    f"The folder {folder} cannot be created ({exc.strerror or exc}). "
                    f"{way_out(exc, folder) or 'Set STRATEGY_BANK_HOME to a folder that this user can write to.'}"
                ) from exc
