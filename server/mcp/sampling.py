"""The sampling judge: the client's own model, asked through MCP where the client declares it. Deprecated in 2026-07-28.

These run before their tool. In the newest protocol they run again in each round, so what they store they store once, and the
prompt is the same each time.
"""

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Sample
from mcp.types import CreateMessageResult, SamplingMessage, TextContent
from mcp_types.version import is_version_at_least

from strategy_bank.server.mcp.app_state import State
from strategy_bank.store.records import Run
from strategy_bank.tools.judging.judge import (
    Judge,
    JudgeRequest,
    RepliedJudge,
    as_prompt,
    comparison_request,
    judgement_request,
)
from strategy_bank.tools.report_outcome import Report, is_settled, record
from strategy_bank.tools.scale_attempts import ScaleRequest, attempts_of, awaits_comparison, views_of

MAX_TOKENS = 2048


async def ask_to_judge(ctx: Context[State, Any], report: Report) -> Sample | None:
    """The request to the client's model, after the episode is durable; None where nothing is to be asked."""
    if report.judgement is not None or not _may_ask(ctx):
        return None
    episode, _ = await record(await ctx.request_context.lifespan_context.bank(), report)
    if is_settled(episode):
        return None
    return _sample(judgement_request(episode.task, episode.outcome, episode.trajectory))


async def ask_to_compare(ctx: Context[State, Any], request: ScaleRequest) -> Sample | None:
    """The request to the client's model once all attempts of the run are there; else None."""
    if request.comparison is not None or not request.run_id or not _may_ask(ctx):
        return None
    bank = await ctx.request_context.lifespan_context.bank()
    run = await bank.get(Run, request.run_id)
    reported = await attempts_of(bank, run)
    if not awaits_comparison(run, reported):
        return None
    return _sample(comparison_request(run.task, views_of(reported)))


def judge_for(state: State, reply: CreateMessageResult | None) -> Judge:
    """The reply of the client's model as a judge; without one, the judge of the settings."""
    if reply is None:
        return state.judge
    text = reply.content.text if isinstance(reply.content, TextContent) else ""
    return RepliedJudge(text, reply.model)


def _may_ask(ctx: Context[State, Any]) -> bool:
    if ctx.request_context.lifespan_context.settings.judge != "sampling":
        return False
    capabilities = ctx.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        return False
    modern = ctx.protocol_version is not None and is_version_at_least(ctx.protocol_version, "2026-07-28")
    return modern or ctx.request_context.session.can_send_request


def _sample(request: JudgeRequest) -> Sample:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=as_prompt(request)))
    return Sample([message], max_tokens=MAX_TOKENS)
