"""What a recall does with banks in other languages: 14 lessons and 24 tasks in each of six, by one author.

    python -m bench.recall.languages

To half of the tasks a lesson or two fit, to the others nothing does: everyday ones, and technical ones about something else.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from bench.support.figures import told
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import Strategy

DATA = Path(__file__).parent / "languages"
SHOWN = 3


async def recalled(language: dict[str, Any], home: Path) -> list[tuple[list[int], list[int]]]:
    """Return for each task the places of the lessons that fit, and of those that a recall shows."""
    bank = await Bank.open(Location(home))
    try:
        lessons = [
            Strategy(id=f"st_{place}", outcome="success", **lesson) for place, lesson in enumerate(language["lessons"])
        ]
        embedded = await bank.embed(lessons)
        await bank.atomically(lambda: bank.add_strategies(embedded))
        hits = [await bank.search(task["task"], ["global"], SHOWN) for task in language["tasks"]]
    finally:
        await bank.close()
    shown = [[int(hit.id.removeprefix("st_")) for hit in each] for each in hits]
    return [(task["fits"], places) for task, places in zip(language["tasks"], shown, strict=True)]


def main() -> None:
    print(f"language  {'a fitting lesson shown':<31} {'rightly empty':<29} shown lessons that fit")
    for file in sorted(DATA.glob("*.json")):
        with TemporaryDirectory(ignore_cleanup_errors=True) as home:
            found = anyio.run(recalled, json.loads(file.read_text("utf-8")), Path(home))
        fitting = [bool(set(fits) & set(places)) for fits, places in found if fits]
        empty = [not places for fits, places in found if not fits]
        right = [place in fits for fits, places in found for place in places]
        parts = [told(sum(each), len(each)) for each in (fitting, empty, right)]
        print(f"{file.stem:<9} {parts[0]:<31} {parts[1]:<29} {parts[2]}")


if __name__ == "__main__":
    main()
