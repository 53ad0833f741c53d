"""Reads steps, messages and content blocks of many shapes into the numbered lines of the normal form."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from strategy_bank.tools.trajectory.text import strip_controls

_ROLES = ("user", "assistant", "system", "developer", "tool", "function")
_MESSAGE_KEYS = {"content", "tool_calls", "function_call"}
_LABELS = {
    "thought": ("thought", "thinking", "reasoning"),
    "action": ("action", "tool"),
    "observation": ("observation", "result", "output"),
}
_FIELDS = {key: label for label, keys in _LABELS.items() for key in keys}
_RESULTS = set(_LABELS["observation"])
_ARGUMENTS = ("arguments", "args", "input", "action_input")
_REFERENCES = ("tool_call_id", "tool_use_id", "call_id")
_PAYLOAD_KEYS = {"source", "data", "image_url", "input_audio", "file", "file_data", "file_id", "file_url"}
_BINARY = re.compile("image|audio|video|file|document|redacted_thinking")
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
NEXT_VALUE = re.compile(
    r"\n(?=\[[0-9]+\] (?:thought|action|observation|user|assistant|system|developer|text|other)"
    r"(?: [0-9]+)?(?: \([^()\n]*\))?: )"
)


class Unreadable(Exception):
    """Says what is wrong with one item, as the end of the sentence `Step 3 of the trajectory …`."""


@dataclass(slots=True)
class _Step:
    """Collects what belongs to one step, as tuples:

    `said`: label and text; `calls`: id and text; `results`: id of the call, name of the tool where it is known, "error" or
    nothing, and text.
    """

    by_agent: bool
    said: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    results: list[tuple[str, str, str, str]] = field(default_factory=list[tuple[str, str, str, str]])

    def values(self) -> Iterator[tuple[str, str]]:
        """Yield label and text in reading order; what the agent says beside a call is a thought."""
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


class StepReader:
    """Reads items one after the other into steps. A tool's result joins the step of its call."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.number = 0
        self.step = _Step(by_agent=False)  # the open one
        self.names: dict[str, str] = {}  # of the tools, by the id of their call

    def text(self) -> tuple[str, int]:
        self._open(by_agent=False)
        return "\n".join(self.lines), self.number

    def _open(self, *, by_agent: bool) -> _Step:
        """Write the open step down, if anything is in it, and open the next."""
        values = [(label, kept) for label, text in self.step.values() if (kept := _value(text))]
        self.number += bool(values)
        self.lines += [f"[{self.number}] {label}: {text}" for label, text in values]
        self.step = _Step(by_agent)
        return self.step

    def read(self, item: object) -> None:
        if isinstance(item, str):
            self._open(by_agent=False).said.append(("text", item))
        elif not is_dict(item):
            raise Unreadable(f"is neither text nor an object but {type(item).__name__}")
        else:
            self._read_object(item)

    def _read_object(self, item: dict[Any, Any]) -> None:
        role, kind = _word(item.get("role")).lower(), _word(item.get("type"))
        if role in _ROLES and not _MESSAGE_KEYS.isdisjoint(item) and _LABELS.keys().isdisjoint(item):
            self._message(role, item)
        elif kind.endswith("_call") and _RESULTS.isdisjoint(item):
            self._call(item)
        elif kind.endswith("_call_output"):
            self._result(item, item.get("output"))
        elif kind == "reasoning" and "summary" in item:
            self._open(by_agent=True).said.append(("thought", _text_of(item["summary"])))
        elif not role and not _FIELDS.keys().isdisjoint(item):
            self._fields(item)
        elif not role and kind in ("text", "thinking", "tool_use", "tool_result"):
            self._message("assistant", {"content": [item]}, opens=kind in ("text", "thinking"))
        else:
            raise Unreadable(f"has a shape or a role that is not known, with the keys {_keys(item)}")

    def _fields(self, item: dict[Any, Any]) -> None:
        step = self._open(by_agent=False)
        rest = {key: value for key, value in item.items() if key not in _FIELDS and value is not None}
        named = item.get("action") or item.get("tool")
        arguments = next((key for key in _ARGUMENTS if key in rest), None) if isinstance(named, str) else None
        for key, label in _FIELDS.items():
            if not (text := _text_of(item.get(key)) if key in item else ""):
                continue
            if arguments and label == "action":
                text, arguments = _invocation(text, rest.pop(arguments)), None
            step.said.append((label, text))
        if others := {k: v for k, v in rest.items() if not (k in ("step", "index") and isinstance(v, int))}:
            step.said.append(("other", _dump(others)))

    def _message(self, role: str, item: dict[Any, Any], *, opens: bool = True) -> None:
        if role in ("tool", "function"):
            return self._result(item, item.get("content"))
        if role == "assistant" and opens and not self._only_thought():
            self._open(by_agent=True)
        blocks = _blocks(item.get("content")) + _blocks(item.get("refusal"))
        texts = [text for block in blocks if (text := self._block(block)).strip()]
        if role == "assistant":
            hidden = item.get("reasoning_content") or item.get("reasoning")
            self.step.said.append(("thought", _word(hidden)))
        elif texts:
            self._open(by_agent=False)
        if texts:
            self.step.said.append((role, "\n".join(texts)))
        for call in [*_as_list(item.get("tool_calls")), *_as_list(item.get("function_call"))]:
            self._call(call if is_dict(call) else {"call": call})

    def _block(self, block: dict[Any, Any]) -> str:
        """Return the text of a content block; calls, results and thinking go to the open step instead."""
        kind = _word(block.get("type"))
        if kind.endswith("tool_use"):
            self._call(block)
        elif kind.endswith("tool_result"):
            self._result(block, block.get("content"))
        elif kind == "thinking":
            self.step.said.append(("thought", _text_of(block.get("thinking"))))
        else:
            return _block_text(block)
        return ""

    def _call(self, call: dict[Any, Any]) -> None:
        if not self.step.by_agent or self.step.results:
            self._open(by_agent=True)
        inner = call["function"] if is_dict(call.get("function")) else call
        name, ident = _word(inner.get("name")), _word(call.get("call_id")) or _word(call.get("id"))
        arguments = next((inner[key] for key in _ARGUMENTS if inner.get(key) is not None), "")
        self.names[ident] = name
        self.step.calls.append((ident, _invocation(name, arguments) if name else _dump(call)))

    def _result(self, item: dict[Any, Any], content: object) -> None:
        if not self.step.by_agent:
            self._open(by_agent=True)
        ident = next((_word(item[key]) for key in _REFERENCES if key in item), "")
        name = re.sub(r"[^\w.-]+", "_", (ident and self.names.get(ident)) or _word(item.get("name")))[:64]
        error = "error" if item.get("is_error") is True else ""
        self.step.results.append((ident, name, error, _text_of(content)))

    def _only_thought(self) -> bool:
        """Tell whether the open step has nothing but thoughts, which belong to the message after them."""
        step = self.step
        quiet = step.by_agent and not step.calls and not step.results
        return quiet and all(label == "thought" for label, _ in step.said)


