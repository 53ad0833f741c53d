"""Answers that can be sent: the names of files are not always UTF-8, and an answer with such a name would never leave."""

import json
from typing import Any

from mcp import MCPError
from mcp.server.context import CallNext, ServerRequestContext
from mcp.types import INTERNAL_ERROR
from pydantic_core import to_json

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.unexpected import in_words


async def only_what_can_be_sent(ctx: ServerRequestContext[State, Any], call_next: CallNext) -> Any:
    """Show what is not UTF-8 as question marks, in answers and in errors."""
    try:
        return sendable(await call_next(ctx))
    except MCPError as exc:
        raise MCPError(exc.error.code, sendable(exc.error.message), sendable(exc.error.data)) from exc
    except Exception as exc:
        if sendable(str(exc)) == str(exc):
            raise
        raise MCPError(INTERNAL_ERROR, sendable(in_words(exc))) from exc


def sendable(value: Any) -> Any:
    """Return what JSON can say, with question marks for what UTF-8 cannot."""
    try:
        to_json(value)
    except ValueError:
        return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return value
