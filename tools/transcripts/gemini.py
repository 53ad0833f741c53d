"""Reads Gemini CLI's transcripts: a record is a message; one of the agent is written again when its calls are done.

The results of calls stand with them, and in some versions again in a message of role `user`. What the client itself tells the
model stands in `$set` records, which are passed over, as in the contents of files that the user named with an @; so are the
sessions of sub-agents.
"""

import re
from collections.abc import Iterable
from typing import Any

from strategy_bank.tools.transcripts.client_blocks import taken_apart
from strategy_bank.tools.transcripts.entry import REQUEST, Entry, Reader, fields, objects, ran_by_user, text_of, word

_FENCE = re.compile(r"\A<untrusted_context>\n|\n</untrusted_context>\Z")
_EXIT = re.compile(r"^Exit Code: [1-9]", re.MULTILINE)
_RAN = re.compile(r"I ran the following shell command:\n```(?:sh)?\n(.*?)\n```(.*)", re.DOTALL)
_HOUSEKEEPING = frozenset({"write_todos", "update_topic", "list_mcp_resources", "activate_skill"})
_SILENT = frozenset({"info", "warning", ""})


class GeminiReader(Reader):
    _of_a_sub_agent = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._read: set[str] = set()  # ids of messages and calls
        self._failed: set[str] = set()  # ids of calls
        self._answered: set[str] = set()  # ids of calls

    def _entries(self, record: dict[str, Any]) -> Iterable[Entry]:
        if "kind" in record and "id" not in record:
            self._of_a_sub_agent = record["kind"] != "main"
        kind = word(record.get("type"))
        if self._of_a_sub_agent:
            return ()
        if kind == "gemini":
            return self._agent(record)
        if kind == "user":
            return self._user(record)
        return (Entry("broken", {}),) if kind == "error" else self._pass_over(kind, _SILENT)

    def _agent(self, record: dict[str, Any]) -> Iterable[Entry]:
        ident, text = word(record.get("id")), text_of(record.get("content")).strip()
        told = objects(record.get("toolCalls"))
        calls = [call for call in told if self._is_new(word(call.get("id")))]
        self._failed |= {word(call.get("id")) for call in told if call.get("status") in ("error", "cancelled")}
        others = [call for call in calls if not self._is_own(call.get("name"), call.get("id"))]
        content = [{"type": "text", "text": text}] if self._is_new(ident) and text else []
        content += [
            {"type": "tool_use", "id": call.get("id"), "name": call.get("name"), "input": call.get("args")}
            for call in others
        ]
        worked = any(word(call.get("name")) not in _HOUSEKEEPING for call in others)
        if content:
            yield Entry("agent", {"role": "assistant", "content": content}, text_of(content), ident, worked)
        yield from self._results([part for call in told for part in objects(call.get("result"))])

    def _is_new(self, ident: str) -> bool:
        known = ident in self._read
        self._read.add(ident)
        return not known

    def _user(self, record: dict[str, Any]) -> Iterable[Entry]:
        content = record.get("content")
        if any(fields(part.get("functionResponse")) for part in objects(content)):
            return self._results(objects(content))
        return self._said(record.get("displayContent") or content, text_of(content))

    def _said(self, shown: Any, whole: str) -> Iterable[Entry]:
        words = taken_apart(shown).words
        if REQUEST in whole:
            yield Entry("request", {})
        elif ran := _RAN.match(words):
            yield ran_by_user(ran[1], ran[2].strip())
        elif words:
            yield Entry("prompt", {"role": "user", "content": words}, words)

    def _results(self, parts: list[dict[str, Any]]) -> Iterable[Entry]:
        told = [answer for part in parts if (answer := fields(part.get("functionResponse")))]
        answers = [answer for answer in told if word(answer.get("id")) not in self._answered]
        self._answered |= {word(answer.get("id")) for answer in answers}
        others = [answer for answer in answers if answer.get("id") not in self._own_calls]
        texts = [_output(answer) for answer in others or answers]
        text = "\n".join(texts)
        failed = any(answer.get("id") in self._failed for answer in others or answers) or bool(_EXIT.search(text))
        blocks = [
            {"type": "tool_result", "tool_use_id": answer.get("id"), "content": output}
            for answer, output in zip(others, texts, strict=False)
        ]
        if others:
            yield Entry("result", {"role": "user", "content": blocks}, text, failed=failed)
        elif answers:
            yield self._own_result(text, failed=failed)


def _output(answer: dict[str, Any]) -> str:
    response = fields(answer.get("response"))
    return _FENCE.sub("", word(response.get("output")) or word(response.get("error")))
