"""How long each page takes and how much goes over the wire, in banks of many lessons.

    python -m bench.page.speed [--sizes 1000 100000] [--banks FOLDER] [--calls 9] [--write]

Banks are made by `used_bank.py`, and kept in `--banks` for the next time. Each page is asked of a server process of its own:
once as the first page after signing in (cold), then again (warm: the median, and the mean of the server's processor time, which
other work on the machine changes least). A page is asked as a browser with an empty cache asks; bytes are those of the page and
of all that it refers to, heads and compression counted. `--write` puts the tables into bench/results/page.md. A page is in
bounds if it takes at most 200 ms, warm, to its last byte and 100 kB with all it refers to.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import anyio

from bench.page.used_bank import lesson_id, used_bank
from bench.support.page import visiting
from bench.support.pages import put_between, table
from bench.support.places import ROOT

MOST_MS, MOST_KB = 200, 100
RESULTS = ROOT / "bench" / "results" / "page.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
POPULAR, LONG = lesson_id(0), f"ep_{1:016x}"
ASKED = {"task": "The payment webhook works alone but not beside others: find out why and repair it for good."}
PAGES: dict[str, tuple[str, dict[str, str] | None]] = {
    "home": ("/", None),
    "lessons": ("/lessons", None),
    "lessons, by words": ("/lessons?q=webhook", None),
    "lessons, the last page": ("/lessons?page={last}", None),
    "lessons of a scope, retired": ("/lessons?scope=speed&status=retired", None),
    "the lesson recalled most": (f"/lessons/{POPULAR}", None),
    "a lesson, to be edited": (f"/lessons/{POPULAR}/edit", None),
    "episodes": ("/episodes", None),
    "episodes, by words": ("/episodes?q=webhook", None),
    "an episode": (f"/episodes/ep_{2:016x}", None),
    "an episode of 2 MB": (f"/episodes/{LONG}", None),
    "an episode of 2 MB, searched": (f"/episodes/{LONG}?find=retries", None),
    "runs": ("/runs", None),
    "a run": (f"/runs/run_{0:016x}", None),
    "recalls": ("/recalls", None),
    "a recall": (f"/recalls/rc_{0:016x}", None),
    "ask": ("/ask", None),
    "ask, answered": ("/ask", ASKED),
    "does it help": ("/value", None),
    "the bank": ("/bank", None),
    "settings": ("/bank/settings", None),
    "forget, the plan for one lesson": (f"/forget?id={POPULAR}", None),
}
PER_PAGE = 50


@dataclass(frozen=True)
class Row:
    """One page. Times in ms; kB of the page itself, and with all that it refers to."""

    name: str
    status: int
    cold_first: float
    cold: float
    warm_first: float
    warm: float
    processor: float
    own_kb: float
    all_kb: float
    requests: int

    @property
    def is_in_bounds(self) -> bool:
        return self.status == 200 and self.warm <= MOST_MS and self.all_kb <= MOST_KB

    def cells(self) -> list[str]:
        times = [f"{each:.0f}" for each in (self.cold_first, self.cold, self.warm_first, self.warm, self.processor)]
        marks = f"{self.name}{'' if self.is_in_bounds else ' **(out of bounds)**'}"
        status = "" if self.status == 200 else f", status {self.status}"
        return [f"{marks}{status}", *times, f"{self.own_kb:.1f}", f"{self.all_kb:.1f} ({self.requests})"]


HEAD = [
    "page",
    "cold: first byte, ms",
    "all, ms",
    "warm: first byte, ms",
    "all, ms",
    "processor, ms",
    "page, kB",
    "with all it loads, kB (requests)",
]


def measured(home: Path, name: str, size: int, calls: int) -> Row:
    address, form = PAGES[name]
    address = address.format(last=max(1, size // PER_PAGE))
    with visiting(home) as visitor:
        cold = visitor.ask(address, form)
        before = visitor.processor_s()
        warm = [visitor.ask(address, form) for _ in range(calls)]
        processor = (visitor.processor_s() - before) / calls
        everything = visitor.all_of(address, form)
    sizes = [answer.size / 1000 for answer in everything.values()]
    return Row(
        name,
        next((answer.status for answer in (*warm, *everything.values()) if answer.status != 200), 200),
        1000 * cold.first,
        1000 * cold.whole,
        1000 * median(answer.first for answer in warm),
        1000 * median(answer.whole for answer in warm),
        1000 * processor,
        everything[address].size / 1000,
        sum(sizes),
        len(sizes),
    )


def bench(banks: Path, sizes: Sequence[int], calls: int, names: Sequence[str]) -> list[str]:
    tables: list[str] = []
    for size in sizes:
        home = banks / f"{size}"
        if not (home / "bank.lance").exists():
            anyio.run(used_bank, home, size)
        rows: list[Row] = []
        for name in names:
            rows.append(measured(home, name, size, calls))
            print(" | ".join(rows[-1].cells()), flush=True)
        within = sum(row.is_in_bounds for row in rows)
        told = f"{size:,} lessons, as many episodes and recalls ({within} of {len(rows)} pages in bounds)"
        tables.append(table(told, HEAD, [row.cells() for row in rows]))
    return tables


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--banks", type=Path, help="a folder that keeps the banks")
    parser.add_argument("--calls", type=int, default=9)
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=list(PAGES), metavar="PAGE")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tables = bench(given.banks or Path(folder), given.sizes, given.calls, given.pages)
    print("\n\n".join(["", *tables]))
    if given.write:
        RESULTS.write_text(put_between(RESULTS.read_text("utf-8"), BEGIN, END, "\n" + "\n\n".join(tables)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
