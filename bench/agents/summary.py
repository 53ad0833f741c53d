"""What came out of the played episodes, as tables: success, score, actions and tokens of each arm, and the arms by pairs.

    python -m bench.agents.summary                  from the records that are kept beside this file
    python -m bench.agents.summary --from FOLDER    collect what was played there; with --keep, keep it as the records
    python -m bench.agents.summary --write          put the tables into bench/results/agents.md

A pair is the same task type and variation, played in two arms.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from bench.agents.episode import ARMS, WITH_TOOLS
from bench.agents.rows import RECORDS, Row, collect, read_rows, write
from bench.support.figures import bootstrap, share, show_problems, sign_test
from bench.support.pages import put_between, table
from bench.support.places import ROOT

PAGE = ROOT / "bench" / "results" / "agents.md"
BEGIN, END = "<!-- figures: python -m bench.agents.summary --write -->", "<!-- end of the figures -->"
COMPARED = (("bank", "none"), ("no-failures", "none"), ("raw", "none"), ("bank", "no-failures"), ("bank", "raw"))
Pair = tuple[Row, Row]
"""The same task in the arm that is compared with, and in the arm itself."""


def tables(rows: Sequence[Row]) -> str:
    """Return all tables as Markdown."""
    shown = [arm for arm in ARMS if any(row.arm == arm for row in rows)]
    if not shown:
        return "No episodes have been played yet."
    compared = [(arm, other) for arm, other in COMPARED if pairs(rows, arm, other)]
    parts = [_arms(rows, shown)]
    if compared:
        parts.append(_differences(rows, compared))
    parts += [
        _grid("Completed by visit, and the mean number of actions", rows, shown, lambda row: str(row.visit)),
        _grid("Completed by task type, and the mean number of actions", rows, shown, lambda row: row.task),
    ]
    if any(row.arm in WITH_TOOLS for row in rows):
        parts.append(_use(rows))
    return "\n\n".join(parts)


def pairs(rows: Sequence[Row], arm: str, other: str = "none") -> list[Pair]:
    """Return what was played in both arms."""
    known = {(row.task, row.variation): row for row in rows if row.arm == other}
    own = [row for row in rows if row.arm == arm]
    return [(known[key], row) for row in own if (key := (row.task, row.variation)) in known]


def _arms(rows: Sequence[Row], arms: Sequence[str]) -> str:
    lines = []
    for arm in arms:
        own = [row for row in rows if row.arm == arm]
        done = [row for row in own if row.completed]
        means = [_mean(own, value) for value in (_score, _actions)]
        means += [_mean(done, _actions), _mean(own, _read), _mean(own, _written)]
        lines.append([arm, share(len(done), len(own)), *means])
    head = ["arm", "completed (95 %)", "score", "actions", "actions where completed", "tokens read", "tokens written"]
    return table("Means of an episode", head, lines)


def _differences(rows: Sequence[Row], compared: Sequence[tuple[str, str]]) -> str:
    lines = []
    for arm, other in compared:
        both = pairs(rows, arm, other)
        better = sum(row.completed and not before.completed for before, row in both)
        worse = sum(before.completed and not row.completed for before, row in both)
        discordant = f"{better} more, {worse} fewer (p {sign_test(better, worse):.2f})"
        name = f"{arm} against {other}"
        lines.append([name, str(len(both)), discordant, *(_difference(both, value) for value in _VALUES)])
    head = ["arms", "pairs", "completed", "score", "actions", "tokens read", "tokens written"]
    return table("By pair: mean difference and its 95 % interval", head, lines)


def _difference(both: Sequence[Pair], value: Callable[[Row], float]) -> str:
    differences = [value(row) - value(before) for before, row in both]
    low, high = bootstrap(differences)
    return f"{fmean(differences):+.1f} ({low:+.1f} to {high:+.1f})"


def _grid(name: str, rows: Sequence[Row], arms: Sequence[str], column: Callable[[Row], str]) -> str:
    columns = sorted({column(row) for row in rows})
    lines = []
    for arm in arms:
        cells = defaultdict[str, list[Row]](list)
        for row in rows:
            if row.arm == arm:
                cells[column(row)].append(row)
        lines.append([arm, *(_cell(cells[each]) for each in columns)])
    return table(name, ["arm", *columns], lines)


def _cell(rows: Sequence[Row]) -> str:
    return f"{sum(row.completed for row in rows)} of {len(rows)}; {_mean(rows, _actions)}" if rows else "–"


def _use(rows: Sequence[Row]) -> str:
    lines = []
    for arm in WITH_TOOLS:
        own = [row for row in rows if row.arm == arm]
        if not own:
            continue
        reports = [row for row in own if row.reported]
        wrong = sum(row.outcome not in ("", "success" if row.completed else "failure") for row in reports)
        unsaid = sum(not row.outcome for row in reports)
        got = sum(row.lessons > 0 for row in own)
        lines.append([arm, f"{got} of {len(own)}", f"{len(reports)} of {len(own)}", str(unsaid), str(wrong)])
    return table(
        "How the bank was used", ["arm", "lessons recalled", "reported", "without outcome", "wrong outcome"], lines
    )


def _score(row: Row) -> float:
    return row.score


def _actions(row: Row) -> float:
    return row.actions


def _read(row: Row) -> float:
    return row.read


def _written(row: Row) -> float:
    return row.written


_VALUES = (_score, _actions, _read, _written)


def _mean(rows: Sequence[Row], value: Callable[[Row], float]) -> str:
    if not rows:
        return "–"
    mean = fmean(value(row) for row in rows)
    return f"{mean:,.0f}" if mean >= 100 else f"{mean:.1f}"


def put_into(page: str, text: str) -> str:
    """Return the page with the tables between its marks. Raises ValueError where it has no marks."""
    return put_between(page, BEGIN, END, text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="folder", type=Path, help="a folder with records of episodes")
    parser.add_argument("--keep", action="store_true", help="keep what was collected as the records")
    parser.add_argument("--write", action="store_true", help="put the tables into the page of results")
    options = parser.parse_args(arguments)
    if options.folder:
        rows, reports, problems = collect(options.folder)
        show_problems(problems)
        if options.keep:
            write(RECORDS, rows, reports)
    else:
        rows = read_rows()
    text = tables(rows)
    print(text)
    if options.write:
        PAGE.write_text(put_into(PAGE.read_text("utf-8"), text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
