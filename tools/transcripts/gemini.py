"""Gemini CLI's transcripts: a record is a message, and one of the agent is written again with its calls when these are done.

What the client itself tells the model stands in `$set` records, which are passed over; so are the sessions of sub-agents.
"""

import re
from typing import Any

from strategy_bank.tools.transcripts.entry import REQUEST, Entry, fields, is_ours, objects, plain, word

_FENCE = re.compile(r"\A<untrusted_context>\n|\n</untrusted_context>\Z")
_EXIT = re.compile(r"^Exit Code: [1-9]", re.MULTILINE)
_HOUSEKEEPING = frozenset({"write_todos", "update_topic", "list_mcp_resources", "activate_skill"})


class GeminiReader:
    def __init__(self, cwd: str = "") -> None:
        self._cwd = cwd
        self._said: set[str] = set()
        """Ids of messages and calls that were read already."""
        self._own: set[str] = set()
        self._failed: set[str] = set()
        self._of_a_sub_agent = False

    def read(self, record: dict[str, Any]) -> Entry | None:
        if "kind" in record and "sessionId" in record:
            self._of_a_sub_agent = record["kind"] != "main"
        if self._of_a_sub_agent:
            return None
        kind = record.get("type")
        entry = self._agent(record) if kind == "gemini" else self._user(record) if kind == "user" else None
        return entry and entry._replace(at=word(record.get("timestamp")), cwd=self._cwd)

    def _agent(self, record: dict[str, Any]) -> Entry | None:
        ident, text = word(record.get("id")), plain(record.get("content")).strip()
        calls = [call for call in objects(record.get("toolCalls")) if self._is_new(word(call.get("id")))]
        self._failed |= {word(call.get("id")) for call in calls if call.get("status") != "success"}
        ours = [call for call in calls if is_ours(word(call.get("name")))]
        self._own |= {word(call.get("id")) for call in ours}
        others = [call for call in calls if call not in ours]
        content = [{"type": "text", "text": text}] if self._is_new(ident) and text else []
        content += [
            {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("args")}
            for call in others
        ]
        worked = any(word(call.get("name")) not in _HOUSEKEEPING for call in others)
        said = {"role": "assistant", "content": content}
        return Entry("agent", said, plain(content), ident, worked) if content else None

    def _is_new(self, ident: str) -> bool:
        known = ident in self._said
        self._said.add(ident)
        return not known

    def _user(self, record: dict[str, Any]) -> Entry | None:
        answers = [fields(part.get("functionResponse")) for part in objects(record.get("content"))]
        if any(answers):
            return self._results([answer for answer in answers if answer])
        text = plain(record.get("content")).strip()
        if REQUEST in text:
            return Entry("request", {})
        return Entry("prompt", {"role": "user", "content": text}, text) if text else None

    def _results(self, answers: list[dict[str, Any]]) -> Entry:
        ours = all(answer.get("id") in self._own for answer in answers)
        shown = [answer for answer in answers if ours or answer.get("id") not in self._own]
        texts = [_output(answer) for answer in shown]
        text = "\n".join(texts)
        failed = any(answer.get("id") in self._failed for answer in shown) or bool(_EXIT.search(text))
        if ours:
            return Entry("result", {}, reported="ep_" in text and not failed)
        blocks = [
            {"type": "tool_result", "tool_use_id": answer.get("id"), "content": output}
            for answer, output in zip(shown, texts, strict=True)
        ]
        return Entry("result", {"role": "user", "content": blocks}, text, failed=failed)


def _output(answer: dict[str, Any]) -> str:
    response = fields(answer.get("response"))
    return _FENCE.sub("", word(response.get("output")) or word(response.get("error")))
