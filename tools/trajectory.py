"""One normal form for what an agent did, whatever shape it came in.

Numbered steps, one labelled value after the other, the values verbatim:

    [1] user: Fix the failing test.
    [2] thought: First see it fail.
    [2] action: bash({"cmd":"pytest -q"})
    [2] observation: 1 failed
    AssertionError: 3 != 4
    [3] assistant: Done.

Steps with several calls number them (`action 2`, `observation 2`). A line of a value that looks like such a label is
indented by one space, so that nothing an agent read can pass for a step; quotes are compared without white space.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, TypeGuard

from strategy_bank.store.errors import InvalidInput

MAX_CHARS = 2_000_000
"""Longest text of a trajectory, in characters."""

ACCEPTED = (
    "Send plain text, a list of steps {thought, action, observation}, a list of chat messages "
    "{role, content, tool_calls} in the form of OpenAI or Anthropic, or a list of strings"
)

_ROLES = ("user", "assistant", "system", "developer", "tool", "function")
_MESSAGE_KEYS = {"content", "tool_calls", "function_call"}
_FIELDS = {
    "thought": "thought",
    "thinking": "thought",
    "reasoning": "thought",
    "action": "action",
    "tool": "action",
    "observation": "observation",
    "result": "observation",
    "output": "observation",
}
_ARGUMENTS = ("arguments", "args", "input", "action_input")
_PAYLOAD_KEYS = {"source", "data", "image_url", "input_audio", "file", "file_data", "file_id", "file_url"}
_BINARY = re.compile("image|audio|video|file|document|redacted_thinking")
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEXT_VALUE = re.compile(
    r"\n(?=\[[0-9]+\] (?:thought|action|observation|user|assistant|system|developer|text|other)"
    r"(?: [0-9]+)?(?: \([^()\n]*\))?: )"
)


@dataclass(frozen=True)
class Trajectory:
    """`text` in normal form (at most MAX_CHARS, valid UTF-8), its number of steps before any cut, and whether cut."""

    text: str
    steps: int
    cut: bool


def normalise(raw: object) -> Trajectory:
    """Plain text, steps, chat messages or strings (see ACCEPTED) in normal form; else InvalidInput with the reason."""
    if _is_dict(raw):
        raw = next((raw[key] for key in ("messages", "steps", "trajectory") if key in raw), [raw])
    if isinstance(raw, str):
        text, steps = _clean(raw), 1
    elif _is_list(raw):
        text, steps = _read(raw)
    else:
        raise InvalidInput(f"The trajectory is neither text nor a list but {type(raw).__name__}. {ACCEPTED}.")
    if not text.strip():
        raise InvalidInput(f"The trajectory is empty. {ACCEPTED}.")
    kept = _shorten(text, MAX_CHARS, "\n[… {:,} characters cut from the middle …]\n")
    return Trajectory(kept, steps, len(text) > MAX_CHARS)


def _read(items: list[Any]) -> tuple[str, int]:
    reader = _Reader()
    for number, item in enumerate(items, 1):
        try:
            reader.read(item)
        except _Unreadable as exc:
            raise InvalidInput(f"Step {number} of the trajectory {exc}. {ACCEPTED}.") from exc
    return reader.text()


class _Unreadable(Exception):
    """What is wrong with one item, as the end of the sentence `Step 3 of the trajectory …`."""


@dataclass
class _Step:
    by_agent: bool
    said: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(label, text)"""
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(id, text)"""
    results: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])
    """(id of the call, tool name where known, "error" or nothing, text)"""

    def values(self) -> Iterator[tuple[str, str]]:
        """(label, text) in reading order; what the agent says beside a call is a thought."""
        for label, text in self.said:
            yield "thought" if label == "assistant" and self.calls else label, text
        several = len(self.calls) > 1
        for order, (_, text) in enumerate(self.calls, 1):
            yield f"action {order}" if several else "action", text
        orders = {ident: f" {order}" for order, (ident, _) in enumerate(self.calls, 1) if ident and several}
        for ident, name, error, text in self.results:
            order = orders.get(ident, "")
            unclear = not order and len(self.calls) != 1
            note = " ".join(word for word in (name if unclear else "", error) if word)
            yield f"observation{order}" + (f" ({note})" if note else ""), text


class _Reader:
    """Reads items one after the other into steps. A tool's result joins the step of its call."""

    def __init__(self) -> None:
        self.steps: list[_Step] = []
        self.names: dict[str, str] = {}

    def text(self) -> tuple[str, int]:
        lines: list[str] = []
        number = 0
        for step in self.steps:
            values = [(label, kept) for label, text in step.values() if (kept := _value(text))]
            number += bool(values)
            lines += [f"[{number}] {label}: {text}" for label, text in values]
        return "\n".join(lines), number

    def read(self, item: object) -> None:
        if isinstance(item, str):
            self._open(by_agent=False).said.append(("text", item))
        elif not _is_dict(item):
            raise _Unreadable(f"is neither text nor an object but {type(item).__name__}")
        else:
            self._read_object(item)

    def _read_object(self, item: dict[Any, Any]) -> None:
        role, kind = _word(item.get("role")).lower(), _word(item.get("type"))
        if role in _ROLES and not _MESSAGE_KEYS.isdisjoint(item):
            self._message(role, item)
        elif kind.endswith("_call") and "observation" not in item and "result" not in item:
            self._call(item)
        elif kind.endswith("_call_output"):
            self._result(item, item.get("output"))
        elif kind == "reasoning" and "summary" in item:
            self._open(by_agent=True).said.append(("thought", _plain(item["summary"])))
        elif not role and not _FIELDS.keys().isdisjoint(item):
            self._fields(item)
        elif not role and kind in ("text", "thinking", "tool_use", "tool_result"):
            self._message("assistant", {"content": [item]}, opens=kind != "tool_result")
        else:
            raise _Unreadable(f"has a shape that is not known, with the keys {_keys(item)}")

    def _fields(self, item: dict[Any, Any]) -> None:
        step = self._open(by_agent=False)
        rest = {key: value for key, value in item.items() if key not in _FIELDS and value is not None}
        named = item.get("action") or item.get("tool")
        arguments = next((key for key in _ARGUMENTS if key in rest), None) if isinstance(named, str) else None
        for key, label in _FIELDS.items():
            text = _plain(item.get(key))
            if arguments and text and label == "action":
                text, arguments = _invocation(text, rest.pop(arguments)), None
            step.said.append((label, text))
        if not any(text.strip() for _, text in step.said):
            raise _Unreadable(f"has nothing in thought, action or observation, only the keys {_keys(item)}")
        others = {k: v for k, v in rest.items() if not (k in ("step", "index") and isinstance(v, int))}
        step.said.append(("other", _dump(others) if others else ""))

    def _message(self, role: str, item: dict[Any, Any], *, opens: bool = True) -> None:
        if role in ("tool", "function"):
            return self._result(item, item.get("content"))
        if role == "assistant" and opens and not self._only_thought():
            self._open(by_agent=True)
        texts = [text for block in _blocks(item.get("content")) if (text := self._block(block)).strip()]
        thoughts = [text for key in ("reasoning_content", "reasoning") if (text := _word(item.get(key)))]
        calls = [call for key in ("tool_calls", "function_call") for call in _as_list(item.get(key))]
        if not texts and not calls and not {"thought", "action", "observation"}.isdisjoint(item):
            raise _Unreadable(f"mixes an empty chat message with a step, with the keys {_keys(item)}")
        if role != "assistant" and texts:
            self._open(by_agent=False)
        if texts or thoughts:
            said = [("thought", text) for text in thoughts[:1]] + [(role, "\n".join(texts))]
            self.steps[-1].said.extend(said)
        for call in calls:
            self._call(call if _is_dict(call) else {"call": call})

    def _block(self, block: dict[Any, Any]) -> str:
        """The text of a content block; calls, results and thinking go to the open step instead."""
        kind = _word(block.get("type"))
        if kind.endswith("tool_use"):
            self._call(block)
        elif kind.endswith("tool_result"):
            self._result(block, block.get("content"))
        elif kind == "thinking" and self.steps:
            self.steps[-1].said.append(("thought", _plain(block.get("thinking"))))
        else:
            return _block_text(block)
        return ""

    def _call(self, call: dict[Any, Any]) -> None:
        if not self._agent_is_acting() or self.steps[-1].results:
            self._open(by_agent=True)
        inner = call["function"] if _is_dict(call.get("function")) else call
        name, ident = _word(inner.get("name")), _word(call.get("call_id")) or _word(call.get("id"))
        arguments = next((inner[key] for key in _ARGUMENTS if inner.get(key) is not None), "")
        self.names[ident] = name
        self.steps[-1].calls.append((ident, _invocation(name, arguments) if name else _dump(call)))

    def _result(self, item: dict[Any, Any], content: object) -> None:
        if not self._agent_is_acting():
            self._open(by_agent=True)
        ident = next((ref for key in ("tool_call_id", "tool_use_id", "call_id") if (ref := _word(item.get(key)))), "")
        name = re.sub(r"[^\w.-]+", "_", (ident and self.names.get(ident)) or _word(item.get("name")))[:64]
        error = "error" if item.get("is_error") is True else ""
        self.steps[-1].results.append((ident, name, error, _plain(content)))

    def _open(self, *, by_agent: bool) -> _Step:
        self.steps.append(_Step(by_agent))
        return self.steps[-1]

    def _agent_is_acting(self) -> bool:
        return bool(self.steps) and self.steps[-1].by_agent

    def _only_thought(self) -> bool:
        """A reasoning item stands alone before the message it belongs to."""
        return self._agent_is_acting() and {label for label, _ in self.steps[-1].said} == {"thought"} and not (
            self.steps[-1].calls or self.steps[-1].results
        )
