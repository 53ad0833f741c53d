"""Codex's rollouts: `{timestamp, type, payload}`; what was said and done are the payloads of type `response_item`.

Words of role `user` are the user's unless they are wrapped in a tag of the client: the environment, instructions of the
project, prompts of hooks, notices.
"""

import re
from typing import Any

from strategy_bank.tools.transcripts.entry import REQUEST, Entry, fields, is_ours, objects, plain, word

_OF_THE_CLIENT = re.compile(
    r"# AGENTS\.md instructions|<(?:environment_context|user_instructions|INSTRUCTIONS|permissions instructions|hook_prompt|"
    r"user_shell_command|subagent_notification|skills?_instructions|skill|recommended_plugins|apps_instructions|"
    r"plugins_instructions|collaboration_mode|model_switch|codex_internal_context|goal_context)\b"
)
_EXIT = re.compile(r"\b(?:[Ee]xit(?:ed with)? code|\"exit_code\")\D{0,3}(\d+)")
_HOUSEKEEPING = frozenset({"update_plan", "request_user_input", "tool_search", "list_mcp_resources"})


class CodexReader:
    def __init__(self) -> None:
        self._own: set[str] = set()
        self._cwd = ""
        self._of_a_sub_agent = False

    def read(self, record: dict[str, Any]) -> Entry | None:
        payload = fields(record.get("payload"))
        self._cwd = word(payload.get("cwd")) or self._cwd
        if record.get("type") == "session_meta":
            self._of_a_sub_agent = "subagent" in fields(payload.get("source"))
        if record.get("type") != "response_item" or self._of_a_sub_agent:
            return None
        entry = self._entry(payload, word(payload.get("type")))
        return entry and entry._replace(at=word(record.get("timestamp")), cwd=self._cwd)

    def _entry(self, payload: dict[str, Any], kind: str) -> Entry | None:
        if kind == "message":
            return _message(payload)
        if kind == "reasoning":
            return Entry("agent", {"type": kind, "summary": objects(payload.get("summary"))})
        if kind.endswith("_call"):
            return self._call(payload)
        return self._output(payload) if kind.endswith("_call_output") else None

    def _call(self, payload: dict[str, Any]) -> Entry | None:
        name = word(payload.get("name"))
        if is_ours(name):
            self._own.add(word(payload.get("call_id")))
            return None
        return Entry("agent", payload, worked=name not in _HOUSEKEEPING)

    def _output(self, payload: dict[str, Any]) -> Entry:
        output = payload.get("output")
        text = plain(fields(output).get("content") or output)
        if payload.get("call_id") in self._own:
            return Entry("result", {}, reported="ep_" in text)
        ended = _EXIT.search(text[:500])
        return Entry("result", payload, text, failed=bool(ended and int(ended[1])))


def _message(payload: dict[str, Any]) -> Entry | None:
    role, text = payload.get("role"), plain(payload.get("content")).strip()
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
