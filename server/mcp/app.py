"""create_server: the MCP server with its three tools. Nothing opens, reads the environment or downloads at import.

Each tool is a function in tools.py of this room, which calls the file of its name in `strategy_bank.tools`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS

from strategy_bank.server.judges import make_judge
from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.mcp.prompts import add_prompts
from strategy_bank.server.mcp.resources import add_resources
from strategy_bank.server.mcp.tools import contract
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import StrategyBankError
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import render

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


def create_server(settings: Settings, bank: "Bank | None" = None, judge: Judge | None = None) -> MCPServer[State]:
    """The server on the bank of the settings, or on an open `bank`, which the server closes at its end."""
    state = State(settings, settings.default_scope(Path.cwd()), judge or make_judge(settings), bank)

    @asynccontextmanager
    async def lifespan(_: MCPServer[State]) -> AsyncGenerator[State]:
        async with anyio.create_task_group() as background:
            state.background = background
            background.start_soon(state.warm_up)
            yield state
            background.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await state.close()

    server = MCPServer[State](
        "strategy-bank",
        title="Strategy Bank",
        instructions=render("instructions"),
        version=version("strategy-bank"),
        lifespan=lifespan,
        log_level=settings.log_level,
        middleware=[_after_each_answer, _prompt_errors_in_words],
        tools=contract(),
    )
    add_resources(server, state)
    add_prompts(server, state)
    return server


Next = Callable[[ServerRequestContext[State, Any]], Awaitable[Any]]


async def _after_each_answer(ctx: ServerRequestContext[State, Any], call_next: Next) -> Any:
    """The first answer starts the warm-up; every tool call may leave the bank in need of tidying."""
    result = await call_next(ctx)
    ctx.lifespan_context.answered.set()
    if ctx.method == "tools/call":
        ctx.lifespan_context.tidy_soon()
    return result


async def _prompt_errors_in_words(ctx: ServerRequestContext[State, Any], call_next: Next) -> Any:
    """A prompt that is unknown, lacks an argument or finds no bank: the SDK calls all of these internal, without a reason."""
    try:
        return await call_next(ctx)
    except ValueError as exc:
        causes = list(_causes(exc))
        for cause in causes:
            if isinstance(cause, StrategyBankError):
                raise MCPError(INTERNAL_ERROR, str(cause)) from exc
        if ctx.method != "prompts/get" or len(causes) > 1:  # deeper down it is a mistake of ours
            raise
        raise MCPError(INVALID_PARAMS, str(exc)) from exc


def _causes(exc: BaseException) -> Iterator[BaseException]:
    while exc.__cause__ is not None:
        exc = exc.__cause__
        yield exc
