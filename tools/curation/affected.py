"""Finds the records that a forgetting may touch, so that a few can be forgotten in a large bank without reading all of it.

What is found holds all that would change and perhaps more, and is then looked at record by record. Where so much goes that
looking for each thing in each table would cost more, it is every record.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from strategy_bank.store.lance.schema import RECORDS
from strategy_bank.store.lance.selection import Selection
from strategy_bank.store.records import RECALLED_TASK_CHARS, Episode, Recall, Record, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

R = TypeVar("R", bound=Record)
Records = Mapping[type[Record], Sequence[Record]]
FEW = 40
"""Ids and texts that are looked for; each takes some 50 ms among 100,000 records of each kind, and reading all 18 s."""
_AT_ONCE = 1_000
"""Records that are read by their ids."""
_IDS: dict[type[Record], list[str]] = {
    Strategy: [
        *("episode_ids", "run_ids", "credited_by", "pardoned", "contradicts"),
        *("status_reason", "decisions", "revisions", "proposals"),
    ],
    Episode: [
        *("recall_id", "used_ids", "helped_ids", "wrong_ids", "unfit_ids", "flagged_ids", "learned", "judgement"),
    ],
    Run: ["recall_id", "recalled", "learned", "comparison"],
    Recall: [*("strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "sure_ids", "echoed_ids", "answered_by")],
}
"""Columns that hold ids of other records."""
_WORDS: dict[type[Record], list[str]] = {Episode: ["judgement"], Run: ["comparison"]}
"""Columns that hold the wording of lessons."""
_PLAIN = re.compile(r"[A-Za-z0-9 ]{6,80}")  # stands in JSON as it is, however that was written


async def affected(bank: "Bank", chosen: set[str], holding: set[str], selection: Selection) -> Records:
    """Return the records that go with the `chosen` ones, those that may hold something of them, and what these depend on.

    `holding` are ids of records whose copies hold the text of the selection. Trajectories are left out.
    """
    if len(chosen) > FEW or len(holding) > _AT_ONCE or selection.scope:
        return await everything(bank)
    going = with_all_of(await _tasks_and_recalls(bank, chosen), chosen)
    lessons = [record for record in going if isinstance(record, Strategy)]
    words = {text for lesson in lessons for text in wordings(lesson) if text}
    sought = [_plain(text) for text in words]
    if len(going) + len(words) > FEW or not all(sought):
        return await everything(bank)
    tasks = [record.task for record in going if isinstance(record, Episode | Run) and record.task]
    ids = {record.id for record in going} | holding
    ids |= {record.run_id for record in going if isinstance(record, Episode)}
    ids |= {row["id"] for row in await bank.cells(Strategy, [], source_task=tasks)} if tasks else set()
    for record in going:
        ids |= await _holders(bank, record.id, _IDS)
    for text in sought:
        ids |= await _holders(bank, text, _WORDS)
    there = await _those(bank, ids)
    teachers = {id for each in of(there, Strategy) for id in (*each.episode_ids, *each.run_ids)}
    return await _those(bank, ids | teachers)


async def everything(bank: "Bank") -> Records:
    """Return all records without their trajectories."""
    return {kind: await bank.all_without("trajectory", kind) for kind in RECORDS.values()}


def with_all_of(there: Records, chosen: set[str]) -> list[Record]:
    """Return the chosen records, with the attempts of the runs and the recalls of the tasks among them."""
    runs = {run.id for run in of(there, Run) if run.id in chosen}
    tasks = [
        record
        for kind in (Episode, Run)
        for record in of(there, kind)
        if record.id in chosen or (isinstance(record, Episode) and record.run_id in runs)
    ]
    recalls = {each.recall_id for each in tasks}
    shown = {(each.scope, part) for each in tasks for part in _parts(each.task)}
    going = chosen | {each.id for each in tasks}
    for recall in of(there, Recall):
        if recall.id in recalls or (recall.scope, recall.task.strip()) in shown:
            going.add(recall.id)
    return [record for records in there.values() for record in records if record.id in going]


def of(there: Records, kind: type[R]) -> list[R]:
    return [record for record in there[kind] if isinstance(record, kind)]


def wordings(lesson: Strategy) -> Iterable[str]:
    """Yield all words that a lesson has, had and is to have."""
    for words in (lesson, *lesson.revisions, *lesson.proposals):
        yield from (words.title, words.description, words.content)


def _parts(task: str) -> tuple[str, str]:
    """Return a task as a recall may have noted it."""
    return task, task[:RECALLED_TASK_CHARS].strip()


async def _tasks_and_recalls(bank: "Bank", chosen: set[str]) -> Records:
    """Return the chosen records, the attempts of the runs among them, and the recalls that may be of these tasks."""
    first = await _those(bank, chosen)
    runs = [run.id for run in of(first, Run)]
    attempts = {row["id"] for row in await bank.cells(Episode, [], run_id=runs)} if runs else set[str]()
    first = await _those(bank, chosen | attempts)
    tasks = [*of(first, Run), *of(first, Episode)]
    ids = {*chosen, *attempts, *(each.recall_id for each in tasks)}
    for text in {each.task for each in tasks}:
        part = _plain(text[:RECALLED_TASK_CHARS])
        every = Selection(matching=part) if part else Selection()  # a task without plain words may be any recall's
        ids |= set(await bank.selected(Recall, every, ["task"]))
    return await _those(bank, ids)


async def _holders(bank: "Bank", text: str, columns: Mapping[type[Record], Sequence[str]]) -> set[str]:
    """Return the ids of the records that hold a text in one of these columns."""
    found = [await bank.selected(kind, Selection(matching=text), names) for kind, names in columns.items()]
    return {id for ids in found for id in ids}


async def _those(bank: "Bank", ids: Collection[str]) -> Records:
    """Return the records with these ids, without their trajectories."""
    kinds = RECORDS.values()
    return {kind: await bank.all_without("trajectory", kind, id=list(ids)) if ids else [] for kind in kinds}


def _plain(text: str) -> str:
    """Return the longest part of a text that is the same in JSON; empty where none is long enough to look for."""
    return max(_PLAIN.findall(text), key=len, default="")
