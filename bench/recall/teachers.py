"""What the bounds on one session's lessons cost where nobody floods: menus of banks that sessions of several sizes taught.

    python -m bench.recall.teachers

The sets are those of two projects and, where it is there, the second set. None of their lessons was used or taught twice, which
is the worst case: what others confirmed is not bounded.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import anyio

from bench.recall.menus import FULL, HEADS, Served, line, served
from bench.recall.sets import DATA, Case, projects, second
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location


def sessions(case: Case) -> Iterator[tuple[str, list[str]]]:
    """Ways in which sessions taught the lessons, and the session of each lesson."""
    count = len(case.strategies)
    by_lot, by_subject = list(range(count)), sorted(range(count), key=lambda place: case.domains[place])
    Random(1).shuffle(by_lot)
    yield "nobody knows by whom", [""] * count
    yield "by one session", ["se_0"] * count
    for size in (3, 10, 25):
        yield f"by sessions of {size}", [f"se_{by_lot.index(place) // size}" for place in range(count)]
    if len(set(case.domains)) > 1:
        yield (
            "by sessions of 10, each on one subject",
            [f"se_{by_subject.index(place) // 10}" for place in range(count)],
        )
    small = [f"se_{by_lot.index(place) // 3}" for place in range(count)]
    yield (
        "half by one session",
        ["se_large" if by_lot.index(place) < count // 2 else small[place] for place in range(count)],
    )


async def asked(home: Path, case: Case, taught_by: Sequence[str]) -> list[Served]:
    bank = await Bank.open(Location(home))
    taught = zip(case.strategies, taught_by, strict=True)
    embedded = await bank.embed([each.model_copy(update={"session": session}) for each, session in taught])
    async with bank.lock.hold():
        await bank.add_strategies(embedded)
    told: list[Served] = []
    for query in case.queries:
        relevant = {case.strategies[place].id: gain for place, gain in query.relevant.items()}
        told.append(served(await bank.menu(query.task, ["global"], FULL), relevant))
    await bank.close()
    return told


async def main() -> None:
    print(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|")
    for case in [*projects(), *([second()] if DATA.exists() else [])]:
        for name, taught_by in sessions(case):
            with TemporaryDirectory() as home:
                print(line(f"{case.name}, {name}", await asked(Path(home), case, taught_by)), flush=True)


if __name__ == "__main__":
    anyio.run(main)
