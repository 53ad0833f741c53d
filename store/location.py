"""Where a bank lives."""

from dataclasses import dataclass, field
from pathlib import Path

from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.os_errors import way_out_of


@dataclass(frozen=True)
class Location:
    """`home` holds the models, and on a local bank its tables and lock; `uri` is set for another place that LanceDB knows."""

    home: Path
    uri: str = ""
    lock_timeout_s: float = 30.0
    api_key: str = field(default="", repr=False)
    """Of LanceDB Cloud or Enterprise, for `db://`; `host` is where it is reached, when not at LanceDB's own address."""
    host: str = ""

    @property
    def tables_uri(self) -> str:
        return self.uri or str(self.home / "bank.lance")

    @property
    def is_service(self) -> bool:
        """Whether a LanceDB service holds the tables, which compacts and indexes them by itself."""
        return self.uri.startswith("db://")

    @property
    def lock_file(self) -> Path | None:
        """None on an object store."""
        return None if "://" in self.uri else Path(self.tables_uri).with_suffix(".lock")

    @property
    def upkeep_file(self) -> Path | None:
        """Held by the one process that compacts or builds indexes. None on an object store."""
        return self.lock_file and self.lock_file.with_suffix(".upkeep")

    @property
    def models_dir(self) -> Path:
        return self.home / "models"

    def prepare(self) -> None:
        """Make the folders, readable by this user only. Raises BankUnavailable."""
        folders = [self.home] if self.lock_file is None else [self.home, self.lock_file.parent]
        for folder in folders:
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as exc:
                raise BankUnavailable(
                    f"The folder {folder} cannot be made ({exc.strerror or exc}). "
                    f"{way_out_of(exc.errno, str(folder)) or 'Set STRATEGY_BANK_HOME to a folder that this user can write.'}"
                ) from exc
