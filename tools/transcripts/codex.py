"""Reads Codex's rollouts: `{timestamp, type, payload}`. The payloads of type `response_item` are what was said and done.

In the first versions these stood there bare, without a frame. The first `session_meta` tells whose rollout it is; that of a
sub-agent or a fork may be followed by a copy of its parent's, with a `session_meta` of its own.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from strategy_bank.tools.transcripts.client_blocks import taken_apart
from strategy_bank.tools.transcripts.entry import (
    REQUEST,
    Entry,
    Reader,
    exit_code,
    fields,
    interrupted,
    objects,
    ran_by_user,
    text_of,
    word,
)

_HOUSEKEEPING = frozenset({"update_plan", "request_user_input", "tool_search", "list_mcp_resources"})
_SILENT = frozenset({"session_meta", "event_msg", "turn_context", "compacted", "token_usage_record", "world_state"})
_SILENT_ITEMS = frozenset({"ghost_snapshot", "compaction", "compaction_summary", "context_compaction", "other"})
_PART = re.compile(r"<(cwd|command|result)>((?:(?!<\1>).)*?)</\1>", re.DOTALL)


class CodexReader(Reader):
    _of_a_sub_agent: bool | None = None  # None: no session_meta yet

    def _entries(self, record: dict[str, Any]) -> Iterable[Entry]:
        item = response_item(record)
        payload = fields(record.get("payload"))
        self._cwd = word(payload.get("cwd")) or self._cwd
        if record.get("type") == "session_meta" and self._of_a_sub_agent is None:
            self._of_a_sub_agent = "subagent" in (
                *fields(payload.get("source")),
                payload.get("source"),
                payload.get("thread_source"),
                record.get("thread_source"),
            ) or bool(payload.get("parent_thread_id"))
        if self._of_a_sub_agent:
            return ()
        if record.get("type") == "event_msg" and payload.get("type") in ("error", "stream_error"):
            return (Entry("broken", {}),)
        return self._item(item) if item else self._pass_over(*_frame(record))

    def _item(self, item: dict[str, Any]) -> Iterable[Entry]:
        kind = word(item.get("type"))
        if kind == "message":
            return self._message(item)
        if kind == "reasoning":
            return (Entry("agent", {"type": kind, "summary": objects(item.get("summary"))}),)
        if kind.endswith("_call"):
            return self._agent(item)
        return self._result(item) if kind.endswith("_call_output") else self._pass_over(kind, _SILENT_ITEMS)

    def _agent(self, call: dict[str, Any]) -> Iterable[Entry]:
        if not self._is_own(call.get("name"), call.get("call_id")):
            yield Entry("agent", call, worked=word(call.get("name")) not in _HOUSEKEEPING)

    def _result(self, result: dict[str, Any]) -> Iterable[Entry]:
        output = result.get("output")
        text = text_of(fields(output).get("content") or output)
        if result.get("call_id") in self._own_calls:
            yield self._own_result(text)
        else:
            text, failed = _unwrapped(text)
            yield Entry("result", result | {"output": text or output}, text, failed=failed)

    def _message(self, item: dict[str, Any]) -> Iterable[Entry]:
        role, text = item.get("role"), text_of(item.get("content")).strip()
        if role == "assistant" and text:
            yield Entry("agent", {"role": role, "content": text}, text)
        if role != "user":
            return
        words, taken = taken_apart(item.get("content"))
        inside = dict(_PART.findall(taken.get("user_shell_command", "") + taken.get("environment_context", "")))
        self._cwd = self._cwd or inside.get("cwd", "").strip()
        if REQUEST in text:
            yield Entry("request", {})
        elif "turn_aborted" in taken:
            yield interrupted()
        elif "user_shell_command" in taken:
            yield ran_by_user(inside.get("command", "").strip(), inside.get("result", "").strip())
        if words and REQUEST not in text:
            yield Entry("prompt", {"role": role, "content": words}, words)


def response_item(record: dict[str, Any]) -> dict[str, Any]:
    """Return what was said or done in a record, in its frame or bare; nothing for the others."""
    if record.get("type") == "response_item":
        return fields(record.get("payload"))
    kind = word(record.get("type"))
    bare = "payload" not in record and (kind in ("message", "reasoning") or kind.endswith(("_call", "_call_output")))
    return record if bare else {}


def _frame(record: dict[str, Any]) -> tuple[str, frozenset[str]]:
    """Return the kind of a record that holds no item; the first versions had states, and a head without a type."""
    kind = word(record.get("type")) or word(record.get("record_type"))
    return kind, _SILENT | {"state"} | ({""} if "instructions" in record else frozenset[str]())


def _unwrapped(text: str) -> tuple[str, bool]:
    """Return the output of a command, also of one that was wrapped in JSON, and whether it failed."""
    code = exit_code(text)
    if text.startswith('{"output":'):
        try:
            wrapped = fields(json.loads(text))
        except (ValueError, RecursionError):
            wrapped = {}
        code = str(fields(wrapped.get("metadata")).get("exit_code", code))
        if "output" in wrapped:
            text = (f"Exit code: {code}\n" if code.strip("0") else "") + word(wrapped["output"])
    return text, code.strip("0") != ""
