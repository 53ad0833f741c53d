"""Whether a model that reads our wording calls the right tool with the right fields: an endpoint over all situations.

    STRATEGY_BANK_LLM_MODEL=… STRATEGY_BANK_LLM_BASE_URL=… STRATEGY_BANK_LLM_API_KEY=… python -m bench.wording.tool_choice

The model gets the server's instructions and its three tools as the server lists them, as functions, and a shell. Exit code 2
when no endpoint is configured, 1 when it could not be asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from bench.support.figures import share, show_problems
from bench.wording.situations import Call, Kind, Situation, load_situations, mistakes
from strategy_bank.server.judges import check_endpoint
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput

AT_ONCE = 4
KINDS: list[Kind] = ["recall", "report", "judge", "attempt", "scale", "nothing"]
AGENT = (
    "You are a coding agent. You work in the user's terminal with the tool shell, and you have the tools of one MCP server, \
whose instructions are:\n\n"
)
SHELL = {
    "type": "function",
    "function": {
        "name": "shell",
        "description": "Run a command in the user's terminal",
        "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
    },
}


@dataclass(frozen=True)
class Offer:
    """What a client is offered: the server's instructions, its tools, and the schemas of their arguments by name."""

    instructions: str
    tools: list[dict[str, Any]]
    schemas: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    situation: Situation
    calls: list[Call] = field(default_factory=list[Call])
    mistakes: list[str] = field(default_factory=list[str])
    problem: str = ""
    """Why there is no answer, where there is none."""

    @property
    def right(self) -> bool:
        return not self.mistakes and not self.problem


async def offered() -> Offer:
    """What the server shows to every client; nothing of it is opened for that."""
    server = create_server(Settings(judge="agent"))
    tools, instructions = await server.list_tools(), server.instructions or ""
    functions = [
        {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema} for tool in tools
    ]
    return Offer(
        instructions,
        [{"type": "function", "function": function} for function in functions],
        {tool.name: tool.input_schema for tool in tools},
    )


async def ask_all(settings: Settings, situations: Sequence[Situation]) -> list[Answer]:
    """Put each situation to the endpoint of the settings. Raises InvalidInput when there is none."""
    check_endpoint(settings)
    from openai import AsyncOpenAI

    offer, limit, answers = await offered(), anyio.CapacityLimiter(AT_ONCE), dict[str, Answer]()
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    address = settings.llm_base_url or None
    async with AsyncOpenAI(api_key=key, base_url=address, timeout=settings.llm_timeout) as endpoint:

        async def ask(situation: Situation) -> None:
            async with limit:
                answers[situation.name] = await _ask(endpoint, settings.llm_model, offer, situation)

        async with anyio.create_task_group() as tasks:
            for situation in situations:
                tasks.start_soon(ask, situation)
    return [answers[situation.name] for situation in situations]


async def _ask(endpoint: Any, model: str, offer: Offer, situation: Situation) -> Answer:
    import openai

    system = {"role": "system", "content": AGENT + offer.instructions}
    try:
        completion = await endpoint.chat.completions.create(
            model=model, messages=[system, *situation.messages()], tools=[*offer.tools, SHELL]
        )
    except openai.OpenAIError as exc:
        return Answer(situation, problem=f"no answer: {exc}")
    if not completion.choices:
        return Answer(situation, problem="no answer: the completion is empty")
    made = completion.choices[0].message.tool_calls or []
    calls = [Call(tool=one.function.name, arguments=_object(one.function.arguments)) for one in made]
    return Answer(situation, calls, mistakes(situation.expect, calls, offer.schemas))


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def show(model: str, answers: Sequence[Answer]) -> None:
    print(f"{model}, {len(answers)} situations")
    _row("all", answers)
    for kind in KINDS:
        _row(kind, [answer for answer in answers if answer.situation.kind == kind])
    show_problems(
        [
            f"{answer.situation.name}: {answer.problem or '; '.join(answer.mistakes)}"
            for answer in answers
            if not answer.right
        ]
    )


def _row(name: str, answers: Sequence[Answer]) -> None:
    print(f"  {name:12}{share(sum(answer.right for answer in answers), len(answers))}")


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="only so many situations (default: all)")
    options = parser.parse_args(arguments)
    settings = Settings.read(os.environ if environment is None else environment)
    try:
        answers = anyio.run(ask_all, settings, load_situations()[: options.limit])
    except InvalidInput as exc:
        print(exc, file=sys.stderr)
        return 2
    show(settings.llm_model, answers)
    return 1 if any(answer.problem for answer in answers) else 0


if __name__ == "__main__":
    sys.exit(main())
