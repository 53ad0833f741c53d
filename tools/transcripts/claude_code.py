"""Reads Claude Code's transcripts: a record is one content block of the agent, one tool's result, or one prompt.

Words of role `user` are often not the user's: results of tools, what hooks and the client itself say (`isMeta`), summaries of
a compaction, output of local commands, notices of tasks in the background.
"""

import re
from collections.abc import Iterable
from typing import Any

from strategy_bank.tools.transcripts.client_blocks import taken_apart, with_words
from strategy_bank.tools.transcripts.entry import (
    REQUEST,
    Entry,
    Reader,
    fields,
    interrupted,
    objects,
    ran_by_user,
    text_of,
    word,
)

_INTERRUPTED = "[Request interrupted by user"
_TURNED_DOWN = "The user doesn't want to proceed with this tool use."
_REASON = re.compile(r"the user (?:said|provided the following reason for the rejection):\s", re.IGNORECASE)
_HOUSEKEEPING = frozenset({"TodoWrite", "ToolSearch", "AskUserQuestion", "ExitPlanMode", "EnterPlanMode"})
_SILENT = frozenset(
    {
        "agent-color",
        "agent-name",
        "agent-setting",
        "ai-title",
        "api-request",
        "api-request-blob",
        "api-request-shape",
        "atis-latch",
        "attribution-snapshot",
        "bridge-session",
        "content-replacement",
        "cost-state",
        "custom-title",
        "file-history-snapshot",
        "last-prompt",
        "mode",
        "permission-mode",
        "pr-link",
        "progress",
        "queue-operation",
        "started",
        "summary",
        "system",
        "tag",
        "task-summary",
        "tools-used",
        "worktree-state",
    }
)


class ClaudeCodeReader(Reader):
    _typed_command = ""  # into the client's shell mode; its output is another record
    _boundary = (
        ""  # id of the last boundary of a compaction; what hangs on it is the summary, also where nothing marks it
    )

    def _entries(self, record: dict[str, Any]) -> Iterable[Entry]:
        self._cwd = word(record.get("cwd")) or self._cwd
        kind, message = word(record.get("type")), fields(record.get("message"))
        if record.get("subtype") == "compact_boundary":
            self._boundary = word(record.get("uuid"))
        if record.get("isSidechain") or is_summary(record) or self._hangs_on_boundary(record):
            return ()
        if record.get("isApiErrorMessage"):
            return (Entry("broken", {}),)
        if kind == "attachment":
            return _attached(fields(record.get("attachment")))
        if kind == "assistant":
            return self._agent(message)
        if kind == "user":
            return self._user(message, own=is_typed(record))
        return self._pass_over(kind, _SILENT)

    def _hangs_on_boundary(self, record: dict[str, Any]) -> bool:
        return bool(self._boundary) and record.get("type") == "user" and record.get("parentUuid") == self._boundary

    def _agent(self, message: dict[str, Any]) -> Iterable[Entry]:
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)
        calls = [block for block in blocks if block.get("type") == "tool_use"]
        ours = [block for block in calls if self._is_own(block.get("name"), block.get("id"))]
        kept = [block for block in blocks if block not in ours]
        worked = any(word(block.get("name")) not in _HOUSEKEEPING for block in calls if block not in ours)
        said, ended = {"role": "assistant", "content": kept}, message.get("stop_reason") == "end_turn"
        if kept:
            yield Entry("agent", said, text_of(kept), word(message.get("id")), worked, ended=ended)

    def _user(self, message: dict[str, Any], *, own: bool) -> Iterable[Entry]:
        content = message.get("content")
        results = [block for block in objects(content) if block.get("type") == "tool_result"]
        if results:
            yield self._results(results)
            content = [block for block in objects(content) if block not in results]
        if own:
            yield from self._spoken(content)
        elif REQUEST in text_of(content):
            yield Entry("request", {})

    def _results(self, results: list[dict[str, Any]]) -> Entry:
        others = [block for block in results if block.get("tool_use_id") not in self._own_calls]
        text = "\n".join(text_of(block.get("content")) for block in others or results)
        failed = any(block.get("is_error") is True for block in others or results)
        if not others:
            return self._own_result(text, failed=failed)
        if any(_is_turned_down(block) for block in others):
            return _turned_down(others)
        return Entry("result", {"role": "user", "content": others}, text, failed=failed)

    def _spoken(self, content: object) -> Iterable[Entry]:
        words, taken = taken_apart(content)
        self._typed_command = taken.get("bash-input", self._typed_command)
        if "bash-stdout" in taken or "bash-stderr" in taken:
            yield ran_by_user(self._typed_command, taken.get("bash-stdout", "") + taken.get("bash-stderr", ""))
        if name := taken.get("command-name", "").strip():
            words = f"{name} {taken.get('command-args', '')}\n{words}".strip()
            yield Entry("command", {"role": "user", "content": words}, words)
        elif words.startswith(_INTERRUPTED):
            yield interrupted()
        elif words:
            yield Entry("prompt", {"role": "user", "content": with_words(content, words)}, words)
        elif "local-command-stdout" in taken or "local-command-stderr" in taken:
            yield Entry("local", {})


def is_typed(record: dict[str, Any]) -> bool:
    """Tell whether a record of role user may hold words that the user typed."""
    said_by_others = record.get("isMeta") or fields(record.get("origin")).get("kind", "human") != "human"
    return record.get("type") == "user" and not said_by_others and not is_summary(record)


def is_summary(record: dict[str, Any]) -> bool:
    """Tell whether the client marks a record as its summary of a compaction, which the user did not type."""
    return bool(record.get("isCompactSummary") or record.get("isVisibleInTranscriptOnly"))


def _is_turned_down(block: dict[str, Any]) -> bool:
    return block.get("is_error") is True and text_of(block.get("content")).startswith(_TURNED_DOWN)


def _turned_down(results: list[dict[str, Any]]) -> Entry:
    """Return the entry for results among which are calls that the user did not allow.

    What the client told the agent of these is left out; the results of other calls stay.
    """
    reasons = [_reason(block) if _is_turned_down(block) else "" for block in results]
    blocks = [
        _note(block, reason) if _is_turned_down(block) else block
        for block, reason in zip(results, reasons, strict=True)
    ]
    text = "\n".join(text_of(block.get("content")) for block in blocks)
    failed = any(block.get("is_error") is True for block in blocks)
    remark = "\n".join(dict.fromkeys(filter(None, reasons)))
    return Entry("result", {"role": "user", "content": blocks}, text, failed=failed, remark=remark, refused=True)


def _reason(block: dict[str, Any]) -> str:
    text = text_of(block.get("content"))
    found = _REASON.search(text)
    return text[found.end() :].strip() if found else ""


def _note(block: dict[str, Any], reason: str) -> dict[str, Any]:
    note = f"The user turned this call down{f': {reason}' if reason else '.'}"
    return {"type": "tool_result", "tool_use_id": block.get("tool_use_id"), "content": note}


def _attached(attachment: dict[str, Any]) -> Iterable[Entry]:
    """Yield the request of the stop hook, or what the user typed while the agent worked."""
    if attachment.get("type") == "hook_additional_context" and REQUEST in str(attachment.get("content")):
        yield Entry("request", {})
    words = taken_apart(attachment.get("prompt")).words
    typed = attachment.get("type") == "queued_command" and attachment.get("commandMode") in (None, "prompt")
    if typed and words:
        yield Entry("aside", {"role": "user", "content": words}, words)
