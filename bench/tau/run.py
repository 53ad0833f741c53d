"""Sends attempts through a real server process, in the loop of an agent: recall, (work,) report; then looks what is there.

run ─▶ Tally: times, memory, answers, and every problem that was met
inspect_bank ─▶ problems of what is stored: lost, doubled or pending episodes, wrong counts, secrets
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from bench.support.processes import child_running, resident_mb
from bench.support.replayed import wrong_counters
from bench.support.servers import SERVER
from bench.tau.attempts import Attempt
from bench.tau.judge import Examiner, own_judgement
from bench.tau.lessons import FAR, REWORDED, kind_of
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy

EARLY = 20
"""After so many reports memory is looked at for the first time."""
REPEATED = 5


@dataclass
class Tally:
    """What happened in one run. Seconds per call; memory in MB by when it was looked at."""

    report_seconds: list[float] = field(default_factory=list[float])
    recall_seconds: list[float] = field(default_factory=list[float])
    memory: dict[str, float | None] = field(default_factory=dict[str, float | None])
    episodes: dict[str, Attempt] = field(default_factory=dict[str, Attempt])
    """By the id that was acknowledged."""
    actions: list[str] = field(default_factory=list[str])
    """`added` or `merged`, of each strategy that a report said was learned."""
    used: int = 0
    elapsed: float = 0.0
    right_kind: int = 0
    """Of the reworded tasks, how many got a lesson of their kind."""
    far_answered: int = 0
    """Of the far tasks, how many got any lesson."""
    problems: list[str] = field(default_factory=list[str])


async def run(
    environment: Mapping[str, str],
    attempts: Sequence[Attempt],
    held_out: Sequence[str] = (),
    examiner: Examiner | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Tally:
    """Report the attempts one after the other, then recall for other tasks. Without an examiner the agent judges itself."""
    tally = Tally()
    log = Path(environment["STRATEGY_BANK_HOME"]).with_suffix(".log")
    server = StdioServerParameters(command=sys.executable, args=["-m", SERVER, "serve"], env=dict(environment))
    with log.open("w") as errors:
        async with Client(stdio_client(server, errlog=errors)) as client:
            session = _Session(client, tally, examiner)
            process = child_running(SERVER)
            tally.memory["start"] = resident_mb(process)
            began = time.perf_counter()
            for done, attempt in enumerate(attempts, 1):
                await session.attempt(attempt)
                if done == EARLY:
                    tally.memory[f"after {EARLY}"] = resident_mb(process)
                progress(done)
            tally.elapsed = time.perf_counter() - began
            tally.memory["end"] = resident_mb(process)
            await session.repeat(attempts[:REPEATED])
            await session.recall_for([*held_out, *REWORDED, *FAR])
    tally.problems += _in_log(log, [attempt.secret for attempt in attempts])
    return tally


class _Session:
    """One client; what goes wrong becomes a problem, not an exception, so that a long run tells all of it."""

    def __init__(self, client: Client, tally: Tally, examiner: Examiner | None) -> None:
        self.client = client
        self.tally = tally
        self.examiner = examiner

    async def attempt(self, attempt: Attempt) -> None:
        """Recall, use the first of what comes, report."""
        recalled = await self._timed(self.tally.recall_seconds, "recall_strategies", task=attempt.task)
        used = [strategy["id"] for strategy in recalled.get("strategies", [])[:1]]
        self.tally.used += len(used)
        answer = await self._report(attempt, recall_id=recalled.get("recall_id"), used_strategy_ids=used)
        if not answer:
            return
        if answer["episode_id"] in self.tally.episodes:
            self._complain(attempt, "has the episode of another attempt")
        if answer["status"] != "learned" or answer["verdict"] != attempt.outcome:
            self._complain(attempt, f"{answer['status']}, {answer['verdict']} instead of {attempt.outcome}")
        if attempt.secret and not any("redacted" in warning for warning in answer["warnings"]):
            self._complain(attempt, "nobody said that a secret was redacted")
        self.tally.episodes[answer["episode_id"]] = attempt
        self.tally.actions += [strategy["action"] for strategy in answer["strategies"]]

    async def repeat(self, attempts: Sequence[Attempt]) -> None:
        """The same reports again are the same episodes, and nobody is asked to judge them."""
        for attempt in attempts:
            answer = await self._report(attempt, again=True)
            if answer and self.tally.episodes.get(answer["episode_id"]) is not attempt:
                self._complain(attempt, "is another episode when it is reported again")

    async def recall_for(self, tasks: Sequence[str]) -> None:
        """Tasks of the same kinds must get lessons; those in other words are looked at for their kind."""
        for task in tasks:
            recalled = await self._timed(self.tally.recall_seconds, "recall_strategies", task=task)
            kinds = [kind_of(each["title"]) for name in ("strategies", "others") for each in recalled.get(name, [])]
            if task in FAR:  # a title is an offer, a strategy in full a claim
                self.tally.far_answered += bool(recalled.get("strategies"))
            elif not kinds:
                self.tally.problems.append(f"No lesson came back for: {task[:80]}")
            self.tally.right_kind += REWORDED.get(task, "none") in kinds

    async def _report(self, attempt: Attempt, *, again: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {"task": attempt.task, "trajectory": attempt.sent, "outcome": attempt.outcome, **more}
        if self.examiner is None:
            arguments["judgement"] = own_judgement(attempt)
        else:
            self.examiner.expect(None if again else attempt)
        answer = await self._timed([] if again else self.tally.report_seconds, "report_outcome", **arguments)
        if self.examiner is not None:
            self.examiner.check_asked()
        if attempt.secret and attempt.secret in json.dumps(answer):
            self._complain(attempt, "the answer repeats the secret")
        return answer

    async def _timed(self, seconds: list[float], tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer; empty after a tool error, which is a problem."""
        given = {name: value for name, value in arguments.items() if value is not None}
        began = time.perf_counter()
        result = await self.client.call_tool(tool, given)
        seconds.append(time.perf_counter() - began)
        if result.is_error or result.structured_content is None:
            self.tally.problems.append(f"{tool}: {result.content}"[:400])
            return {}
        return result.structured_content

    def _complain(self, attempt: Attempt, what: str) -> None:
        self.tally.problems.append(f"Attempt {attempt.number}: {what}")


