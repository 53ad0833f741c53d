"""Keeps recalls until the next write, so that a recall never waits for one."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from strategy_bank.store.records import Recall

RECALLS_BUFFERED = 32
RECALLS_KEPT = 1024
_LATER = ("opened_ids", "stops", "asked", "answered_by", "echoed_ids")  # what becomes known after a recall

Store = Callable[[Sequence[Recall]], Awaitable[object]]


class RecallBuffer:
    """The recalls of one process that are not stored yet."""

    def __init__(self) -> None:
        self._recalls: list[Recall] = []
        self._noted = OrderedDict[str, Recall]()  # also those that are on their way, by their ids
        self._late: dict[str, Recall] = {}  # those of which something was noted after they were stored
        self._turn: list[str] = []  # ids of the recalls of the agent's present turn
        self._stopped = False  # the next recall begins a turn

    def __contains__(self, id: str) -> bool:
        """Tell whether this process noted a recall a while ago, stored or not."""
        return id in self._noted

    def __len__(self) -> int:
        """Return of how many recalls something is not stored yet."""
        return len(self._recalls) + len(self._late)

    def note(self, recall: Recall) -> None:
        self._recalls.append(recall)
        self._noted[recall.id] = recall
        if len(self._noted) > RECALLS_KEPT:
            self._noted.popitem(last=False)
        self._turn = [*([] if self._stopped else self._turn[-RECALLS_BUFFERED:]), recall.id]
        self._stopped = False

    def of_turn(self, scope: str, *, again: bool) -> list[Recall]:
        """Return the recalls of the turn in which the agent stops; `again`: it stopped before and was asked to go on."""
        ids = [] if self._stopped and not again else self._turn
        return [each for id in ids if (each := self._noted.get(id)) and each.scope == scope]

    def note_stop(self, recalls: Sequence[Recall], echoed: Collection[str], *, asked: bool, episode: str) -> None:
        """Note with the recalls of a turn that the agent stopped, and what was seen then.

        What concerns them all is noted with the newest.
        """
        self._stopped = True
        left = set(echoed)
        for recall in recalls:
            own = [id for id in (*recall.strategy_ids, *recall.opened_ids) if id in left]
            left.difference_update(own)
            is_newest = recall is recalls[-1]
            changes = {
                "stops": recall.stops + 1,
                "asked": recall.asked + (asked and is_newest),
                "answered_by": episode if is_newest and episode else recall.answered_by,
                "echoed_ids": list(dict.fromkeys([*recall.echoed_ids, *own])),
            }
            self._replace(recall, recall.model_copy(update=changes))

    def shown(self, scope: str, task: str) -> set[str]:
        """Return the ids of strategies that were shown in full for a task of the scope, as far as this process knows."""
        recalls = [each for each in self._noted.values() if (each.scope, each.task) == (scope, task)]
        return {id for each in recalls for id in [*each.strategy_ids, *each.opened_ids]}

    def newest_task(self, scope: str) -> str:
        """Return the task of the newest recall of the scope; an empty text where this process knows none."""
        return next((each.task for each in reversed(self._noted.values()) if each.scope == scope and each.task), "")

    def note_opened(self, scope: str, ids: Collection[str]) -> str:
        """Note that strategies were opened, with the newest recall of the scope that showed one of them.

        Returns its id, or an empty text where this process knows none.
        """
        for recall in reversed(self._noted.values()):
            shown = {*recall.strategy_ids, *recall.listed_ids}.intersection(ids)
            if shown and recall.scope == scope:
                opened = [*recall.opened_ids, *(id for id in ids if id in shown and id not in recall.opened_ids)]
                self._replace(recall, recall.model_copy(update={"opened_ids": opened}))
                return recall.id
        return ""

    def _replace(self, before: Recall, after: Recall) -> None:
        self._noted[after.id] = after
        if before in self._recalls:
            self._recalls[self._recalls.index(before)] = after
        else:
            self._late[after.id] = after

    async def flush_late(self, amend: Callable[[dict[str, dict[str, Any]]], Awaitable[object]]) -> None:
        """Hand over what was noted of recalls that are stored already, by their ids. After an error it stays."""
        if self._late:
            late = dict(self._late)
            await amend({id: {name: getattr(recall, name) for name in _LATER} for id, recall in late.items()})
            self._late = {id: each for id, each in self._late.items() if each is not late.get(id)}

    async def flush(self, store: Store, forgotten_at: Callable[[], Awaitable[datetime | None]]) -> None:
        """Store the recalls, but those from before something was forgotten: they may hold what was to go.

        After an error they stay buffered, up to RECALLS_KEPT.
        """
        buffered, self._recalls = self._recalls, []
        if not buffered:
            return
        try:
            at = await forgotten_at()
            await store([recall for recall in buffered if not at or recall.created_at > at])
        except BaseException:
            self._recalls = [*buffered, *self._recalls][-RECALLS_KEPT:]
            raise
