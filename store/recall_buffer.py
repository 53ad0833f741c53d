"""Keeps recalls until the next write, so that a recall never waits for one."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from strategy_bank.store.records import Recall

RECALLS_BUFFERED = 32
RECALLS_KEPT = 1024

Store = Callable[[Sequence[Recall]], Awaitable[object]]


class RecallBuffer:
    """The recalls of one process that are not stored yet."""

    def __init__(self) -> None:
        self._recalls: list[Recall] = []
        self._noted = deque[str](maxlen=RECALLS_KEPT)  # their ids, also of those that are on their way

    def __contains__(self, id: str) -> bool:
        """Tell whether this process noted a recall a while ago, stored or not."""
        return id in self._noted

    def __len__(self) -> int:
        return len(self._recalls)

    def note(self, recall: Recall) -> None:
        self._recalls.append(recall)
        self._noted.append(recall.id)

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