def has_known_shape(item: dict[Any, Any]) -> bool:
    """Tell whether an object is a step or a message, by itself."""
    role = _word(item.get("role")).lower()
    return not _FIELDS.keys().isdisjoint(item) if not role else role in _ROLES and not _MESSAGE_KEYS.isdisjoint(item)


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _as_list(value: object) -> list[Any]:
    return value if is_list(value) else [] if value is None else [value]


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _keys(item: dict[Any, Any]) -> str:
    shown = [strip_controls(key)[:40] if isinstance(key, str) else f"<{type(key).__name__}>" for key in item]
    return ", ".join(shown[:10]) + (", …" if len(shown) > 10 else "") if shown else "(none)"


def _dump(value: object) -> str:
    try:
        return _COMPACT.encode(value)
    except RecursionError as exc:
        raise Unreadable("is nested too deeply") from exc
    except (TypeError, ValueError) as exc:
        raise Unreadable(f"holds something that is not JSON ({exc})") from exc


def _invocation(name: str, arguments: object) -> str:
    return f"{name}({arguments if isinstance(arguments, str) else _dump(arguments)})"


def _text_of(value: object) -> str:
    """Return text as it is, content blocks as their text, anything else as compact JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    if is_list(value) and all(is_dict(part) and _word(part.get("type")) for part in value):
        return "\n".join(_block_text(part) for part in value)
    return _dump(value)


def _blocks(content: object) -> list[dict[Any, Any]]:
    """Return the content of a chat message as blocks: {type: text, text} for whatever is not one already."""
    parts = _as_list(content)
    return [part if is_dict(part) else {"type": "text", "text": _text_of(part)} for part in parts]


def _block_text(block: dict[Any, Any]) -> str:
    kind, text = _word(block.get("type")), block.get("text", block.get("refusal"))
    if isinstance(text, str) and (kind.endswith("text") or kind == "refusal"):
        return text
    binary = _BINARY.search(kind)
    return f"[{binary[0]}]" if binary and not _PAYLOAD_KEYS.isdisjoint(block) else _dump(block)


def _value(text: str) -> str:
    """Return a value as it stands after its label; empty if it is blank."""
    text = strip_controls(text).strip("\n")
    return NEXT_VALUE.sub("\n ", text) if text.strip() else ""
