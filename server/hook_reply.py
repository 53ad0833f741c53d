"""A hook's answer that the agent reads, in its client's form. It imports nothing slow: hooks run after every turn."""

import json
from typing import TYPE_CHECKING

from strategy_bank.tools.transcripts.entry import REQUEST

if TYPE_CHECKING:
    from strategy_bank.tools.transcripts.files import ClientName

NOTHING_TO_ADD = "{}"
_ASK = (
    "{begin}. If the task has ended (done, failed or given up), call report_outcome once: trajectory {reference} (it is read "
    "from there; do not retype it) and your judgement: reason, verdict (undecided by observations: failure), evidence quoted "
    "verbatim from outputs, 0 to 3 strategies. Add recall_id, and in recalled what became of each recalled lesson. If you only "
    "wait for the user or nothing was attempted, just stop."
)


def context_for(event: str, text: str) -> str:
    """Return the JSON with which a hook of this event hands `text` to the agent, in Claude Code's form."""
    # Plain text would not reach the agent where an MCP tool answers the hook.
    return json.dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}, ensure_ascii=False)


def request_for(client: "ClientName", transcript: str) -> str:
    """Return the answer to a hook with which an agent that was about to stop is asked for the report first."""
    request = _ASK.format(begin=REQUEST, reference=json.dumps({"transcript": transcript}, ensure_ascii=False))
    # Claude Code takes the request as context, and would show a decision to block as a problem of the hook. The others know
    # that decision only.
    if client == "claude-code":
        return context_for("Stop", request)
    return json.dumps({"decision": "block", "reason": request}, ensure_ascii=False)
