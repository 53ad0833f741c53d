"""Agents behind an OpenAI-compatible endpoint play the plan in every arm: success, score, actions, and the tokens it counts.

    STRATEGY_BANK_LLM_API_KEY=… python -m bench.agents.run --endpoint https://…/v1 --model … --out FOLDER
    python -m bench.agents.summary --from FOLDER

Visits of one chain follow each other, since the memory grows; chains and arms go on beside each other. An episode that lies
in the folder as a whole is not played again. Exit code 2 where ScienceWorld is missing, 1 where the endpoint did not answer.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from bench.agents.episode import ARMS, BUDGET, Arm, Episode, Refused, Visit, open_episode
from bench.agents.guide import WITH_TOOLS_OF_SERVER, beginning, rules
from bench.agents.plan import Plan, load_plan
from bench.agents.record import ended, forget
from bench.agents.world import ScienceWorld, World, WorldMissing

AT_ONCE = 2
MOST_TURNS = 2 * BUDGET
"""Answers of the model in one episode; an agent that only talks does not go on for ever."""
SILENT = "You called no tool. Act, or call give_up."
ACT = {
    "name": "act",
    "description": "Do one or several actions in order, up to one that is not understood",
    "parameters": {
        "type": "object",
        "properties": {"actions": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
        "required": ["actions"],
    },
}
GIVE_UP = {
    "name": "give_up",
    "description": "End the acting early; otherwise it ends by itself",
    "parameters": {"type": "object", "properties": {}},
}


@dataclass(frozen=True)
class Agent:
    """The model that plays: an openai client and the model's name."""

    endpoint: Any
    model: str

    async def play(self, episode: Episode) -> None:
        """Play until the world is closed and, where the arm wants it, reported. Raises openai.OpenAIError."""
        tools = functions(episode)
        messages: list[dict[str, Any]] = [{"role": "user", "content": _opening(episode)}]
        episode.shown(messages[0]["content"] + json.dumps(tools))
        for _ in range(MOST_TURNS):
            completion = await self.endpoint.chat.completions.create(model=self.model, messages=messages, tools=tools)
            if completion.usage:
                episode.usage(completion.usage.prompt_tokens, completion.usage.completion_tokens)
            message = completion.choices[0].message
            calls = [call for call in message.tool_calls or [] if call.type == "function"]
            if not calls and episode.closing and not episode.report_is_due:
                return
            messages.append(message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
            messages += [await _answer(episode, call) for call in calls] or [
                {"role": "user", "content": _nudge(episode)}
            ]
            if episode.closing and not episode.report_is_due:
                return  # what it would say now costs tokens and is read by nobody


def functions(episode: Episode) -> list[dict[str, Any]]:
    """Return the tools as functions: the world's, and those of the server as an MCP client lists them."""
    server = [
        {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}
        for tool in episode.offer.tools
    ]
    return [{"type": "function", "function": function} for function in (ACT, GIVE_UP, *server)]


def _opening(episode: Episode) -> str:
    parts = [rules(episode)]
    if episode.offer.tools:
        parts.append(WITH_TOOLS_OF_SERVER.format(instructions=episode.offer.instructions))
    return "\n".join([*parts, beginning(episode)])


def _nudge(episode: Episode) -> str:
    return episode.give_up() if episode.closing else SILENT


async def _answer(episode: Episode, call: Any) -> dict[str, Any]:
    try:
        text = await _do(episode, call.function.name, json.loads(call.function.arguments or "{}"))
    except Refused as exc:
        text = str(exc)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:  # a model wrote the arguments
        text = f"These arguments cannot be read: {exc!r}"
    return {"role": "tool", "tool_call_id": call.id, "content": text}


async def _do(episode: Episode, name: str, arguments: dict[str, Any]) -> str:
    if name == "act":
        return await episode.act([str(action) for action in arguments["actions"]])
    if name == "give_up":
        return episode.give_up()
    return await episode.tool(name, arguments)


def visits(plan: Plan, arms: Sequence[Arm], tasks: Sequence[str], most: int, out: Path) -> list[list[Visit]]:
    """Return the chains: one for each arm and task type, its visits in order, with a memory of its own."""
    return [
        [
            Visit(arm, task, variation, number, out / arm / task / "memory")
            for number, variation in enumerate(plan.chains[task][:most], 1)
        ]
        for task in tasks
        for arm in arms
    ]


async def play_all(
    agent: Agent, chains: Sequence[Sequence[Visit]], out: Path, world: Callable[[str, int], World]
) -> None:
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def play(chain: Sequence[Visit]) -> None:
        async with limit:
            for visit in chain:
                folder = out / visit.arm / visit.task / str(visit.number)
                if not ended(folder):
                    await _one(agent, visit, folder, world)

    async with anyio.create_task_group() as tasks:
        for chain in chains:
            tasks.start_soon(play, chain)


async def _one(agent: Agent, visit: Visit, folder: Path, world: Callable[[str, int], World]) -> None:
    forget(folder)
    async with open_episode(visit, folder, world) as episode:
        await agent.play(episode)
        episode.give_up()
        episode.end()
        print(
            f"{visit.arm:12}{visit.task:16}{visit.number:3}  {len(episode.steps):2} actions  {episode.closing}",
            flush=True,
        )


async def _with_endpoint(options: argparse.Namespace, key: str, world: Callable[[str, int], World]) -> None:
    from openai import AsyncOpenAI

    chains = visits(load_plan(), options.arms, options.tasks, options.visits, options.out)
    async with AsyncOpenAI(api_key=key, base_url=options.endpoint, max_retries=3) as endpoint:
        await play_all(Agent(endpoint, options.model), chains, options.out, world)


def main(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    world: Callable[[str, int], World] = ScienceWorld,
) -> int:
    plan = load_plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True, help="address of the API, ending in /v1")
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True, type=Path, help="folder of the records and memories")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--tasks", nargs="+", choices=list(plan.chains), default=list(plan.chains))
    parser.add_argument(
        "--visits", type=int, default=max(map(len, plan.chains.values())), help="of each chain the first"
    )
    options = parser.parse_args(arguments)
    key = (os.environ if environment is None else environment).get("STRATEGY_BANK_LLM_API_KEY", "none")
    import openai

    code = 0
    try:
        anyio.run(_with_endpoint, options, key, world)
    except* WorldMissing as group:
        print(group.exceptions[0], file=sys.stderr)
        code = 2
    except* openai.OpenAIError as group:
        print(f"The endpoint did not answer: {group.exceptions[0]}", file=sys.stderr)
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
