"""What a recall does with banks in other languages: 14 lessons and 24 tasks in each of six, by one author.

    python -m bench.recall.languages

To half of the tasks a lesson or two fit, to the others nothing does: everyday ones, and technical ones about something else.
Then how many tasks are taken for ones that the model cannot read (store/retrieval/readability.py): of these languages, where it
should be all, and of English sets, where it should be none. German, Japanese, Russian and the English sets served to set the
bounds; Spanish, Turkish and Chinese to judge them.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio

from bench.support.figures import told
from bench.support.places import DATA as SHARED
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.location import Location
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval.readability import readable

DATA = Path(__file__).parent / "languages"
DRAWN = Path(__file__).parents[1] / "consolidation" / "drawn" / "lessons.jsonl"
SHOWN = 3


@dataclass(frozen=True)
class Recalled:
    """For each task the places of the lessons that fit, of those shown, and whether its agent is told to ask in English."""

    fits: list[int]
    shown: list[int]
    told_to_ask: bool


async def recalled(language: dict[str, Any], home: Path) -> tuple[list[Recalled], int]:
    """Return what each task recalls, and the number of lessons that the model cannot read."""
    bank = await Bank.open(Location(home))
    try:
        lessons = [
            Strategy(id=f"st_{place}", outcome="success", **lesson) for place, lesson in enumerate(language["lessons"])
        ]
        embedded = await bank.embed(lessons)
        await bank.atomically(lambda: bank.add_strategies(embedded))
        found = [await _asked(bank, task) for task in language["tasks"]]
        return found, [await bank.can_read(lesson.wording) for lesson in lessons].count(False)
    finally:
        await bank.close()


async def _asked(bank: Bank, task: dict[str, Any]) -> Recalled:
    hits = await bank.search(task["task"], ["global"], SHOWN)
    places = [int(hit.id.removeprefix("st_")) for hit in hits]
    return Recalled(task["fits"], places, not await bank.can_read(task["task"]))


def english() -> dict[str, list[str]]:
    """Return the distinct English tasks of each set, and the lessons of those that have some."""
    graded, second = _read("strategy_retrieval_dev.json"), _read("strategy_retrieval_second.json")
    sets = {
        "graded tasks": [each["task"] for each in [*graded["queries"], *graded["no_match"]]],
        "graded lessons": _wordings(graded["strategies"]),
        "second tasks": [each["task"] for each in [*second["queries"], *second["no_match"]]],
        "second lessons": _wordings(second["strategies"]),
        "web tasks": [each["intent"] for each in _read("webarena_tasks.json")],
        "airline tasks": [each["info"]["task"]["instruction"] for each in _read("tau_bench_airline_gpt4o.json")],
        "drawn lessons": _wordings(json.loads(line) for line in DRAWN.read_text("utf-8").splitlines()),
    }
    return {name: list(dict.fromkeys(texts)) for name, texts in sets.items()}


def _wordings(lessons: Iterable[dict[str, Any]]) -> list[str]:
    return ["\n".join(each[name] for name in ("title", "description", "content")) for each in lessons]


def _read(name: str) -> Any:
    return json.loads((SHARED / name).read_text("utf-8"))


def main() -> None:
    headings = f"{'a fitting lesson shown':<31} {'rightly empty':<29} {'told to ask in English':<33}"
    print(f"language  {headings} lessons not readable")
    for file in sorted(DATA.glob("*.json")):
        with TemporaryDirectory(ignore_cleanup_errors=True) as home:
            language = json.loads(file.read_text("utf-8"))
            found, unread = anyio.run(recalled, language, Path(home))
        fitting = [bool(set(each.fits) & set(each.shown)) for each in found if each.fits]
        empty = [not each.shown for each in found if not each.fits]
        asked = [each.told_to_ask for each in found]
        parts = [told(sum(each), len(each)) for each in (fitting, empty, asked)]
        lessons = told(unread, len(language["lessons"]))
        print(f"{file.stem:<9} {parts[0]:<31} {parts[1]:<29} {parts[2]:<33} {lessons}")
    if not SHARED.exists():
        sys.exit(f"The English sets are missing: {SHARED}")
    print("English, wrongly taken for unreadable:")
    with TemporaryDirectory(ignore_cleanup_errors=True) as models:
        embedder = Embedder(Path(models))
        for name, texts in english().items():
            print(f"  {name:<15} {told(sum(not readable(embedder, text) for text in texts), len(texts))}")


if __name__ == "__main__":
    main()
