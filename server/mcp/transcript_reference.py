"""A trajectory that is not sent but named: `{"transcript": path}`, the client's own record of the session.

So the agent need not type again what it did. The file is read only from the folders of the clients in
`tools/transcripts/reader.py`, and cut to the task at hand; from there on it is a trajectory like any other.
"""

import json
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.transcripts.entry import fields, word

if TYPE_CHECKING:
    from strategy_bank.tools.transcripts.tasks import PastTask

_KEY = "transcript"


def transcript_named(trajectory: Any) -> str:
    """The path in such a reference, also where the agent wrote the object as text; empty for any other trajectory."""
    if isinstance(trajectory, str) and trajectory.lstrip().startswith("{") and _KEY in trajectory[:40]:
        try:
            trajectory = json.loads(trajectory)
        except ValueError:
            return ""
    named = fields(trajectory)
    return word(named.get(_KEY)) if named.keys() == {_KEY} else ""


async def read_transcript(settings: Settings, path: str) -> "PastTask":
    """The task at hand in a client's transcript. Raises InvalidInput."""
    from strategy_bank.tools.transcripts.tasks import last_task  # not needed before a server has answered

    if not settings.transcripts:
        raise InvalidInput("This server reads no transcripts. Send the condensed trajectory itself.")
    return await anyio.to_thread.run_sync(last_task, path, settings.folders)
