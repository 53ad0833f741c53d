"""Exports a bank as JSON Lines, to carry it elsewhere, and imports it: a whole record per line, without vectors.

    {"kind": "strategy-bank", "format": 1, "exported_at": "…"}
    {"kind": "strategy", "id": "st_…", "title": "…", …}      episode, run and recall likewise
    {"title": "…", "description": "…", …}                    a plain line, written by a person: no kind

Importing a file again changes nothing, since existing ids keep their rows. Importing embeds the strategies.
"""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, cast

from pydantic import ValidationError

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy, now
from strategy_bank.store.transfer.line_bounds import bounded
from strategy_bank.store.visible_text import visible_json

FORMAT = 1
HEADER = "strategy-bank"
KINDS: dict[str, type[Record]] = {"strategy": Strategy, "episode": Episode, "run": Run, "recall": Recall}
_NAMES = {kind: name for name, kind in KINDS.items()}
BATCH = 64
_SURROGATE = re.compile("[\ud800-\udfff]")

Fields = dict[str, Any]
Plain = Callable[[Fields], Strategy]
"""Turns a plain line into a strategy. Raises ValidationError or ValueError with what is wrong."""
Accept = Callable[[Record], Record]
"""Returns the record that is to be added in the place of one in the file. Raises ValueError with what is wrong."""


@dataclass
class Imported:
    """The number of records of each kind that were new, and that existed already."""

    added: Counter[str] = field(default_factory=Counter[str])
    present: Counter[str] = field(default_factory=Counter[str])


async def export(bank: Bank, scope: str | None = None, kinds: Iterable[str] = KINDS) -> AsyncIterator[tuple[str, str]]:
    """Yield (kind, line without its end): the header, then kind by kind, oldest first, each record as of its turn."""
    yield HEADER, _line({"kind": HEADER, "format": FORMAT, "exported_at": now().isoformat()})
    for name in kinds:
        kind = KINDS[name]
        ids = [row["id"] for row in await bank.cells(kind, [], **({"scope": scope} if scope else {}))]
        for start in range(0, len(ids), BATCH):
            for record in await bank.all(kind, id=ids[start : start + BATCH]):
                yield name, line_of(record)


def line_of(record: Record) -> str:
    """Return a record as a line, without its end."""
    return _line({"kind": _NAMES[type(record)]} | record.model_dump(mode="json"))


def parse(lines: Iterable[str], plain: Plain, accept: Accept = lambda record: record) -> Iterator[Record]:
    """Yield the records of the lines, in order, as `accept` returns them and within the bounds of `line_bounds.py`.

    Raises InvalidInput, with the line's number, at the first invalid one.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = _record(_fields(line), plain)
            record = accept(bounded(record)) if record else None
        except ValidationError as exc:
            raise InvalidInput(f"Line {number}: {_problems(exc)}") from exc
        except (ValueError, RecursionError) as exc:
            raise InvalidInput(f"Line {number}: {exc}") from exc
        if record is not None:
            yield record


def parse_own(lines: Iterable[str]) -> Iterator[Record]:
    """Yield the records of lines that `line_of` wrote."""
    for fields in map(json.loads, lines):
        yield KINDS[fields.pop("kind")].model_validate(fields)


async def load(bank: Bank, records: Iterable[Record], progress: Callable[[int], None] = lambda done: None) -> Imported:
    """Add new records, some dozens per commit. `progress` is called with the number of records handled so far."""
    result = Imported()
    for kind, same in groupby(records, type):
        while batch := list(islice(same, BATCH)):
            added = await _load(bank, list({record.id: record for record in reversed(batch)}.values())[::-1])
            result.added[_NAMES[kind]] += added
            result.present[_NAMES[kind]] += len(batch) - added
            await bank.maintain()
            progress(result.added.total() + result.present.total())
    return result


async def _load(bank: Bank, batch: list[Record]) -> int:
    """Add the new ones of records of one kind, with distinct ids, in one commit; return how many there were."""
    there = {row["id"] for row in await bank.cells(type(batch[0]), [], id=[record.id for record in batch])}
    fresh = [record for record in batch if record.id not in there]
    embedded = await bank.embed([record for record in fresh if isinstance(record, Strategy)])
    return await bank.atomically(lambda: bank.add_strategies(embedded) if embedded else bank.add_all(fresh))


def _fields(line: str) -> Fields:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as exc:
        raise ValueError(f"this is not JSON ({exc.msg}, column {exc.colno})") from exc
    if not isinstance(value, dict):
        raise ValueError("this is not a JSON object")
    if "\\ud" in line.lower() and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise ValueError("it contains an unpaired surrogate, which is no character")
    return cast(Fields, value)


def _record(fields: Fields, plain: Plain) -> Record | None:
    """Return the record of a line, or None for the header."""
    if "kind" not in fields:
        return plain(fields)
    name = fields.pop("kind")
    if name == HEADER:
        if (format := fields.get("format")) != FORMAT:
            raise ValueError(
                f"this export has format {format!r}, and this version knows {FORMAT}; "
                "upgrade with `pip install -U strategy-bank`"
            )
        return None
    if not isinstance(name, str) or name not in KINDS:
        raise ValueError(f"kind {name!r} is unknown; the kinds are {', '.join(KINDS)}")
    kind = KINDS[name]
    if unknown := sorted(fields.keys() - kind.model_fields.keys()):
        raise ValueError(f"a {name} has no {', '.join(unknown)}; a newer version of strategy-bank may know it")
    return kind.model_validate(fields)


def _problems(exc: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, error['loc'])) or 'line'}: {error['msg']}" for error in exc.errors()[:5])


def _line(fields: Fields) -> str:
    return visible_json(json.dumps(fields, ensure_ascii=False, separators=(",", ":")))
