"""Reads a trajectory that is not sent but named: `{"transcript": path}`, the client's own record of the session.

This saves the agent from typing again what it did. The file is read only from the clients' folders (see
`tools/transcripts/files.py`) and cut to the task at hand.
"""

from typing import TYPE_CHECKING, Any

import anyio.to_thread

from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.transcripts.entry import fields, word

if TYPE_CHECKING:
    from strategy_bank.tools.transcripts.tasks import PastTask

_KEY = "transcript"


def transcript_named(trajectory: Any) -> str:
    """Return the path in such a reference; "" for any other trajectory."""
    named = fields(trajectory)
    return word(named.get(_KEY)) if named.keys() == {_KEY} else ""


async def read_transcript(settings: Settings, path: str) -> "PastTask":
    """Return the task at hand in a client's transcript. Raises InvalidInput."""
    from strategy_bank.tools.transcripts.tasks import last_task  # slow, and not needed to start

    if not settings.transcripts:
        raise InvalidInput("This server reads no transcripts. Send the condensed trajectory itself.")
    return await anyio.to_thread.run_sync(last_task, path, settings.folders)


def warnings_about(past: "PastTask") -> list[str]:
    """Return what its transcript holds that could not be read, which may be a part of the task."""
    problems = past.unread.problems()
    return [f"Not understood in the transcript: {'; '.join(problems)}."] if problems else []
