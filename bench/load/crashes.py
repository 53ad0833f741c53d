"""Kill a process in the middle of what it does to the bank, many times: is everything acknowledged there, does the bank open?

    python -m bench.load.crashes [--kills 50]

A process reports (and merges), joins pieces, compacts, migrates or re-embeds in a loop and is killed with SIGKILL at a random
moment. Then the bank is opened by another process and compared with what the first had been told.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from bench.support.figures import show_problems
from bench.support.lessons import lesson, report
from bench.support.places import ROOT
from bench.support.replayed import wrong_counters
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import migrations, upkeep
from strategy_bank.store.records import Episode, Strategy
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.recall_strategies import recall
from strategy_bank.tools.report_outcome import OutcomeResult, report_outcome
from strategy_bank.tools.scopes.registry import Scope

SCOPE = "crashes"
NEWEST = migrations.FORMAT_VERSION
MERGED = 7
"""So many different lessons: most reports merge."""
MOMENTS_S = {"report": 0.8, "join": 0.6, "compact": 0.6, "migrate": 0.3, "reembed": 1.0}
"""The kill comes between 0 and this after the process has said that it begins."""


@dataclass
class Crashes:
    kills: dict[str, int] = field(default_factory=dict[str, int])
    acknowledged: set[str] = field(default_factory=set[str])
    pending: int = 0
    """Episodes that were found pending after a kill, and finished by the same report sent again."""
    problems: list[str] = field(default_factory=list[str])


async def crashes(home: Path, kills: int, seed: int = 0) -> Crashes:
    """Kill `kills` times, the phases in turn, all on the bank in `home`."""
    told, chance, location = Crashes(), random.Random(seed), Location(home)
    await _send(location, range(MERGED))
    for number in range(kills):
        phase = list(MOMENTS_S)[number % len(MOMENTS_S)]
        lines = await anyio.to_thread.run_sync(
            _run_and_kill, phase, home, 100 * (number + 1), chance.uniform(0, MOMENTS_S[phase])
        )
        told.kills[phase] = told.kills.get(phase, 0) + 1
        told.acknowledged |= {line.split()[1] for line in lines if line.startswith("acknowledged")}
        try:
            await _look(told, location, phase, 100 * (number + 1))
        except Exception as exc:  # noqa: BLE001 (whatever it is, it is what this looks for)
            told.problems.append(f"after a kill in {phase}: {type(exc).__name__}: {exc}")
    return told


def _run_and_kill(phase: str, home: Path, first: int, seconds: float) -> list[str]:
    """The whole lines that the process had printed before it was killed."""
    command = [sys.executable, "-m", "bench.load.crashes", "child", phase, str(home), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert process.stdout.readline() == "begins\n"
        time.sleep(seconds)
        process.kill()
        return [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]


async def _look(told: Crashes, location: Location, phase: str, first: int) -> None:
    if phase == "migrate":
        _have_a_migration()
    try:
        bank = await Bank.open(location)
        try:
            await _look_into(told, bank, phase, first)
        finally:
            await bank.close()
    finally:
        if phase == "migrate":
            await _back_to_newest(location)


async def _look_into(told: Crashes, bank: Bank, phase: str, first: int) -> None:
    pending = await bank.all(Episode, status="pending")
    told.pending += len(pending)
    for episode in pending:
        number = int(episode.trajectory.split()[1])
        await _report(bank, number)
    episodes, strategies = await bank.all(Episode), await bank.all(Strategy)
    stored, known = {episode.id: episode for episode in episodes}, {strategy.id for strategy in strategies}
    told.problems += [f"{id} was acknowledged and is lost ({phase})" for id in told.acknowledged - stored.keys()]
    told.problems += [f"{id} is still {stored[id].status}" for id in stored if stored[id].status != "learned"]
    told.problems += [f"{e.id} taught {t.id}, which is lost" for e in episodes for t in e.learned if t.id not in known]
    told.problems += [f"{problem} ({phase})" for problem in wrong_counters(strategies, episodes)]
    for strategy in strategies:
        if phase == "migrate" and strategy.status_reason != "migrated":
            told.problems.append(f"{strategy.id} was not migrated")
    words = lesson(first % MERGED)
    if not await bank.search(f"{words['title']}. {words['content']}", [SCOPE], 3):
        told.problems.append(f"nothing is recalled any more ({phase})")


async def _send(location: Location, numbers: range) -> None:
    bank = await Bank.open(location)
    for number in numbers:
        await _report(bank, number)
    await bank.close()


async def _report(bank: Bank, number: int) -> OutcomeResult:
    """The attempt of this number; each uses the strategies that are nearest to its task."""
    arguments = report(number % MERGED)
    shown = await recall(bank, arguments["task"], 1, Scope(SCOPE)) if number >= MERGED else None
    return await report_outcome(
        bank,
        AgentJudge(),
        Report(
            scope=Scope(SCOPE),
            task=f"{arguments['task']} ({number})",
            trajectory=f"attempt {number} \n{arguments['trajectory']}",
            judgement=Judgement.model_validate(arguments["judgement"]),
            recall_id=shown.recall_id if shown else "",
            used_strategy_ids=[hit.id for hit in shown.strategies] if shown else [],
        ),
    )


# what the killed process does


async def _reports(location: Location, first: int) -> None:
    bank = await Bank.open(location)
    bank.embedder.warm()
    acknowledged = await _report(bank, first)  # the first one imports much
    _say("begins")
    _say(f"acknowledged {acknowledged.episode_id}")
    for number in range(first + 1, first + 100):
        _say(f"acknowledged {(await _report(bank, number)).episode_id}")


async def _joins(location: Location, first: int) -> None:
    upkeep.GATHER_AT, upkeep.STALE = 2, 5.0
    await _maintains(location, first)


async def _compacts(location: Location, first: int) -> None:
    upkeep.GATHER_AT, upkeep.COMPACT_AT, upkeep.STALE = 2, 2, 0.0
    await _maintains(location, first)


async def _maintains(location: Location, first: int) -> None:
    bank = await Bank.open(location)
    bank.embedder.warm()
    await _report(bank, first)
    _say("begins")
    for number in range(first + 1, first + 100):
        await bank.maintain()
        _say(f"acknowledged {(await _report(bank, number)).episode_id}")


async def _migrates(location: Location, first: int) -> None:
    _have_a_migration()
    _say("begins")
    await Bank.open(location)
    await anyio.sleep(60)


async def _reembeds(location: Location, first: int) -> None:
    bank = await Bank.open(location)
    bank.embedder.warm()
    _say("begins")
    while True:
        await bank.reembed(DEFAULT_MODEL)


def _have_a_migration() -> None:
    async def step(connection: Connection, models_dir: Path) -> None:
        table = await connection.table("strategies")
        for row in await table.select(["id"], {}):
            await table.amend([{"id": row["id"], "status_reason": "migrated"}])
        table.close()

    migrations.STEPS[NEWEST] = step
    migrations.FORMAT_VERSION = NEWEST + 1


async def _back_to_newest(location: Location) -> None:
    del migrations.STEPS[NEWEST]
    migrations.FORMAT_VERSION = NEWEST
    connection = await Connection.open(location)
    strategies, meta = await connection.table("strategies"), await connection.table("meta")
    await strategies.amend([{"id": row["id"], "status_reason": ""} for row in await strategies.select(["id"], {})])
    await meta.amend([{"id": "format_version", "value": str(NEWEST)}])
    connection.close()


def _say(line: str) -> None:
    print(line, flush=True)


_PHASES: dict[str, Callable[[Location, int], Awaitable[None]]] = {
    "report": _reports,
    "join": _joins,
    "compact": _compacts,
    "migrate": _migrates,
    "reembed": _reembeds,
}


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    kills: int = parser.parse_args().kills
    with tempfile.TemporaryDirectory() as home:
        told = await crashes(Path(home), kills)
    print(f"killed {told.kills}: {len(told.acknowledged)} reports acknowledged, {told.pending} found pending and finished, "
          f"{len(told.problems)} problems")  # fmt: skip
    show_problems(told.problems)
    return bool(told.problems)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        anyio.run(_PHASES[sys.argv[2]], Location(Path(sys.argv[3])), int(sys.argv[4]))
    else:
        sys.exit(anyio.run(main))
