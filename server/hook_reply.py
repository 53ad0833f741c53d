"""A hook's answer that the agent reads, in Claude Code's form. It imports nothing slow: hooks run after every turn."""

import json

NOTHING_TO_ADD = "{}"


def context_for(event: str, text: str) -> str:
    """Return the JSON with which a hook of this event hands `text` to the agent."""
    # Plain text would not reach the agent where an MCP tool answers the hook.
    return json.dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}, ensure_ascii=False)