async def inspect_bank(environment: Mapping[str, str], tally: Tally, secrets: Sequence[str]) -> list[str]:
    """What is wrong with the bank after the server has ended; `secrets` may stand nowhere below its home."""
    settings = Settings.read(environment)
    bank = await Bank.open(settings.location)
    try:
        episodes, strategies = await bank.all(Episode), await bank.all(Strategy)
        runs, recalls = await bank.all(Run), await bank.all(Recall)
    finally:
        await bank.close()
    problems = [*_episode_problems(episodes, tally), *_strategy_problems(strategies, tally)]
    problems += wrong_counters(strategies, episodes)
    if len(recalls) != len(tally.recall_seconds):
        problems.append(f"{len(recalls)} recalls are in the bank, {len(tally.recall_seconds)} were made")
    records: list[Record] = [*episodes, *strategies, *runs, *recalls]
    return [*problems, *_leaks(records, settings.home, secrets)]


def _episode_problems(episodes: Sequence[Episode], tally: Tally) -> list[str]:
    stored = {episode.id: episode for episode in episodes}
    problems = [f"Episode {id} was acknowledged and is lost" for id in tally.episodes.keys() - stored.keys()]
    problems += [f"Episode {id} was never acknowledged" for id in stored.keys() - tally.episodes.keys()]
    if len(stored) != len(episodes):
        problems.append(f"{len(episodes)} rows for {len(stored)} episodes")
    for id in stored.keys() & tally.episodes.keys():
        episode, attempt = stored[id], tally.episodes[id]
        if (episode.status, episode.verdict, episode.outcome) != ("learned", attempt.outcome, attempt.outcome):
            problems.append(f"Episode {id} is {episode.status}, {episode.verdict}; the outcome was {attempt.outcome}")
    return problems


def _strategy_problems(strategies: Sequence[Strategy], tally: Tally) -> list[str]:
    """As many as were added, naming as many episodes as they were said in, as often credited as they were used."""
    counts = {
        "added": (len(strategies), tally.actions.count("added")),
        "said": (sum(len(strategy.episode_ids) for strategy in strategies), len(tally.actions)),
        "used": (sum(len(strategy.credited_by) for strategy in strategies), tally.used),
        "of known episodes": (len({id for s in strategies for id in s.episode_ids}), len(tally.episodes)),
        "active": (sum(strategy.status == "active" for strategy in strategies), len(strategies)),
    }
    return [
        f"Strategies {name}: {got} in the bank, {told} by the answers"
        for name, (got, told) in counts.items()
        if got != told
    ]


def _leaks(records: Sequence[Record], home: Path, secrets: Sequence[str]) -> list[str]:
    """Secrets in the records, which the files may hold compressed, and in the files, which may hold more than the records."""
    texts = [record.model_dump_json() for record in records]
    problems = [
        f"A secret is in {record.id}" for record, text in zip(records, texts, strict=True) if _holds(text, secrets)
    ]
    for file in home.rglob("*"):
        with suppress(OSError):
            if file.is_file() and _holds(file.read_bytes().decode("latin-1"), secrets):
                problems.append(f"A secret is in {file.relative_to(home)}")
    if any(secrets) and not any("[redacted: " in text for text in texts):
        problems.append("Nothing in the bank is redacted, although secrets were sent")
    return problems


def _holds(text: str, secrets: Sequence[str]) -> bool:
    return any(secret and secret in text for secret in secrets)


def _in_log(log: Path, secrets: Sequence[str]) -> list[str]:
    text = log.read_text("utf-8", "replace")
    problems = ["A secret is in the server's log"] if _holds(text, secrets) else []
    return [*problems, f"The server's log tells of an error: {text[-600:]}"] if "Traceback" in text else problems
