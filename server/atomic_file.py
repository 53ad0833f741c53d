"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from strategy_bank.store.errors import InvalidInput


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Generator[IO[bytes]]:
    """A file beside `path` that takes its place at the end, or vanishes. Raises InvalidInput."""
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "wb") as file:
                yield file
                file.flush()
                os.fsync(number)
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be written: {exc.strerror or exc}.") from exc
