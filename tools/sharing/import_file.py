"""A file of JSON Lines as it is read, whole and checked, before anything of it is added to the bank.

bytes ─▶ lines within bounds ─▶ arrival.py, line by line ─▶ a scratch file of what may be added ─▶ the bank
"""

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.progress import Progress
from strategy_bank.store.transfer.line_bounds import FILE_BYTES, LINE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from strategy_bank.store.bank import Bank
    from strategy_bank.store.records import Record
    from strategy_bank.store.transfer.jsonl import Imported
    from strategy_bank.tools.sharing.arrival import Arrival

_IN_MEMORY = 64_000_000


async def add(bank: "Bank", arrival: "Arrival", lines: IO[str], progress: Progress) -> "Imported":
    """Add what `accepted` yielded."""
    from strategy_bank.store.transfer.jsonl import load

    await arrival.look_around(bank)
    return await load(bank, map(arrival.linked, _records(lines)), lambda done: progress(done, arrival.total))


@contextmanager
def accepted(
    source: IO[bytes],
    file: str,
    arrival: "Arrival",
    plain_scope: str,
    scratch: "Path | None",
    read: Callable[[], None] = lambda: None,
) -> Generator[IO[str]]:
    """Yield the records that `arrival` made of the file's, as lines: all of it is checked before anything is added.

    `file` is its name, for messages, and `read` is called after each record. Many lines wait in a file in `scratch`. Raises
    InvalidInput where there is no room for it.
    """
    from strategy_bank.store.transfer.jsonl import line_of, parse
    from strategy_bank.tools.sharing.import_lines import strategy_of

    place = scratch and str(scratch)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n", dir=place) as good:
        lines = _decoded(source, file)
        for record in parse(lines, lambda fields: strategy_of(fields, plain_scope), arrival.accept):
            _keep(good, f"{line_of(record)}\n", scratch)
            read()
        yield good


def _keep(accepted: IO[str], line: str, scratch: "Path | None") -> None:
    try:
        accepted.write(line)
    except OSError as exc:
        where = scratch or "the system's folder for scratch files"
        raise InvalidInput(f"What is read cannot wait in {where}: {exc.strerror or exc}. Nothing was added.") from exc


def _records(lines: IO[str]) -> "Iterator[Record]":
    from strategy_bank.store.transfer.jsonl import parse_own

    lines.seek(0)
    return parse_own(lines)


def _decoded(source: IO[bytes], file: str) -> Iterator[str]:
    """Yield line by line, without the byte order mark that some editors put in front. Raises InvalidInput."""
    number = size = 0
    while line := source.readline(LINE_BYTES + 1):
        number, size = number + 1, size + len(line)
        if len(line) > LINE_BYTES:
            raise InvalidInput(f"Line {number}: it is longer than {LINE_BYTES:,} bytes, and no record is.")
        if size > FILE_BYTES:
            raise InvalidInput(f"{file} is larger than {FILE_BYTES:,} bytes. Import it in parts.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"{file} is not UTF-8 text: {exc.reason} in line {number}, byte {exc.start}.") from exc
        yield text.removeprefix("\ufeff") if number == 1 else text
