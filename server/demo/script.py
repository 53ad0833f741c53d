"""The command `demo`: shows step by step how an agent uses the bank.

    this file, an MCP client ── stdio ──▶ the real server, a process of its own ──▶ a bank in a temporary folder

The agent's work is read from `examples/`; everything else is what the server answered. It needs no network and no key.
"""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from mcp import Client, MCPError, StdioServerParameters
from mcp.types import TextContent, TextResourceContents
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from strategy_bank.server.demo.examples import EpisodeExample, RunExample, episode_examples, reuse_example, run_example
from strategy_bank.server.demo.stage import Stage, coloured, shortened
from strategy_bank.store.location import Location
from strategy_bank.store.user_home import expanded
from strategy_bank.tools.recall_strategies import RecallResult
from strategy_bank.tools.report_outcome import OutcomeResult
from strategy_bank.tools.scale_attempts import ScalingResult

SERVER = (sys.executable, "-m", "strategy_bank.server", "serve")
TOOLS = ["recall_strategies", "report_outcome", "scale_attempts"]
UNRELATED = "Which colours suit the landing page of a bakery?"
CALL_TIMEOUT_S = 60.0
Row = Sequence[str | Text]


class DemoFailed(Exception):
    """The demo cannot go on. The message says why."""


@dataclass
class Agent:
    """A connected client. It returns the tools' own result models."""

    client: Client

    async def recall(self, task: str) -> RecallResult:
        return RecallResult.model_validate(await self._call(TOOLS[0], task=task))

    async def report(self, **arguments: Any) -> OutcomeResult:
        return OutcomeResult.model_validate(await self._call(TOOLS[1], **arguments))

    async def scale(self, **arguments: Any) -> ScalingResult:
        return ScalingResult.model_validate(await self._call(TOOLS[2], **arguments))

    async def summary(self) -> str:
        contents = (await self.client.read_resource("bank://summary")).contents
        return "\n".join(part.text for part in contents if isinstance(part, TextResourceContents))

    async def _call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.client.call_tool(tool, arguments)
        if answer.is_error or answer.structured_content is None:
            said = " ".join(part.text for part in answer.content if isinstance(part, TextContent))
            raise DemoFailed(f"{tool}: {said}")
        return answer.structured_content


async def run_demo(
    console: Console, home: Path | None = None, command: Sequence[str] = SERVER, scratch: Path | None = None
) -> bool:
    """Show all steps. Return True if every expectation held.

    The bank goes into `home`, where there must be none yet and where it stays, else into a temporary folder, which is made in
    `scratch` or in the system's place for such. `command` starts a server over stdio.
    """
    stage, begin = Stage(console), perf_counter()
    try:
        with _folder(home, scratch) as folder:
            environment = {"STRATEGY_BANK_HOME": str(folder), "STRATEGY_BANK_SCOPE": "demo"}
            server = StdioServerParameters(command=command[0], args=list(command[1:]), env=environment)
            for steps in (_first_process, _second_process):
                async with Client(server, read_timeout_seconds=CALL_TIMEOUT_S) as client:
                    await steps(stage, Agent(client))
    except* (DemoFailed, MCPError, OSError, ValidationError) as failed:
        stage.missed += _reasons(failed)
    stage.close(perf_counter() - begin)
    return not stage.missed


@contextmanager
def _folder(home: Path | None, scratch: Path | None) -> Generator[Path]:
    if home is None:
        try:
            made = TemporaryDirectory(prefix="strategy-bank-demo-", dir=scratch, ignore_cleanup_errors=True)
        except OSError as exc:
            raise DemoFailed(
                f"No folder can be made for the bank: {exc}. Name one with --home, or set TMPDIR."
            ) from exc
        with made as folder:
            yield Path(folder)
        return
    if Path(Location(expanded(home)).tables_uri).exists():
        raise DemoFailed(f"There is a bank in {home} already. The demo wants an empty folder, or none at all.")
    yield home


