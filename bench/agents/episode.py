"""One episode: a world with a budget of actions, and what the arm gives beside it. Both kinds of player act through it.

open_episode ─▶ Episode: act … the world closes ─▶ tools (report_outcome) ─▶ end
"""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import anyio.to_thread
from mcp import Client, MCPError
from mcp.types import TextContent

from bench.agents.raw import RawMemory
from bench.agents.record import Record, tokens
from bench.agents.world import World, not_understood
from bench.support.servers import connected, environment

Arm = Literal["none", "bank", "no-failures", "raw"]
ARMS: tuple[Arm, ...] = get_args(Arm)
WITH_TOOLS: tuple[Arm, ...] = ("bank", "no-failures")
BUDGET = 30
SCOPE = "scienceworld"
OFFERED = ("recall_strategies", "report_outcome")
"""Of the server's tools: one attempt a task is what is compared, so scale_attempts is left out."""
REPORT = "report_outcome"
NOT_REPORTED = "This episode is not reported."


class Refused(Exception):
    """The episode does not take this now; the message says what it takes."""


@dataclass(frozen=True)
class Visit:
    """Which task is played, where in its chain, in which arm; `bank` is the folder of the arm's memory of this chain."""

    arm: Arm
    task: str
    variation: int
    number: int
    bank: Path | None = None


@dataclass(frozen=True)
class Offer:
    """What an MCP client shows to its agent."""

    instructions: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """name, description, inputSchema"""


class Episode:
    """What an agent does and sees. Methods raise Refused; every event goes into the record."""

    def __init__(self, visit: Visit, world: World, record: Record, client: Client | None, offer: Offer) -> None:
        self.visit = visit
        self.world = world
        self.offer = offer
        self.first = ""
        self.handed_over = ""
        self.closing = ""
        """What the world reported at the end; empty while it is open."""
        self.steps: list[dict[str, Any]] = []
        self._record = record
        self._client = client
        self._reported = False
        self.ended = False

    @property
    def left(self) -> int:
        return BUDGET - len(self.steps)

    @property
    def succeeded(self) -> bool:
        return self.world.done and self.world.score >= 100

    @property
    def report_is_due(self) -> bool:
        """Whether the arm wants a report that has not been made."""
        wanted = self.visit.arm == "bank" or (self.visit.arm == "no-failures" and self.succeeded)
        return bool(self.closing) and wanted and not self._reported

    async def begin(self) -> None:
        self.first = await anyio.to_thread.run_sync(self.world.begin)
        if self.visit.arm == "raw" and self.visit.bank:
            self.handed_over = await anyio.to_thread.run_sync(RawMemory(self.visit.bank).recall, self.world.task)
        visit = {"arm": self.visit.arm, "task": self.visit.task, "variation": self.visit.variation}
        self._record.add(
            "begin", **visit, visit=self.visit.number, text=self.world.task, handed_over=tokens(self.handed_over)
        )

    def shown(self, text: str) -> None:
        """Note what the agent was given to read before it acted."""
        self._record.add("shown", tokens=tokens(text))

    async def act(self, actions: Sequence[str]) -> str:
        """Do the actions one after the other, up to one that the world does not understand; return what is to be read."""
        if self.closing:
            raise Refused(f"The episode is over: no more actions. {self.closing}")
        told: list[str] = []
        for number, action in enumerate(actions, 1):
            observation = await self._one(" ".join(action.split()))
            told.append(f"> {action}\n{observation}")
            if self.world.done or not self.left:
                self._close("world" if self.world.done else "budget")
                return "\n".join([*told, *self._closing_lines()])
            if not_understood(observation) and number < len(actions):
                told.append(f"The {len(actions) - number} actions after it were not done.")
                break
        return "\n".join([*told, f"[{self.left} actions left]"])

    async def _one(self, action: str) -> str:
        observation = await anyio.to_thread.run_sync(self.world.act, action)
        self.steps.append({"action": action, "observation": observation})
        self._record.add("action", action=action, observation=observation, score=self.world.score)
        return observation

    def give_up(self, by: str = "agent") -> str:
        """End the acting before the world or the budget does."""
        if not self.closing:
            self._close(by)
        return "\n".join(self._closing_lines())

    def _close(self, by: str) -> None:
        # the same words in every arm: what the world of a user would report, a result without a reason
        score = max(self.world.score, 0)
        self.closing = "Task completed." if self.succeeded else f"Task not completed: {score} of 100 points."
        self._record.add("closed", by=by, completed=self.succeeded, score=score, actions=len(self.steps))
        if self.visit.arm == "raw" and self.visit.bank:
            RawMemory(self.visit.bank).keep(self.world.task, [*self.steps, {"observation": self.closing}])

    def _closing_lines(self) -> list[str]:
        if self.report_is_due:
            return [self.closing, "The episode is over. Report it now."]
        if self.visit.arm in WITH_TOOLS and not self._reported:
            return [self.closing, f"The episode is over. {NOT_REPORTED}"]
        return [self.closing, "The episode is over."]

    async def tool(self, name: str, arguments: dict[str, Any]) -> str:
        """Call a tool of the server; return its reply as the client would show it."""
        if self._client is None:
            raise Refused("There are no tools in this episode.")
        if name not in OFFERED:
            raise Refused(f"There is no tool {name!r}; there are: {', '.join(OFFERED)}.")
        if name == REPORT and not self.closing:
            raise Refused("Report when the work has ended: after the last action, or after giving up.")
        if name == REPORT and not self.report_is_due and not self._reported:
            raise Refused(NOT_REPORTED)
        began = time.monotonic()
        try:
            result = await self._client.call_tool(name, arguments)
        except MCPError as exc:
            raise Refused(str(exc)) from exc
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        self._reported |= name == REPORT and not result.is_error
        self._record.add(
            "tool",
            name=name,
            arguments=arguments,
            reply=text,
            error=bool(result.is_error),
            seconds=round(time.monotonic() - began, 3),
        )
        return text

    def end(self) -> None:
        self.ended = True
        self._record.add("end", reported=self._reported)

    def usage(self, read: int, written: int) -> None:
        """Note what the model's endpoint counted for one of its answers."""
        self._record.add("usage", read=read, written=written)


@asynccontextmanager
async def open_episode(visit: Visit, folder: Path, world: Callable[[str, int], World]) -> AsyncGenerator[Episode, None]:
    """Start the world and, where the arm has one, the server on its own bank; both end with the block."""
    made = await anyio.to_thread.run_sync(world, visit.task, visit.variation)
    try:
        async with AsyncExitStack() as stack:
            client, offer = None, Offer()
            if visit.arm in WITH_TOOLS:
                assert visit.bank is not None
                client = await stack.enter_async_context(connected(environment(visit.bank, SCOPE)))
                offer = await _offered(client)
            episode = Episode(visit, made, Record(folder), client, offer)
            await episode.begin()
            yield episode
    finally:
        await anyio.to_thread.run_sync(made.close)


async def _offered(client: Client) -> Offer:
    listed = (await client.list_tools()).tools
    tools = [
        {"name": tool.name, "description": tool.description or "", "inputSchema": tool.input_schema}
        for tool in listed
        if tool.name in OFFERED
    ]
    return Offer(client.instructions or "", tools)
