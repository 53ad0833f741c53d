"""Reads Codex's rollouts: `{timestamp, type, payload}`. The payloads of type `response_item` are what was said and done.

Words of role `user` are the user's unless they are wrapped in a tag of the client: the environment, instructions of the
project, prompts of hooks, notices.
"""

import re
from typing import Any

from strategy_bank.tools.transcripts.entry import REQUEST, Entry, Reader, exit_code, fields, objects, text_of, word

_OF_THE_CLIENT = re.compile(
    r"# AGENTS\.md instructions|<(?:environment_context|user_instructions|INSTRUCTIONS|permissions instructions|hook_prompt|"
    r"user_shell_command|subagent_notification|skills?_instructions|skill|recommended_plugins|apps_instructions|"
    r"plugins_instructions|collaboration_mode|model_switch|codex_internal_context|goal_context)\b"
)
_HOUSEKEEPING = frozenset({"update_plan", "request_user_input", "tool_search", "list_mcp_resources"})


class CodexReader(Reader):
    _of_a_sub_agent = False

    def _entry(self, record: dict[str, Any]) -> Entry | None:
        payload = fields(record.get("payload"))
        self._cwd = word(payload.get("cwd")) or self._cwd
        if record.get("type") == "session_meta":
            self._of_a_sub_agent = "subagent" in fields(payload.get("source"))
        if record.get("type") != "response_item" or self._of_a_sub_agent:
            return None
        kind = word(payload.get("type"))
        if kind == "message":
            return _message(payload)
        if kind == "reasoning":
            return Entry("agent", {"type": kind, "summary": objects(payload.get("summary"))})
        if kind.endswith("_call"):
            return self._agent(payload)
        return self._result(payload) if kind.endswith("_call_output") else None

    def _agent(self, call: dict[str, Any]) -> Entry | None:
        if self._is_own(call.get("name"), call.get("call_id")):
            return None
        return Entry("agent", call, worked=word(call.get("name")) not in _HOUSEKEEPING)

    def _result(self, result: dict[str, Any]) -> Entry:
        output = result.get("output")
        text = text_of(fields(output).get("content") or output)
        if result.get("call_id") in self._own_calls:
            return self._own_result(text)
        return Entry("result", result, text, failed=exit_code(text).strip("0") != "")


def _message(payload: dict[str, Any]) -> Entry | None:
    role, text = payload.get("role"), text_of(payload.get("content")).strip()
    said = {"role": role, "content": text}
    if not text or role not in ("user", "assistant"):
        return None
    if role == "assistant":
        return Entry("agent", said, text)
    if REQUEST in text:
        return Entry("request", {})
    if text.startswith("<turn_aborted>"):
        return Entry("interrupt", said, text)
    return None if _OF_THE_CLIENT.match(text) else Entry("prompt", said, text)
