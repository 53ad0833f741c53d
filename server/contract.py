"""What a client sees of a tool: a compact schema, and errors that say what to do.

Every client pays for `tools/list` on every turn, so what pydantic adds without use (titles, null alternatives of optional
arguments) is left out.
"""

from collections.abc import Callable
from typing import Any, cast

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from strategy_bank.store.errors import StrategyBankError


class ContractTool(Tool):
    """A tool whose expected failures reach the model in their own words."""

    @classmethod
    def of(cls, function: Callable[..., Any], title: str, annotations: ToolAnnotations) -> "ContractTool":
        """The tool of a function: its name, its docstring, its arguments; the schemas made compact."""
        tool = cls.from_function(function, title=title, description=_unwrapped(function), annotations=annotations)
        tool.parameters = compact(tool.parameters, optional_is_enough=True)
        tool.fn_metadata.output_schema = compact(tool.fn_metadata.output_schema)
        return cast("ContractTool", tool)

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as exc:
            if isinstance(exc.__cause__, ValidationError):
                raise ToolError(_what_to_mend(exc.__cause__)) from exc.__cause__
            if isinstance(exc.__cause__, StrategyBankError):
                raise ToolError(str(exc.__cause__)) from exc.__cause__
            raise


def compact(schema: Any, *, optional_is_enough: bool = False) -> Any:
    """The schema without titles; with `optional_is_enough`, an argument that may be left out is not also offered as null."""
    if isinstance(schema, list):
        return [compact(item, optional_is_enough=optional_is_enough) for item in cast(list[Any], schema)]
    if not isinstance(schema, dict):
        return schema
    fields = cast(dict[str, Any], schema)
    if optional_is_enough and fields.get("default", ...) is None:
        fields = _without_null(fields)
    return {
        key: _properties(value, optional_is_enough) if key in ("properties", "$defs") else compact(
            value, optional_is_enough=optional_is_enough
        )
        for key, value in fields.items()
        if key != "title"
    }


def _properties(named: dict[str, Any], optional_is_enough: bool) -> dict[str, Any]:
    """Names of properties are kept whatever they are: a strategy has a title."""
    return {name: compact(schema, optional_is_enough=optional_is_enough) for name, schema in named.items()}


def _without_null(fields: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in fields.items() if key not in ("default", "anyOf")}
    choices = [choice for choice in fields.get("anyOf", []) if choice != {"type": "null"}]
    return kept | (choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else {})


def _what_to_mend(exc: ValidationError) -> str:
    """Field names and rules, never the rejected values: those are the caller's data and may be long."""
    problems = [f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg']}" for error in exc.errors()]
    return f"Nothing was stored. Mend the arguments and call again: {'; '.join(problems[:8])}"


def _unwrapped(function: Callable[..., Any]) -> str:
    return " ".join((function.__doc__ or "").split())
