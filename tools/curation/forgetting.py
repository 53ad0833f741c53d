"""Deletes records for good, with all that others hold of them.

selection ─▶ plan: what goes, and what loses something ─▶ a person agrees ─▶ carry_out: first the copies, then the rest
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from strategy_bank.store.errors import NotFound
from strategy_bank.store.lance.filters import forms_of
from strategy_bank.store.lance.schema import RECORDS
from strategy_bank.store.lance.selection import Selection, text_columns
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import Episode, Project, Recall, Record, Run, Strategy
from strategy_bank.tools.curation.affected import affected, with_all_of, wordings
from strategy_bank.tools.curation.copies import COPIES, Gone, loses_text, without

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

AT_ONCE, EMBEDDED_AT_ONCE = 256, 16  # records in one step; each that is embedded keeps writers waiting for 15 ms


@dataclass(frozen=True)
class Plan:
    """What a forgetting does: `going` is deleted, `losing` stays without what it holds of that. Trajectories are left out."""

    going: list[Record]
    losing: list[Record]
    gone: Gone


async def plan(bank: "Bank", selection: Selection) -> Plan:
    """Find what goes, and who holds something of it. Raises NotFound where one of the ids is unknown; writes nothing."""
    asked = list(selection.ids)
    known = {row["id"] for kind in RECORDS.values() if asked for row in await bank.cells(kind, [], id=asked)}
    if unknown := [id for id in selection.ids if id not in known]:
        raise NotFound(f"There is no record {', '.join(map(repr, unknown))} in this bank. Nothing was changed.")
    chosen, holding = await _chosen(bank, selection)
    there = await affected(bank, chosen, holding, selection)
    going = with_all_of(there, chosen)
    ids = {record.id for record in going}
    staying = [record for records in there.values() for record in records if record.id not in ids]
    gone = _gone(going, staying, selection, holding - ids)
    return Plan(going, [record for record in staying if without(record, gone) != record], gone)


async def carry_out(bank: "Bank", planned: Plan, progress: Progress) -> None:
    """Take what is to go out of those that hold it, then delete it, some hundred records per step.

    Where it is interrupted, the rest is still there to be selected again.
    """
    kinds = {type(record) for record in planned.going}
    kinds |= {type(record) for record in planned.losing if loses_text(record, planned.gone)}
    # a recall that another process has not written yet may be of the same task
    touched = kinds if kinds <= {Strategy} else kinds | {Recall}
    await bank.atomically(partial(bank.note_forgotten, touched))
    total, done = len(planned.going) + len(planned.losing), 0
    for kind, ids in _by_kind(planned.losing).items():
        size = EMBEDDED_AT_ONCE if kind is Strategy else AT_ONCE
        for start in range(0, len(ids), size):
            await bank.atomically(partial(_strip, bank, kind, ids[start : start + size], planned.gone))
            progress(done := done + len(ids[start : start + size]), total)
    # runs last: while one is there, what of its attempts is left is found again
    for _, ids in sorted(_by_kind(planned.going).items(), key=lambda each: each[0] is Run):
        for start in range(0, len(ids), AT_ONCE):
            await bank.atomically(partial(bank.forget, ids[start : start + AT_ONCE]))
            progress(done := done + len(ids[start : start + AT_ONCE]), total)


async def forget(bank: "Bank", ids: Sequence[str]) -> Plan:
    """Delete records by their ids, with all that others hold of them."""
    planned = await plan(bank, Selection(ids))
    await carry_out(bank, planned, lambda done, total: None)
    return planned


def counts(records: Iterable[Record]) -> Counter[str]:
    """Return the number of records by the name of their kind."""
    return Counter(kind_of(record) for record in records)


def kind_of(record: Record) -> str:
    return type(record).__name__.lower()


def headline(record: Record) -> str:
    """Return the title, the task or what else names a record."""
    match record:
        case Strategy():
            return record.title
        case Episode() | Run() | Recall():
            return record.task
        case Project():
            return record.identity
        case _:
            return record.id


async def _chosen(bank: "Bank", selection: Selection) -> tuple[set[str], set[str]]:
    """Return the ids of those that are selected for what they say themselves, and of those that only repeat it."""
    chosen, holding = set[str](), set[str]()
    if selection == Selection():  # nothing was asked for, which is not everything
        return chosen, holding
    for kind in RECORDS.values():
        copies = COPIES.get(kind, [])
        own = [name for name in text_columns(kind) if name not in copies]
        chosen |= set(await bank.selected(kind, selection, own))
        if selection.matching and copies:
            holding |= set(await bank.selected(kind, selection, copies))
    return chosen, holding


def _gone(going: Sequence[Record], staying: Sequence[Record], selection: Selection, holding: set[str]) -> Gone:
    lessons = [record for record in going if isinstance(record, Strategy)]
    attempts = defaultdict[str, set[int]](set)
    for record in going:
        if isinstance(record, Episode) and record.run_id:
            attempts[record.run_id].add(record.attempt)
    return Gone(
        ids=frozenset(record.id for record in going),
        tasks=frozenset(record.task for record in going if isinstance(record, Episode | Run) and record.task),
        words=frozenset(text for each in lessons for text in wordings(each) if text),
        attempts={run: frozenset(numbers) for run, numbers in attempts.items()},
        texts=tuple(forms_of(selection.matching)) if selection.matching else (),
        holding=frozenset(holding),
        scope=selection.scope if selection == Selection(scope=selection.scope) else "",
        kept_tasks={record.id: record.task for record in staying if isinstance(record, Episode | Run)},
    )


def _by_kind(records: Iterable[Record]) -> dict[type[Record], list[str]]:
    found = defaultdict[type[Record], list[str]](list)
    for record in records:
        found[type(record)].append(record.id)
    return found


async def _strip(bank: "Bank", kind: type[Record], ids: Sequence[str], gone: Gone) -> None:
    """Take what is to go out of records, and embed anew the strategies that lose the task they were learned from."""
    before = {record.id: record for record in await bank.all(kind, id=ids)}
    changed = [new for old in before.values() if (new := without(old, gone)) != old]
    embedded = [new for new in changed if isinstance(new, Strategy) and _taught_by(new) != _taught_by(before[new.id])]
    await bank.amend([new for new in changed if new not in embedded])
    if embedded:
        await bank.amend_embedded(await bank.embed(embedded))


def _taught_by(record: Record) -> str | None:
    """Return what of a strategy its vectors come from, besides the wording."""
    return record.source_task if isinstance(record, Strategy) else None
