"""Tools with compact schemas and with errors that say what to do.

Every client pays for `tools/list` on every turn, so this leaves out what pydantic adds without use: titles, and null as an
alternative of optional arguments.
"""

from collections.abc import Callable
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.types import ToolAnnotations
from pydantic import PrivateAttr, ValidationError

from strategy_bank.server.mcp.argument_reader import ArgumentReader
from strategy_bank.server.unexpected import in_words

_UNLISTED = "unlisted"
UNLISTED: Any = {_UNLISTED: True}
"""`json_schema_extra` of what models need not know of before they are told: it stays out of the schema."""
# The validation still enforces these limits, and its errors name them.
_LEFT_OUT = ("title", "$defs", "minLength", "maxLength", "maxProperties")
_LEFT_OUT_OF_RESULTS = (*_LEFT_OUT, "required", "minimum", "maximum")
_SAYS_NOTHING: tuple[tuple[str, Any], ...] = (
    ("additionalProperties", True),
    ("additionalProperties", {"type": "string"}),
    ("default", None),
    ("default", ""),
    ("default", []),
)


class ContractTool(Tool):
    """A tool whose expected failures reach the model in their own words."""

    @classmethod
    def of(
        cls, function: Callable[..., Any], title: str, annotations: ToolAnnotations, meta: dict[str, Any] | None = None
    ) -> "ContractTool":
        """Build the tool from a function's name, docstring and arguments, with compact schemas."""
        description = " ".join((function.__doc__ or "").split())
        tool = cls.from_function(function, title=title, description=description, annotations=annotations, meta=meta)
        tool.fn_metadata = _Arguments.read_by(tool.parameters, tool.fn_metadata)
        tool.parameters = compact(tool.parameters, arguments=True)
        return cast("ContractTool", tool)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as exc:
            if isinstance(exc.__cause__, ValidationError):
                raise ToolError(self._refusal(exc.__cause__)) from exc.__cause__
            if exc.__cause__ is None:
                raise
            raise ToolError(in_words(exc.__cause__)) from exc.__cause__

    def _refusal(self, exc: ValidationError) -> str:
        """Name fields and rules, but never the rejected values: they are the caller's data and may be long."""
        reads_only = self.annotations is not None and self.annotations.read_only_hint
        unchanged = "" if reads_only else "Nothing was stored. "
        problems = [f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg']}" for error in exc.errors()]
        return f"{unchanged}Correct the arguments and call again: {'; '.join(problems[:8])}"


class _Arguments(FuncMetadata):
    """Reads arguments by the whole schema. The SDK's own reading takes JSON out of what is to stay a text."""

    _reader: ArgumentReader = PrivateAttr()

    @classmethod
    def read_by(cls, schema: dict[str, Any], known: FuncMetadata) -> "_Arguments":
        made = cls(
            arg_model=known.arg_model,
            output_schema=compact(known.output_schema or {}),
            output_model=known.output_model,
            wrap_output=known.wrap_output,
        )
        made._reader = ArgumentReader(schema)
        return made

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        return self._reader.read(data)


def compact(schema: dict[str, Any], *, arguments: bool = False) -> dict[str, Any]:
    """Return the schema without references and without what only pydantic reads.

    Optional `arguments` lose their alternative null. In schemas of results, only the outer object keeps its required fields.
    """
    whole = _compact({k: v for k, v in schema.items() if k != "description"}, schema.get("$defs", {}), arguments)
    return whole | {"required": schema["required"]} if "required" in schema else whole


def _compact(node: Any, models: dict[str, Any], arguments: bool) -> Any:
    if isinstance(node, list):
        return [_compact(item, models, arguments) for item in cast(list[Any], node)]
    if not isinstance(node, dict):
        return node
    fields = cast(dict[str, Any], node)
    if arguments and fields.get("default", ...) is None:
        fields = _without_null(fields)
    fields = _in_place(fields, models)
    return {
        key: {name: _compact(field, models, arguments) for name, field in value.items() if not _is_unlisted(field)}
        if key == "properties"
        else _compact(value, models, arguments)
        for key, value in fields.items()
        if key not in (_LEFT_OUT if arguments else _LEFT_OUT_OF_RESULTS)
        and (key, value) not in _SAYS_NOTHING
        and not _is_unlisted(value)
    }


def _is_unlisted(schema: Any) -> bool:
    return isinstance(schema, dict) and _UNLISTED in schema


def _in_place(fields: dict[str, Any], models: dict[str, Any]) -> dict[str, Any]:
    """Replace a reference by its model. The field's description stays, the model's own docstring goes."""
    if "$ref" not in fields:
        return fields
    model = models[fields["$ref"].rpartition("/")[2]]
    return {k: v for k, v in (model | {"description": None} | fields).items() if k != "$ref" and v is not None}


def _without_null(fields: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in fields.items() if key not in ("default", "anyOf")}
    choices = [choice for choice in fields.get("anyOf", []) if choice != {"type": "null"}]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices})
