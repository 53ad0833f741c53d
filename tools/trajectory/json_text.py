"""JSON that came as text: bare, in a code fence, or encoded more than once by the programs on its way."""

import json
import re
from typing import Any

_LAYERS = 3
_FENCED = re.compile(r"```[^\S\n]*+\w*+[^\S\n]*+\n?(.*?)```", re.DOTALL)


def read_json(text: str) -> Any:
    """Return the value that a text stands for, and the text itself where it is not JSON."""
    value: Any = text
    for _ in range(_LAYERS):
        if not isinstance(value, str):
            break
        try:
            value = json.loads(_bare(value))
        except (ValueError, RecursionError):  # not JSON, numbers of thousands of digits, or nested without end
            break
    return value


def _bare(text: str) -> str:
    """Return a text without the byte order mark, the blanks and the code fence around it."""
    text = text.strip("\ufeff \t\r\n")
    fenced = _FENCED.fullmatch(text) if text.startswith("```") else None
    return fenced[1] if fenced else text


def as_json_text(value: Any) -> Any:
    """Return a value as its JSON text. Text stays as it is, and so does what JSON cannot say."""
    if value is None or isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return value