def _reasons(exc: Exception | BaseExceptionGroup[Exception]) -> list[str]:
    """Return what went wrong, taken out of the groups that task groups wrap around it."""
    if isinstance(exc, BaseExceptionGroup):
        return [reason for each in exc.exceptions for reason in _reasons(each)]
    told = isinstance(exc, DemoFailed)
    return [str(exc) if told else f"The server did not answer as it should: {exc}. Its own messages stand above."]


async def _first_process(stage: Stage, agent: Agent) -> None:
    examples = episode_examples()
    await _empty_bank(stage, agent)
    await _reports(stage, agent, examples)
    await _recalls(stage, agent, examples)
    with stage.step("A hard task: independent attempts, then their contrast"):
        await _run(stage, agent, run_example("parallel"))
    with stage.step("Another: each attempt re-examines the one before"):
        await _run(stage, agent, run_example("sequential"))
    await _reuse(stage, agent, reuse_example())


async def _empty_bank(stage: Stage, agent: Agent) -> None:
    with stage.step("A server with three tools, and an empty bank"):
        tools = (await agent.client.list_tools()).tools
        rows = [(tool.name, (tool.description or "").partition(". ")[0]) for tool in tools]
        stage.table(("Tool", "What it tells the agent"), rows)
        stage.expect([tool.name for tool in tools] == TOOLS, "the three tools are there")
        recalled = await agent.recall(UNRELATED)
        stage.expect(not recalled.strategies, "an empty bank recalls nothing, and says so")
        stage.panel(recalled.guidance.strip(), "what the agent reads")


async def _reports(stage: Stage, agent: Agent, examples: dict[str, EpisodeExample]) -> None:
    """Report each example in one call, but the last one without a judgement, which the server then asks for."""
    with stage.step(f"{len(examples)} finished tasks are reported, failures too"):
        rows: list[Row] = []
        for name, example in examples.items():
            last = name == list(examples)[-1]
            told = await (_report_in_two_calls(stage, agent, example) if last else agent.report(**example.arguments()))
            titles = "\n".join(f"{strategy.action}: {strategy.title}" for strategy in told.strategies)
            rows.append((example.task, titles, coloured(told.verdict)))
            stage.learned[name] = [strategy.id for strategy in told.strategies]
            if told.status != "learned" or told.verdict != example.judgement.verdict or told.warnings:
                stage.expect(False, f"{name} is learned as {example.judgement.verdict} {' '.join(told.warnings)}")
        stage.table(("Task", "What was learned", "Verdict"), rows)
        stage.expect(all(stage.learned.values()), "every task taught something, the failures too")


async def _report_in_two_calls(stage: Stage, agent: Agent, example: EpisodeExample) -> OutcomeResult:
    asked = await agent.report(task=example.task, trajectory=example.trajectory)
    stage.expect(
        asked.status == "judgement_needed" and asked.judgement_request is not None,
        "a report without a judgement is stored, and the agent is asked to judge; it does so in a second call",
    )
    return await agent.report(episode_id=asked.episode_id, judgement=example.judgement.model_dump())


async def _recalls(stage: Stage, agent: Agent, examples: dict[str, EpisodeExample]) -> None:
    with stage.step("New tasks, in other words and other languages: which lessons come back?"):
        rows: list[Row] = []
        missing: list[str] = []
        for name, example in examples.items():
            menu = await agent.recall(example.reworded)
            hits = [*menu.strategies, *menu.others]
            lesson = next((hit for hit in hits if hit.id in stage.learned[name]), None)
            if lesson is None:
                missing.append(example.reworded)
            else:
                shown = "in full" if lesson in menu.strategies else "by title"
                rows.append(
                    (example.reworded, lesson.title, coloured(lesson.outcome), f"{shown}, no. {hits.index(lesson) + 1}")
                )
        stage.table(("New task", "Lesson that comes back", "From", "Shown"), rows)
        found = f"{len(examples) - len(missing)} of {len(examples)} found the lesson of their kind"
        stage.expect(not missing, "; ".join([found, *missing]))
        unrelated = await agent.recall(UNRELATED)
        stage.expect(not unrelated.strategies and not unrelated.others, f"{UNRELATED!r} gets none: nothing fits")


