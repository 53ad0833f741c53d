"""Reads the arguments of a call in the forms in which clients, proxies and models send them, guided by the tool's schema.

Nothing given   null and blanks are as if the argument were absent, and so are 0, {} and [] where it is optional.
JSON as text    is read at any depth where the schema wants a list, an object or a number, and never where it wants a text.
One of a list   is a list of one.
A choice        is read in any case, and without the marks around the word.
A number        becomes a text where one is wanted, and 4.0 becomes 4.

Whatever else is wrong stays as it came, for the validation to refuse.
"""

from collections.abc import Mapping
from typing import Any, TypeGuard, cast

from strategy_bank.tools.trajectory.json_text import as_json_text, read_json

Schema = Mapping[str, Any]
Forms = Mapping[str, Schema]
_ABSENT: Any = object()
_AROUND_A_WORD = " \t\r\n\u00a0.\"'`*"
# bool stands first, since it is an int as well
_KINDS: dict[type[Any], str] = {
    bool: "boolean",
    str: "string",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
_INFLECTED = {"succeeded": "success", "successful": "success", "failed": "failure", "fail": "failure"}


class ArgumentReader:
    """Reads arguments by the JSON schema that pydantic makes of a function."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._models: Schema = schema.get("$defs", {})

    def read(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is given, in the forms that the schema wants as far as that is certain."""
        return self._object(arguments, self._schema)

    def _object(self, fields: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
        named, required = schema.get("properties", {}), schema.get("required", ())
        others = schema.get("additionalProperties")
        rest: Schema = cast(Schema, others) if isinstance(others, dict) else {}
        read = {key: self._value(each, named.get(key, rest), key not in required) for key, each in fields.items()}
        return {key: each for key, each in read.items() if each is not _ABSENT}

    def _list(self, items: list[Any], schema: Schema) -> list[Any]:
        read = [self._value(item, schema, optional=False) for item in items]
        return [item for item in read if item is not _ABSENT]

    def _value(self, value: Any, schema: Schema, optional: bool) -> Any:
        forms = self._forms(schema)
        if not forms:
            return value
        if isinstance(value, str):
            value = self._out_of_text(value, forms, optional)
        if _says_nothing(value, optional):
            return _ABSENT
        if "array" in forms:
            return self._items(value, forms["array"].get("items", {}))
        if "object" in forms and _is_object(value):
            return self._object(value, forms["object"])
        return _number(value, forms) if _kind(value) == "number" else value

    def _items(self, value: Any, schema: Schema) -> Any:
        if _is_list(value):
            return self._list(value, schema)
        return self._list([value], schema) if _kind(value) in self._forms(schema) else value

    def _out_of_text(self, text: str, forms: Forms, optional: bool) -> Any:
        """Return what the schema wants if the text holds that, else the text."""
        choices = _choices(forms)
        if not choices and forms.keys() <= {"string", "null"}:
            return text
        value = read_json(text)
        if self._is_wanted(value, forms) or (optional and _says_nothing(value, optional)):
            return value
        return _choice(value if isinstance(value, str) else text, choices) if choices else text

    def _is_wanted(self, value: Any, forms: Forms) -> bool:
        """Tell whether a value that was read from a text has a form other than text that is wanted."""
        kind, items = _kind(value), self._forms(forms.get("array", {}).get("items", {}))
        if _is_list(value):
            return "array" in forms and (not items or all(_kind(item) in {"string", "null", *items} for item in value))
        if kind == "number":
            return "integer" in forms or "number" in forms
        return kind in {*forms, *items} - {"string", "null"}

    def _forms(self, schema: Schema) -> Forms:
        """Return the schema of each JSON type that is wanted, by the type's name; none where anything goes."""
        if "$ref" in schema:
            return self._forms(self._models[schema["$ref"].rpartition("/")[2]])
        if "anyOf" in schema:
            return {name: form for choice in schema["anyOf"] for name, form in self._forms(choice).items()}
        return {schema["type"]: schema} if "type" in schema else {}


def _says_nothing(value: Any, optional: bool) -> bool:
    if isinstance(value, str):
        return not any(letter.isprintable() and not letter.isspace() for letter in value)
    return value is None or (optional and not value and value is not False)


def _choices(forms: Forms) -> list[str]:
    """Return the words of which one is wanted; none where any text will do."""
    schema = forms.get("string", {})
    return schema.get("enum") or ([schema["const"]] if "const" in schema else [])


def _choice(text: str, choices: list[str]) -> str:
    word = text.strip(_AROUND_A_WORD).casefold()
    word = _INFLECTED.get(word, word)
    return next((choice for choice in choices if choice.casefold() == word), text)


def _number(value: int | float, forms: Forms) -> Any:
    if "integer" in forms and isinstance(value, float) and value.is_integer():
        return int(value)
    return as_json_text(value) if forms.keys() <= {"string", "null"} else value


def _kind(value: Any) -> str:
    """Return the name of the JSON type of a value; whole numbers are numbers."""
    return next((name for kind, name in _KINDS.items() if isinstance(value, kind)), "null")


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)
