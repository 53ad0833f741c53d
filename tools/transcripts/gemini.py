"""Reads Gemini CLI's transcripts: a record is a message; one of the agent is written again when its calls are done.

What the client itself tells the model stands in `$set` records, which are passed over; so are the sessions of sub-agents.
"""

import re
from typing import Any

from strategy_bank.tools.transcripts.entry import REQUEST, Entry, Reader, fields, objects, text_of, word

_FENCE = re.compile(r"\A<untrusted_context>\n|\n</untrusted_context>\Z")
_EXIT = re.compile(r"^Exit Code: [1-9]", re.MULTILINE)
_HOUSEKEEPING = frozenset({"write_todos", "update_topic", "list_mcp_resources", "activate_skill"})


class GeminiReader(Reader):
    _of_a_sub_agent = False

    def __init__(self, cwd: str = "") -> None:
        super().__init__(cwd)
        self._read: set[str] = set()  # ids of messages and calls
        self._failed: set[str] = set()  # ids of calls

    def _entry(self, record: dict[str, Any]) -> Entry | None:
        if "kind" in record and "sessionId" in record:
            self._of_a_sub_agent = record["kind"] != "main"
        if self._of_a_sub_agent:
            return None
        if record.get("type") == "gemini":
            return self._agent(record)
        return self._user(record) if record.get("type") == "user" else None

    def _agent(self, record: dict[str, Any]) -> Entry | None:
        ident, text = word(record.get("id")), text_of(record.get("content")).strip()
        calls = [call for call in objects(record.get("toolCalls")) if self._is_new(word(call.get("id")))]
        self._failed |= {word(call.get("id")) for call in calls if call.get("status") != "success"}
        others = [call for call in calls if not self._is_own(call.get("name"), call.get("id"))]
        content = [{"type": "text", "text": text}] if self._is_new(ident) and text else []
        content += [
            {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("args")}
            for call in others
        ]
        worked = any(word(call.get("name")) not in _HOUSEKEEPING for call in others)
        said = {"role": "assistant", "content": content}
        return Entry("agent", said, text_of(content), ident, worked) if content else None

    def _is_new(self, ident: str) -> bool:
        known = ident in self._read
        self._read.add(ident)
        return not known

    def _user(self, record: dict[str, Any]) -> Entry | None:
        answers = [fields(part.get("functionResponse")) for part in objects(record.get("content"))]
        if any(answers):
            return self._results([answer for answer in answers if answer])
        text = text_of(record.get("content")).strip()
        if REQUEST in text:
            return Entry("request", {})
        return Entry("prompt", {"role": "user", "content": text}, text) if text else None

    def _results(self, answers: list[dict[str, Any]]) -> Entry:
        others = [answer for answer in answers if answer.get("id") not in self._own_calls]
        shown = others or answers
        texts = [_output(answer) for answer in shown]
        text = "\n".join(texts)
        failed = any(answer.get("id") in self._failed for answer in shown) or bool(_EXIT.search(text))
        if not others:
            return self._own_result(text, failed=failed)
        blocks = [
            {"type": "tool_result", "tool_use_id": answer.get("id"), "content": output}
            for answer, output in zip(shown, texts, strict=True)
        ]
        return Entry("result", {"role": "user", "content": blocks}, text, failed=failed)


def _output(answer: dict[str, Any]) -> str:
    response = fields(answer.get("response"))
    return _FENCE.sub("", word(response.get("output")) or word(response.get("error")))
