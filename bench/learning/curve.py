"""Whether the bank gets an agent further with time, in a simulated world: real bank, embeddings and tools, a simulated agent.

    python -m bench.learning.curve [--minutes 8] [--length 36] [--seeds 5] [--plots bench/results]

What the agent makes of a lesson is assumed (agent.py), and decides much. Streams begin in order of importance until
the minutes are over; each row says on how many it stands. 95 % Wilson intervals over tasks, which within a stream are not
independent.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import anyio

from bench.learning.stream import Arm, Scaling, Step, Told, run
from bench.support.figures import share, wilson
from strategy_bank.store.embedding.embedder import Embedder

PAPER = 0.727
"""How accurate the judge was in the paper, against gold."""
ACCURACIES = (0.5, 0.6, PAPER, 0.8, 0.9, 1.0)
FULL, SUCCESSES, WITHOUT = Arm("full"), Arm("successes"), Arm("full", credit=False)
MAIN = (Arm("none"), Arm("raw"), Arm("workflows"), SUCCESSES, FULL, WITHOUT)
SCALINGS: tuple[Scaling, ...] = ("vanilla", "parallel", "sequential")
BLOCK = 12
WORKERS = 2
Results = dict[tuple[Arm, float], list[Told]]


def jobs(seeds: int) -> Iterator[tuple[Arm, float, int]]:
    """What is compared most comes first."""
    groups: list[list[tuple[Arm, float]]] = [
        [(arm, PAPER) for arm in MAIN],
        [(arm, accuracy) for accuracy in (1.0, 0.5) for arm in (FULL, SUCCESSES)],
        [(Arm("full", scaling, 3), PAPER) for scaling in SCALINGS],
        [(arm, accuracy) for accuracy in (0.6, 0.8, 0.9) for arm in (FULL, SUCCESSES)],
        [(Arm("workflows"), 1.0), (WITHOUT, 1.0)],
        [(Arm("full", scaling, 5), PAPER) for scaling in SCALINGS],
        [(Arm("full", scaling, 3, each=True), PAPER) for scaling in SCALINGS[1:]],
        [(Arm("full", scaling, attempts), 1.0) for attempts in (3, 5) for scaling in SCALINGS],
        [(Arm("full", scaling, 3, each=True), 1.0) for scaling in SCALINGS[1:]],
    ]
    for group in groups:
        for seed in range(1, seeds + 1):
            yield from ((arm, accuracy, seed) for arm, accuracy in group)


def measured(seeds: int, length: int, minutes: float) -> Results:
    """Whatever was begun within the minutes (all, for 0), by arm and accuracy."""
    found: Results = defaultdict(list)
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    with tempfile.TemporaryDirectory() as folder:
        Embedder(Path(folder)).warm()
        todo, running = jobs(seeds), set[Future[Told]]()
        with ProcessPoolExecutor(WORKERS, get_context("spawn")) as pool:
            while True:
                while len(running) < WORKERS and time.monotonic() < end and (job := next(todo, None)):
                    running.add(pool.submit(_run, job, length, Path(folder)))
                if not running:
                    return found
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for told in (future.result() for future in done):
                    found[told.arm, told.accuracy].append(told)
                    print(
                        f"  … {told.arm.name}, judge {told.accuracy:.1%}, seed {told.seed}", file=sys.stderr, flush=True
                    )


def _run(job: tuple[Arm, float, int], length: int, models: Path) -> Told:
    arm, accuracy, seed = job
    return anyio.run(run, arm, accuracy, seed, length, models)


def tasks(told: Sequence[Told], start: int = 0, end: int | None = None) -> list[Step]:
    return [step for each in told for step in each.steps[start:end]]


def counted(steps: Sequence[Step], what: Callable[[Step], bool]) -> tuple[int, int]:
    return sum(map(what, steps)), len(steps)


def show(results: Mapping[tuple[Arm, float], Sequence[Told]], length: int) -> None:
    print("| memory | judge right | streams | first attempt, all | first third | last third | chosen attempt | steps a task "
          "| right / wrong lesson recalled | active, retired (rightly) |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (arm, accuracy), told in results.items():
        everything = tasks(told)
        thirds = tasks(told, 0, length // 3), tasks(told, length - length // 3)
        first, chosen = (lambda step: step.first), (lambda step: step.chosen)
        cells = [
            arm.name,
            f"{accuracy:.1%}" if arm.memory not in ("none", "raw") else "–",
            str(len(told)),
            share(*counted(everything, first)),
            *(share(*counted(third, first)) for third in thirds),
            share(*counted(everything, chosen)),
            f"{sum(step.steps for step in everything) / len(everything):.1f}",
            f"{_percent(everything, lambda step: step.right)} / {_percent(everything, lambda step: step.wrong)}",
            f"{sum(each.active for each in told)}, {sum(each.retired for each in told)} "
            f"({sum(each.retired_rightly for each in told)})",
        ]
        print(f"| {' | '.join(cells)} |")


def _percent(steps: Sequence[Step], what: Callable[[Step], bool]) -> str:
    hits, of = counted(steps, what)
    return f"{100 * hits / of:.0f} %"


def plot(results: Mapping[tuple[Arm, float], Sequence[Told]], length: int, folder: Path) -> None:
    """learning-curve.png and .svg: over time, over the judge's accuracy, and by kind of scaling."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "learning-curve"
    from matplotlib import pyplot

    figure, (over_time, over_accuracy, scaled) = pyplot.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    for arm in MAIN:
        points = [(start + BLOCK / 2, tasks(results.get((arm, PAPER), []), start, start + BLOCK))
                  for start in range(0, length, BLOCK)]  # fmt: skip
        _line(over_time, arm.name, points, lambda step: step.first)
    over_time.set(xlabel="task", title=f"first attempts that succeed, judge {PAPER:.1%} right")
    for arm in (FULL, SUCCESSES):
        points = [(100 * accuracy, tasks(results.get((arm, accuracy), []))) for accuracy in ACCURACIES]
        _line(over_accuracy, arm.name, points, lambda step: step.first)
    over_accuracy.set(xlabel="judgements that are right, %", title="first attempts that succeed, whole stream")
    for scaling in SCALINGS:
        arms = [FULL, Arm("full", scaling, 3), Arm("full", scaling, 5)]
        points = [(arm.attempts, tasks(results.get((arm, PAPER), []))) for arm in arms]
        _line(scaled, scaling, points, lambda step: step.chosen)
    scaled.set(xlabel="attempts k", xticks=[1, 3, 5], title=f"chosen attempts that succeed, judge {PAPER:.1%} right")
    for axes in (over_time, over_accuracy, scaled):
        axes.set_ylim(0, 1)
        axes.legend(fontsize=8)
    figure.savefig(folder / "learning-curve.png", dpi=110)
    figure.savefig(folder / "learning-curve.svg", metadata={"Date": None})
    pyplot.close(figure)


def _line(axes: Any, name: str, points: Sequence[tuple[float, Sequence[Step]]], what: Callable[[Step], bool]) -> None:
    """With the intervals as a band; points without tasks are left out."""
    there = [(x, *counted(steps, what)) for x, steps in points if steps]
    if there:
        places = [x for x, _, _ in there]
        axes.plot(places, [hits / of for _, hits, of in there], marker="o", markersize=3, label=name)
        low, high = zip(*(wilson(hits, of) for _, hits, of in there), strict=True)
        axes.fill_between(places, low, high, alpha=0.12)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=8, help="begin no stream after them; 0: all streams")
    arguments.add_argument("--length", type=int, default=36, help="tasks of a stream")
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--plots", type=Path, help="folder for learning-curve.png and .svg")
    asked = arguments.parse_args()
    results = measured(asked.seeds, asked.length, asked.minutes)
    print(f"Learning curve: streams of {asked.length} tasks; the agent is simulated, all else is real\n")
    show(results, asked.length)
    if asked.plots:
        plot(results, asked.length, asked.plots)


if __name__ == "__main__":
    main()
