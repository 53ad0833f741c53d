"""Reads Claude Code's transcripts: a record is one content block of the agent, one tool's result, or one prompt.

Words of role `user` are often not the user's: results of tools, what hooks and the client itself say (`isMeta`), summaries of
a compaction, output of local commands, notices of tasks in the background.
"""

import re
from typing import Any

from strategy_bank.tools.transcripts.entry import REQUEST, Entry, Kind, Reader, fields, objects, text_of, word

_COMMAND = re.compile(r"<command-name>\s*(/?[^<]*?)\s*</command-name>")
_ARGUMENTS = re.compile(r"<command-args>(.*?)</command-args>", re.DOTALL)
_LOCAL = ("<local-command-stdout>", "<local-command-stderr>")
_INTERRUPTED = "[Request interrupted by user"
_OF_THE_CLIENT = re.compile(
    r"<(?:local-command-caveat|bash-input|bash-stdout|bash-stderr|system-reminder|user-memory-input)>"
    r"|<(?:task-notification|teammate-message|cross-session-message)|Caveat: The messages below"
)
_HOUSEKEEPING = frozenset({"TodoWrite", "ToolSearch", "AskUserQuestion", "ExitPlanMode", "EnterPlanMode"})


class ClaudeCodeReader(Reader):
    def _entry(self, record: dict[str, Any]) -> Entry | None:
        self._cwd = word(record.get("cwd")) or self._cwd
        kind, message = record.get("type"), fields(record.get("message"))
        if record.get("isSidechain") or record.get("isCompactSummary") or record.get("isApiErrorMessage"):
            return None
        if kind == "attachment":
            return _attached(fields(record.get("attachment")))
        if kind == "assistant":
            return self._agent(message)
        return self._user(message, meta=bool(record.get("isMeta"))) if kind == "user" else None

    def _agent(self, message: dict[str, Any]) -> Entry | None:
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)
        calls = [block for block in blocks if block.get("type") == "tool_use"]
        ours = [block for block in calls if self._is_own(block.get("name"), block.get("id"))]
        kept = [block for block in blocks if block not in ours]
        worked = any(word(block.get("name")) not in _HOUSEKEEPING for block in calls if block not in ours)
        said = {"role": "assistant", "content": kept}
        return Entry("agent", said, text_of(kept), word(message.get("id")), worked) if kept else None

    def _user(self, message: dict[str, Any], *, meta: bool) -> Entry | None:
        content = message.get("content")
        results = [block for block in objects(content) if block.get("type") == "tool_result"]
        if results:
            return self._results(results)
        text = text_of(content).strip()
        if meta:
            return Entry("request", {}) if REQUEST in text else None
        return _spoken(text, content)

    def _results(self, results: list[dict[str, Any]]) -> Entry:
        others = [block for block in results if block.get("tool_use_id") not in self._own_calls]
        text = "\n".join(text_of(block.get("content")) for block in others or results)
        failed = any(block.get("is_error") is True for block in others or results)
        if not others:
            return self._own_result(text, failed=failed)
        return Entry("result", {"role": "user", "content": others}, text, failed=failed)


def _spoken(text: str, content: object) -> Entry | None:
    if text.startswith(_LOCAL):
        return Entry("local", {})
    if _OF_THE_CLIENT.match(text) or not text:
        return None
    kind: Kind = "interrupt" if text.startswith(_INTERRUPTED) else "prompt"
    if command := _COMMAND.search(text):
        arguments = _ARGUMENTS.search(text)
        kind, text = "command", f"{command[1]} {arguments[1] if arguments else ''}".strip()
        content = text
    return Entry(kind, {"role": "user", "content": content}, text)


def _attached(attachment: dict[str, Any]) -> Entry | None:
    """Return the request of the stop hook, or what the user typed while the agent worked."""
    if attachment.get("type") == "hook_additional_context":
        return Entry("request", {}) if REQUEST in str(attachment.get("content")) else None
    text = text_of(attachment.get("prompt")).strip()
    typed = attachment.get("type") == "queued_command" and attachment.get("commandMode") in (None, "prompt")
    if not typed or not text or _OF_THE_CLIENT.match(text):
        return None
    return Entry("aside", {"role": "user", "content": text}, text)