async def _run(stage: Stage, agent: Agent, example: RunExample) -> None:
    """Start a run, make each attempt as the replies say, then compare them."""
    run = await agent.scale(task=example.task, mode=example.mode, attempts=len(example.attempts))
    title = f"{run.mode}: {len(run.attempts)} attempts, {len(run.strategies)} recalled strategies in each brief"
    stage.panel(example.task, title, "dim")
    briefs = [state.brief for state in run.attempts if state.status == "open"]
    at_once = len(briefs)
    rows: list[Row] = []
    told = None
    for number, attempt in enumerate(example.attempts, 1):
        told = await agent.report(run_id=run.run_id, attempt=number, **attempt.arguments())
        rows.append((shortened(briefs[number - 1]), attempt.judgement.reason, coloured(told.verdict)))
        briefs += [told.brief] if told.brief else []
    stage.table(("Brief", "What the judge said", "Verdict"), rows)
    if example.mode == "parallel":
        stage.expect(at_once == len(rows), "all briefs are there at once, each with another way to go")
    else:
        stage.expect(at_once == 1 and len(briefs) == len(rows), "each report is answered with the next brief")
    asked = told is not None and told.comparison_request is not None
    stage.expect(asked, "the last report is answered with the request to compare")
    await _compare(stage, agent, run.run_id, example)


async def _compare(stage: Stage, agent: Agent, run_id: str, example: RunExample) -> None:
    done = await agent.scale(run_id=run_id, comparison=example.comparison.model_dump())
    titles = [f"{strategy.action}: {strategy.title}" for strategy in done.learned]
    stage.panel("\n".join([example.comparison.analysis, "", *titles]), f"Best attempt: {done.best_attempt}")
    stage.learned[f"run_{example.mode}"] = [strategy.id for strategy in done.learned]
    kept = done.best_attempt == example.comparison.best_attempt and done.status == "finished"
    stage.expect(kept and len(titles) == len(example.comparison.strategies), "the contrast is learned")


async def _reuse(stage: Stage, agent: Agent, example: EpisodeExample) -> None:
    with stage.step("A recalled strategy is used, and its counter moves"):
        recalled = await agent.recall(example.task)
        used = [hit for hit in recalled.strategies if hit.id in stage.learned[example.lesson_of]]
        use = {"recall_id": recalled.recall_id, "recalled": {hit.id: "helped" for hit in used}}
        await agent.report(**use, **example.arguments())
        helped = {hit.id: hit.helped for hit in (await agent.recall(example.task)).strategies}
        rows = [(example.task, hit.title, f"{hit.helped} → {helped.get(hit.id)}") for hit in used]
        stage.table(("Used for", "Strategy", "Helped"), rows)
        moved = bool(used) and all(helped.get(hit.id) == hit.helped + 1 for hit in used)
        stage.expect(moved, "used in a success counts as helped; merely being shown counts as nothing")


async def _second_process(stage: Stage, agent: Agent) -> None:
    with stage.step("The first server is closed; a second process knows it all"):
        summary = await agent.summary()
        stage.panel(summary.partition("##")[0].strip(), "bank://summary")
        strategies = {id for ids in stage.learned.values() for id in ids}
        stage.expect(f"strategies: {len(strategies)}" in summary, f"{len(strategies)} strategies are there")
        example = reuse_example()
        hits = (await agent.recall(example.task)).strategies
        again = [hit for hit in hits if hit.id in stage.learned[example.lesson_of] and hit.helped]
        stage.expect(bool(again), f"it recalls {again[0].title if again else 'the lesson'!r} with its counter")
