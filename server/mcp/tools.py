"""The three tools as MCP sees them: their arguments with the rules for them, handed to `tools/` as one request."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BeforeValidator, Field, Strict

from strategy_bank.server.hook_reply import context_for
from strategy_bank.server.mcp.app_state import Caller, State
from strategy_bank.server.mcp.caller import caller_of, scope_of_call
from strategy_bank.server.mcp.hook_calls import Hook, HookCall, answer
from strategy_bank.server.mcp.reporter import reporter_of
from strategy_bank.server.mcp.tool_schema import UNLISTED, ContractTool
from strategy_bank.server.mcp.transcript_reference import read_transcript, transcript_named, warnings_about
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Fate, Verdict
from strategy_bank.tools import report_outcome as reporting
from strategy_bank.tools import scale_attempts as scaling
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judgement import Comparison, Judgement, StrategyDraft
from strategy_bank.tools.recall_strategies import (
    RecallResult,
    open_strategies,
    recall,
    recall_when_stuck,
)
from strategy_bank.tools.report_outcome import OutcomeResult
from strategy_bank.tools.scale_attempts import ScaleRequest, ScalingResult
from strategy_bank.tools.trajectory.json_text import as_json_text
from strategy_bank.tools.trajectory.text import shorten

ItsScope = Annotated[str | None, Field(max_length=200, description="Leave out")]
ItsCaller = Annotated[Caller, Resolve(caller_of)]
# Bots pass tickets on as objects; their text is the task.
Task = Annotated[
    str,
    BeforeValidator(as_json_text),
    Field(min_length=1, max_length=8000, description="The task, as given to you"),
]
Trajectory = Annotated[
    str | list[Any] | dict[str, Any],
    Field(
        description="Text, steps {thought, action, observation} or chat messages, best condensed to about 1,500 tokens: "
        "decisive steps, key observations verbatim. Or {transcript: path} if a hook named it"
    ),
]
Whole = Annotated[int, Strict()]  # True is no number
Fates = Annotated[
    dict[str, Fate],
    Field(
        max_length=50,
        description="Each recalled id that you read: helped (or in part) or wrong if you followed it, else unfit",
    ),
]
# What agents sent before `recalled`; it says that they were followed, and no more.
Used = Annotated[list[str] | None, Field(max_length=50, json_schema_extra=UNLISTED)]

_STUCK_CHARS = 8_000

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Claude Code shows other tools by name only until the model searches for them, and nobody searches for a habit.
_ALWAYS_LOADED = {"anthropic/alwaysLoad": True}


def contract() -> list[Tool]:
    """Return the tools, in the order in which an agent needs them."""
    return [
        ContractTool.of(recall_strategies, "Recall strategies", _READS, _ALWAYS_LOADED),
        ContractTool.of(report_outcome, "Report an outcome", _ADDS, _ALWAYS_LOADED),
        ContractTool.of(scale_attempts, "Scale attempts", _ADDS),
    ]


async def recall_strategies(
    ctx: Context[State, Any],
    caller: ItsCaller,
    task: Task | None = None,
    limit: Annotated[Whole, Field(ge=1, le=10)] = 3,
    ids: Annotated[
        list[str] | None, Field(max_length=10, description="Instead of task: open those listed as others")
    ] = None,
    stuck_on: Annotated[str | None, Field(description="When stuck in mid-task: the error and your aim")] = None,
    scope: ItsScope = None,
    hook: Annotated[Hook | None, Field(json_schema_extra=UNLISTED)] = None,
    transcript: Annotated[str, Field(json_schema_extra=UNLISTED)] = "",
    stop_hook_active: Annotated[bool, Field(json_schema_extra=UNLISTED)] = False,
) -> Annotated[CallToolResult, RecallResult]:
    """BEFORE a task: get lessons from earlier successes and failures that fit it, some in full, others by title. Call it
    first, for any task of more than one step; again with ids to open others. Empty when nothing fits."""
    state = ctx.request_context.lifespan_context
    if hook and hook != "UserPromptSubmit":
        told = await answer(state, caller, HookCall(hook, stuck_on or "", transcript, stop_hook_active))
        return _reply(RecallResult(recall_id="", scope="", strategies=[], others=[], guidance=""), told)
    own, _ = await scope_of_call(state, caller, scope)
    bank = await state.bank()
    if ids:
        result = await open_strategies(bank, ids, own)
    elif stuck_on:
        result = await recall_when_stuck(bank, task or "", shorten(stuck_on, _STUCK_CHARS), limit, own)
    elif task:
        result = await recall(bank, task, limit, own, state.settings.hold_out)
    else:
        raise InvalidInput("Give the task, or ids of strategies to open.")
    return _reply(result, context_for(hook, result.as_text()) if hook else "")


async def report_outcome(
    ctx: Context[State, Any],
    caller: ItsCaller,
    task: Task | None = None,
    trajectory: Trajectory | None = None,
    judgement: Annotated[
        Judgement | None,
        Field(description="Your own verdict, held to evidence, and lessons. Give it in the same call"),
    ] = None,
    outcome: Annotated[
        Verdict | None,
        Field(
            description="Beside your verdict, what the world reported at the end, if it did: tests, a score, the user"
        ),
    ] = None,
    recall_id: Annotated[str | None, Field(description="Of the recall for this task")] = None,
    recalled: Fates | None = None,
    used_strategy_ids: Used = None,
    run_id: Annotated[str | None, Field(description="With attempt, of scale_attempts")] = None,
    attempt: Annotated[Whole | None, Field(ge=1, le=8)] = None,
    episode_id: Annotated[str | None, Field(description="With judgement: finish a pending report")] = None,
    same_as: Annotated[
        dict[str, Annotated[str | StrategyDraft, Field(json_schema_extra=UNLISTED)]] | None,
        Field(max_length=5, description="When asked: new id: known id"),
    ] = None,
    scope: ItsScope = None,
) -> Annotated[CallToolResult, OutcomeResult]:
    """AFTER a task, done, failed or given up: report once what happened and judge it, so that the lesson is kept. Needs
    task and trajectory, or episode_id."""
    state = ctx.request_context.lifespan_context
    unread, transcript_of = list[str](), ""
    if not episode_id and (path := transcript_named(trajectory)):
        past = await read_transcript(state.settings, path)
        task, trajectory, unread = task or past.task, past.trajectory(), warnings_about(past)
        transcript_of = past.client
    own, warnings = await scope_of_call(state, caller, scope, claim=True)
    request = Report(
        scope=own,
        reporter=reporter_of(ctx.request_context, caller, transcript_of),
        task=task,
        trajectory=trajectory,
        judgement=judgement,
        outcome=outcome,
        recall_id=recall_id or "",
        recalled=recalled or {},
        used_strategy_ids=used_strategy_ids or [],
        run_id=run_id or "",
        attempt=attempt or 0,
        episode_id=episode_id or "",
        same_as=same_as or {},
    )
    await ctx.report_progress(0, 1, f"storing and judging ({state.judge.name})")
    result = await reporting.report_outcome(await state.bank(), state.judge, request)
    await ctx.report_progress(1, 1, result.status)
    return _reply(result.model_copy(update={"warnings": [*unread, *warnings, *result.warnings]}))


async def scale_attempts(
    ctx: Context[State, Any],
    caller: ItsCaller,
    task: Task | None = None,
    attempts: Annotated[Whole | None, Field(ge=2, le=8, description="Default 3")] = None,
    mode: Annotated[
        Literal["parallel", "sequential"],
        Field(description="parallel: independent attempts; sequential: each re-examines the one before"),
    ] = "parallel",
    run_id: Annotated[str | None, Field(description="Go on with this run")] = None,
    comparison: Annotated[Comparison | None, Field(description="With run_id: finish the run")] = None,
    scope: ItsScope = None,
) -> Annotated[CallToolResult, ScalingResult]:
    """For a HARD task, or BEFORE trying again AFTER a failure: make several attempts, compare them, and learn from the
    contrast. Start with task; report each attempt: the reply says what is next; finish with run_id and comparison."""
    state = ctx.request_context.lifespan_context
    own, warnings = await scope_of_call(state, caller, scope, claim=True)
    request = ScaleRequest(
        scope=own,
        reporter=reporter_of(ctx.request_context, caller),
        task=task or "",
        attempts=attempts,
        mode=mode,
        run_id=run_id or "",
        comparison=comparison,
    )
    result = await scaling.scale(await state.bank(), state.judge, request)
    return _reply(result.model_copy(update={"warnings": [*warnings, *result.warnings]}))


def _reply(result: RecallResult | OutcomeResult | ScalingResult, text: str = "") -> CallToolResult:
    """Return the result as structured content, and as `text`, by default its own."""
    content = TextContent(type="text", text=text or result.as_text())
    return CallToolResult(content=[content], structured_content=result.model_dump(mode="json"))
