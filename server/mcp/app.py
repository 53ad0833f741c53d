"""create_server: the MCP server with its three tools. Nothing opens, reads the environment or downloads at import."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.context import CallNext, ServerRequestContext

from strategy_bank.server.judges import make_judge
from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.mcp.caller import keep_request
from strategy_bank.server.mcp.prompts import add_prompts, prompt_errors_in_words
from strategy_bank.server.mcp.resources import add_resources
from strategy_bank.server.mcp.sendable import only_what_can_be_sent
from strategy_bank.server.mcp.tools import contract
from strategy_bank.server.settings import Settings
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import render

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


def create_server(settings: Settings, bank: "Bank | None" = None, judge: Judge | None = None) -> MCPServer[State]:
    """Build the server on the bank of the settings, or on an open `bank`, which the server closes at its end."""
    return server_on(State(settings, judge or make_judge(settings), bank))


def server_on(state: State) -> MCPServer[State]:
    """Build the server on a state that others share, which it closes at its end."""

    @asynccontextmanager
    async def lifespan(_: MCPServer[State]) -> AsyncGenerator[State]:
        async with state.running():
            yield state

    server = MCPServer[State](
        "strategy-bank",
        title="Strategy Bank",
        instructions=render("instructions"),
        version=version("strategy-bank"),
        lifespan=lifespan,
        log_level=state.settings.log_level,
        middleware=[only_what_can_be_sent, keep_request, _after_each_answer, prompt_errors_in_words],
        tools=contract(),
    )
    add_resources(server, state)
    add_prompts(server, state)
    return server


async def _after_each_answer(ctx: ServerRequestContext[State, Any], call_next: CallNext) -> Any:
    """Start the warm-up after the first answer, and maintenance after a tool call."""
    result = await call_next(ctx)
    ctx.lifespan_context.answered.set()
    if ctx.method == "tools/call":
        ctx.lifespan_context.maintain_soon()
    return result
