"""What a client's hook is answered after a tool call and when the agent stops, by the server that runs anyway.

Such hooks run all the time, beside the user's work: whatever goes wrong, there is nothing to add, and no write is waited for.
"""

import logging
import secrets
from typing import TYPE_CHECKING, Literal, NamedTuple

import anyio.to_thread

from strategy_bank.server.hook_reply import NOTHING_TO_ADD, context_for, request_for
from strategy_bank.server.mcp.app_state import Caller, State
from strategy_bank.server.mcp.caller import scope_of_call
from strategy_bank.store.records import Recall, Strategy
from strategy_bank.tools.recall_strategies import recall_when_stuck
from strategy_bank.tools.scopes.registry import Scope

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.transcripts.tail import Turn

Hook = Literal["UserPromptSubmit", "PostToolUseFailure", "PostToolUse", "Stop"]
"""Events of Claude Code and Codex. The first is answered as any recall is."""
_LESSONS = 3  # at most, for somebody who is stuck
logger = logging.getLogger(__name__)


class HookCall(NamedTuple):
    """What a hook tells: `said` by a tool, or the transcript of an agent that stops, perhaps `again` in the same turn."""

    event: Hook
    said: str
    transcript: str
    again: bool


async def answer(state: State, caller: Caller, call: HookCall) -> str:
    """Return the answer in the form of hooks. Raises nothing."""
    try:
        own, _ = await scope_of_call(state, caller, None)
        bank = await state.bank()
        if call.event == "Stop":
            return await _when_it_stops(state.settings, bank, own, call)
        return await _after_a_tool(state, bank, own, call)
    except Exception as exc:  # noqa: BLE001 whatever it is, the agent goes on; a call of its own tells what is wrong
        logger.info("A hook was left without an answer: %s", exc)
        return NOTHING_TO_ADD


async def _after_a_tool(state: State, bank: "Bank", own: Scope, call: HookCall) -> str:
    """Return a lesson for an error that came again. Codex sends what every command printed, failed or not."""
    error = state.failures.again(own.name, call.said, failed=call.event == "PostToolUseFailure")
    found = await recall_when_stuck(bank, "", error, _LESSONS, own) if error else None
    return context_for(call.event, found.as_text()) if found and found.strategies else NOTHING_TO_ADD


async def _when_it_stops(settings: "Settings", bank: "Bank", own: Scope, call: HookCall) -> str:
    """Return the request for a report if work was not reported, once a turn, and note what the transcript shows."""
    if not settings.transcripts:
        return NOTHING_TO_ADD
    recalls = bank.recalls.of_turn(own.name, again=call.again)
    turn = await anyio.to_thread.run_sync(_last_turn, settings, call.transcript)
    asks = turn.unreported and not call.again
    echoes = await _echoed(bank, recalls, turn)
    if not recalls and asks:
        bank.recalls.note(Recall(id=f"rc_{secrets.token_hex(8)}", scope=own.name, task=""))
        recalls = bank.recalls.of_turn(own.name, again=True)
    episode = turn.episode if call.again else ""
    bank.recalls.note_stop(recalls, echoes, asked=asks, episode=episode)
    return request_for(turn.client, call.transcript) if asks else NOTHING_TO_ADD


def _last_turn(settings: "Settings", path: str) -> "Turn":
    from strategy_bank.tools.transcripts.tail import last_turn  # not needed to start

    file, _ = settings.folders.find(path)
    return last_turn(str(file))


async def _echoed(bank: "Bank", recalls: list[Recall], turn: "Turn") -> list[str]:
    """Return the ids of the lessons that were shown in this turn and whose words came back in it."""
    from strategy_bank.tools.echoes import echoed

    shown = {id for each in recalls for id in (*each.strategy_ids, *each.opened_ids)}
    if not shown or not turn.messages:
        return []
    lessons = await bank.all(Strategy, id=list(shown))
    return await anyio.to_thread.run_sync(echoed, lessons, turn.prompt, turn.messages)
