"""What a recall costs in banks of many strategies.

    python -m bench.load.speed [--sizes 1000 10000 100000] [--calls 60]

Banks are loaded in bulk: texts put together from the lessons' sentences, vectors around those lessons' real ones. Each size is
asked through a real server over stdio. Every figure of a row comes from one run; compare as ratios.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as a server does, before numpy is imported

import anyio
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.support.figures import percentile_ms
from bench.support.lessons import lesson, report
from bench.support.processes import child_running, disk_mb, resident_mb
from bench.support.servers import SERVER, connected, environment
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder, ModelStamp
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy, embed

SCOPES = ("global", "speed", "speed", "elsewhere")
ASKED = ("find out why and repair it for good", "ECONNRESET in queue_worker.py, repair it")
"""Half of real tasks name something that is searched for by words too (`ranking.lexical_query`)."""
TASKS = [f"{lesson(number)['title']}: {ASKED[number % 2]}." for number in range(0, 200, 3)]
BATCH = 10_000


@dataclass
class Row:
    """One bank. Times in ms (p50), CPU of the server per recall, memory and disk in MB."""

    size: int
    load_s: float
    index_s: float
    embedding: float
    numpy: float
    search: float
    recall: float
    recall_p95: float
    recall_cpu: float
    report: float
    cold_mb: float
    warm_mb: float
    disk: float
    right: float
    """Share of the exact 10 nearest that are among the candidates which a recall reads."""


async def measure(home: Path, size: int, calls: int) -> Row:
    location = Location(home)
    embedder = Embedder(location.models_dir)
    queries = np.stack([embedder.read_query(task).vector for task in TASKS])
    embedding = _median([_timed(lambda task=task: embedder.read_query(task)) for task in TASKS])
    started = time.monotonic()
    matrix = await fill(location, embedder, size)
    load_s, started = time.monotonic() - started, time.monotonic()
    bank = await Bank.open(location)
    await bank.maintain()
    index_s = time.monotonic() - started
    brute = _median([_timed(lambda query=query: np.argpartition(-(matrix @ query), 50)[:50]) for query in queries])
    search = _median(
        [await _timed_async(lambda task=task: bank.search(task, ["speed", "global"], 3)) for task in TASKS]
    )
    right = await _right(bank, matrix, queries)
    await bank.close()
    told = await _through_a_server(home, calls)
    return Row(size, load_s, index_s, embedding, brute, search, *told, disk_mb(home / "bank.lance"), right)


More = Callable[[int, int], dict[str, Any]]


async def fill(location: Location, embedder: Embedder, size: int, more: More = lambda first, count: {}) -> Any:
    """The bank, and the vectors of what the queries may find, shape (about three quarters of size, 384).

    `more` gives other columns of so many rows from `first` on, as Arrow arrays.
    """
    await (await Bank.open(location)).close()
    base = [Strategy(id="", outcome="failure", source_task=f"{lesson(n)['title']}.", **lesson(n)) for n in range(200)]
    embedded = embed(embedder, base)
    centres, firsts = (np.stack([getattr(item, name) for item in embedded]) for name in ("retrieval", "text"))
    kept: list[Any] = []
    stamp = embedder.stamp
    columns = schema.strategies_schema(stamp)
    cells = pa.Table.from_pylist([schema.to_row(item.strategy) for item in embedded], schema=columns)
    parts = [_parts(embedder, item) for item in embedded]
    connection = await Connection.open(location)
    reader = pa.RecordBatchReader.from_batches(
        columns, _batches(columns, stamp, cells, parts, centres, firsts, size, kept, more)
    )
    table = await connection.make("strategies", columns, words="text", rows=reader)
    table.close()
    connection.close()
    return np.concatenate(kept)


def _batches(
    columns: Any,
    stamp: ModelStamp,
    cells: Any,
    parts: list[Any],
    centres: Any,
    firsts: Any,
    size: int,
    kept: list[Any],
    more: More,
) -> Iterator[Any]:
    """Rows put together from the `cells` of the lessons and from the `parts` of their word pieces."""
    chance = np.random.default_rng(size)
    for first in range(0, size, BATCH):
        count = min(BATCH, size - first)
        of, other = chance.integers(0, 200, count), chance.integers(0, 200, count)
        noise = chance.normal(size=(count, 384)).astype(np.float32) * 0.03
        retrieval = (centres[of] + 0.3 * (centres[other] - centres[of]) + noise).astype(np.float32)
        text = (firsts[of] + 0.3 * (firsts[other] - firsts[of]) + noise).astype(np.float32)
        text /= np.linalg.norm(text, axis=1, keepdims=True)
        scopes = [SCOPES[(first + k) % 4] for k in range(count)]
        kept.append(retrieval[[scope != "elsewhere" for scope in scopes]])
        rows = cells.take(of)
        content = pc.binary_join_element_wise(rows["content"], cells["content"].take(other), " ")
        changed = {
            "id": pa.array([f"st_{first + k:016x}" for k in range(count)]),
            "scope": pa.array(scopes),
            "content": content,
            "text": pc.binary_join_element_wise(rows["title"], rows["description"], content, rows["source_task"], "\n"),
            schema.retrieval_column(stamp): _vectors(retrieval),
            schema.text_column(stamp): _vectors(text),
            schema.pieces_column(stamp): pa.array(
                [_with_more(parts[a], parts[b]) for a, b in zip(of, other, strict=True)], pa.binary()
            ),
        } | more(first, count)
        arrays = [changed.get(f.name, rows[f.name] if f.name in rows.column_names else None) for f in columns]
        arrays = [a.combine_chunks() if isinstance(a, pa.ChunkedArray) else a for a in arrays]
        yield pa.RecordBatch.from_arrays(arrays, schema=columns)


def _parts(embedder: Embedder, item: EmbeddedStrategy) -> list[Any]:
    """Ids and rows of the packed word pieces of a lesson: of its text, of its content alone, of its task."""
    (text, _), ids, rows = coverage.split(item.packed_pieces, embedder.stamp.dimension // 4)
    content = int(coverage.telling(embedder.yardstick, embedder.pieces(item.strategy.content)[0]).sum())
    return [(ids[part], rows[part]) for part in (slice(text), slice(text - content, text), slice(text, None))]


def _with_more(lesson: list[Any], other: list[Any]) -> bytes:
    """The packed word pieces of a lesson whose content ends with that of another."""
    parts = lesson[0], other[1], lesson[2]
    ids, rows = (np.concatenate(each) for each in zip(*parts, strict=True))
    return coverage.join([len(ids) - len(parts[2][0]), len(parts[2][0])], ids, rows)


def _vectors(rows: Any) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])


async def _right(bank: Bank, matrix: Any, queries: Any) -> float:
    table, column = bank._table(Strategy), schema.retrieval_column(bank.embedder.stamp)
    equal = {"status": "active", "scope": ["speed", "global"]}
    found = wanted = 0
    for query in queries:
        exact = -np.sort(-(matrix @ query))[9]
        rows = await table.nearest(column, query, "dot", [column], equal, ranking.NEAREST, exact=False)
        found += sum(query @ row[column] >= exact - 1e-5 for row, _ in rows)
        wanted += 10
    return found / wanted


async def _through_a_server(home: Path, calls: int) -> tuple[float, float, float, float, float, float]:
    async with connected(environment(home, "speed")) as client:
        await client.call_tool("recall_strategies", {"task": TASKS[0]})
        process = child_running(SERVER)
        cold = resident_mb(process) or float("nan")
        before, seconds = _cpu(process), list[float]()
        for number in range(calls):
            arguments = {"task": TASKS[number % len(TASKS)]}
            seconds.append(await _timed_async(lambda given=arguments: client.call_tool("recall_strategies", given)))
        cpu = (_cpu(process) - before) / calls * 1e3
        reports: list[float] = []
        for number in range(12):
            given = report(number, trajectory=f"attempt {number}\n14 passed in 2.31s")
            reports.append(await _timed_async(lambda given=given: client.call_tool("report_outcome", given)))
        warm = resident_mb(process) or float("nan")
    return _median(seconds), percentile_ms(seconds, 0.95), cpu, _median(reports[2:]), cold, warm


def _cpu(process: int | None) -> float:
    return time.clock_gettime(~process << 3 | 2) if process and sys.platform == "linux" else float("nan")


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


async def _timed_async(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


def _median(seconds: Sequence[float]) -> float:
    return percentile_ms(seconds, 0.5)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--calls", type=int, default=60)
    given = parser.parse_args()
    print("strategies | load s, index s | embedding ms | numpy ms | search ms (with embedding) | recall call p50, p95 ms "
          "(× embedding) | CPU ms | report p50 ms | RSS cold, warm MB | disk MB | recall@10")  # fmt: skip
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as home:
            row = await measure(Path(home), size, given.calls)
        times = f"{row.recall:.1f}, {row.recall_p95:.1f} ({row.recall / row.embedding:.1f}×) | {row.recall_cpu:.0f}"
        print(f"{row.size:>9,} | {row.load_s:.1f}, {row.index_s:.1f} | {row.embedding:.1f} | {row.numpy:.2f} | "
              f"{row.search:.1f} | {times} | {row.report:.0f} | {row.cold_mb:.0f}, {row.warm_mb:.0f} | {row.disk:.0f} | "
              f"{row.right:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    anyio.run(main)
