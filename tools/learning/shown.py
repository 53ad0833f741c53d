"""Which lessons a recall has shown to whoever reports: only these can have been followed, or are to be corrected."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from strategy_bank.store.records import RECALLED_TASK_CHARS, Episode, Recall, Run

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_SHOWN = ["strategy_ids", "listed_ids", "opened_ids"]


async def shown_to(bank: "Bank", owner: Episode | Run) -> frozenset[str]:
    """Return the ids of the strategies that the recall of an episode or a run has shown, in full or by title.

    Where the report names no recall, those for the same task in its scope count.
    """
    await bank.flush_recalls()
    which = {"id": owner.recall_id} if owner.recall_id else {"task": owner.task[:RECALLED_TASK_CHARS]}
    return _ids(await bank.all(Recall, scope=owner.scope, **which))


async def shown_before(bank: "Bank", episode: Episode, ids: Iterable[str]) -> frozenset[str]:
    """Return those of the ids that a recall of the episode's scope has shown before it was reported.

    The recall that it names is looked at first, and that of its run; other recalls of the scope only for what is left, since an
    agent recalls more than once in a task, and can name only one. What this process recalled was written with the report.
    """
    run = await bank.find(Run, episode.run_id) if episode.run_id else None
    named = [id for id in (episode.recall_id, run.recall_id if run else "") if id]
    recalls = await bank.all(Recall, id=named, scope=episode.scope) if named else []
    seen = _ids(each for each in recalls if each.created_at < episode.created_at)
    seen |= frozenset(hit.id for hit in run.recalled) if run else frozenset()
    wanted = frozenset(ids)
    return (wanted & seen) | frozenset(
        [id for id in wanted - seen if await _was_shown(bank, episode.scope, id, episode.created_at)]
    )


async def _was_shown(bank: "Bank", scope: str, id: str, before: datetime) -> bool:
    from strategy_bank.store.lance.selection import Selection  # brings LanceDB, which a server loads late

    return bool(await bank.selected(Recall, Selection(scope=scope, matching=id, before=before), _SHOWN))


def _ids(recalls: Iterable[Recall]) -> frozenset[str]:
    return frozenset(id for each in recalls for id in (*each.strategy_ids, *each.listed_ids, *each.opened_ids))
