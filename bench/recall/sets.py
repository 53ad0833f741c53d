"""Sets of strategies and tasks on which recall is measured.

They lie beside the project, in ../shared/data, but for the lessons that agents drew (bench/consolidation/drawn).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.consolidation.pairs import DRAWN, rows
from bench.judging.cases import load_cases
from bench.support.places import DATA
from strategy_bank.store.records import Strategy, content_id

PROJECTS = Path(__file__).with_name("projects")
KINDS = ("paraphrase", "transfer", "lexical", "trap")


@dataclass(frozen=True)
class Query:
    """A task; its gain for each strategy that fits (none: nothing does), and how many strategies there are at its time."""

    task: str
    relevant: dict[int, int]
    kind: str
    known: int
    half: int = 0
    hidden: frozenset[int] = frozenset()
    """Strategies that are not there when it is asked."""


@dataclass(frozen=True)
class Case:
    """Strategies in the order in which they came, and tasks."""

    name: str
    strategies: list[Strategy]
    queries: list[Query]
    domains: Sequence[str] = ()
    """The subject of each strategy, where the set tells it."""


def graded() -> Case:
    """Strategies, tasks with graded relevance, and tasks that nothing fits, by one author who wrote them for this."""
    file = DATA / "strategy_retrieval_dev.json"
    return from_file("graded", file, _halves(json.loads(file.read_text("utf-8"))["queries"]))


def second() -> Case:
    """Another set of that form, by another author."""
    return from_file("second", DATA / "strategy_retrieval_second.json")


def one_project() -> Case:
    """The second set, with the words of one project in every lesson and task, as if all of it had happened there."""
    case = second()
    strategies = [
        strategy.model_copy(
            update={
                "description": f"{strategy.description.rstrip('.')} in the Kestrel service.",
                "content": f"{strategy.content} Seen in the Kestrel warehouse service.",
                "source_task": _LEARNED_IN[number % 3] + strategy.source_task,
            }
        )
        for number, strategy in enumerate(case.strategies)
    ]
    queries = [replace(query, task=_ASKED_IN[number % 3] + query.task) for number, query in enumerate(case.queries)]
    return Case("one project", strategies, queries, case.domains)


_LEARNED_IN = (
    "In the Kestrel warehouse service: ",
    "The Kestrel order API, Python and Postgres: ",
    "Kestrel warehouse backend. ",
)
_ASKED_IN = (
    "kestrel warehouse service again: ",
    "in the kestrel order api (python, postgres) ",
    "kestrel backend, ",
)


def from_file(name: str, file: Path, half: Mapping[str, int] | None = None) -> Case:
    """Read a set of the form that README.md describes."""
    data = json.loads(file.read_text("utf-8"))
    strategies = [Strategy(**{name: s[name] for name in s.keys() & Strategy.model_fields}) for s in data["strategies"]]
    place, known = {strategy.id: k for k, strategy in enumerate(strategies)}, len(strategies)
    queries = [
        Query(
            q["task"],
            {place[id]: gain for id, gain in q["relevant"].items()},
            q["kind"],
            known,
            (half or {}).get(q["id"], 0),
        )
        for q in data["queries"]
    ]
    queries += [Query(q["task"], {}, "", known, number % 2) for number, q in enumerate(data["no_match"])]
    return Case(name, strategies, queries, [s.get("domain", "") for s in data["strategies"]])


def projects() -> list[Case]:
    """Two projects, each by an author who wrote nothing else here; nothing was fitted to them."""
    return [from_file(file.stem, file) for file in sorted(PROJECTS.glob("*.json"))]


def drawn() -> Case:
    """Tasks of a developer's day, and the lessons that an agent drew from the others, as one reader rated their use."""
    tasks = {case.name: case.task for case in load_cases()}
    told = [row for row in rows(DRAWN / "lessons.jsonl") if row["work"] in tasks and "-a" in row["id"]]
    strategies = [
        Strategy(source_task=tasks[row["work"]], **{name: row[name] for name in row.keys() - {"work"}}) for row in told
    ]
    place = {strategy.id: k for k, strategy in enumerate(strategies)}
    useful: dict[str, dict[int, int]] = defaultdict(dict)
    for row in rows(DRAWN / "useful.jsonl"):
        if row["use"] and row["lesson"] in place:
            useful[row["task"]][place[row["lesson"]]] = row["use"]
    own = {name: frozenset(k for k, row in enumerate(told) if row["work"] == name) for name in tasks}
    queries = [
        Query(task, {k: use for k, use in useful[name].items() if k not in own[name]}, "", len(told), hidden=own[name])
        for name, task in tasks.items()
    ]
    return Case("drawn", strategies, queries)


def _halves(queries: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Which half each query is in. Strategies that are confusable, or fit one query, are never on both sides."""
    meta = _read("strategy_retrieval_dev_meta.json")
    near: dict[str, set[str]] = defaultdict(set)
    linked = [*meta["confusable_pairs"]]
    for query in queries:
        first, *others = [*query["relevant"], *filter(None, [meta["trap_distractor"].get(query["id"])])]
        linked += [[first, first], *([first, other] for other in others)]
    for one, other in linked:
        together = near[one] | near[other] | {one, other}
        for id in together:
            near[id] = together
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for query in queries:
        groups[min(near[next(iter(query["relevant"]))])].append(query)
    sizes, half = [defaultdict[str, int](int), defaultdict[str, int](int)], dict[str, int]()
    for name in sorted(groups, key=lambda name: (-len(groups[name]), hashlib.sha256(name.encode()).hexdigest())):
        kinds = [query["kind"] for query in groups[name]]
        full = [4 * sum(size[kind] for kind in kinds) + sum(size.values()) for size in sizes]
        side = int(full[1] < full[0])
        for query in groups[name]:
            half[query["id"]] = side
            sizes[side][query["kind"]] += 1
    return half


def web_tasks() -> Case:
    """812 web tasks as a stream: each is asked for, then becomes a strategy whose text and source task are that task.

    What fits is an earlier task of the same template. Nothing fits the first task of each.
    """
    tasks = [(task["intent"], str(task["intent_template_id"])) for task in _read("webarena_tasks.json")]
    return _stream("web tasks", [(task, task, template) for task, template in tasks])


def household() -> Case:
    """223 memories of household tasks as a stream: each goal is asked for; what fits is an earlier memory of its type of task.

    A memory's text is what it advises: its plan or the mistakes to avoid, with placeholders for objects. The description is
    left out, since it names the type.
    """
    told: list[tuple[str, str, str]] = []
    for memory in _read("skillrl_alfworld_memories.json"):
        advice = memory["content"]["strategic_guidelines"]
        mistakes = [f"{m['trigger_condition']} {m['bad_action']}" for m in advice["mistakes_to_avoid"]]
        text = advice["planning_pattern"] or " ".join(mistakes)
        kind = memory["contextual_description"].split("'")[1]
        told.append((memory["content"]["task_meta"]["original_goal"], text, kind))
    return _stream("household", told)


def _stream(name: str, told: Sequence[tuple[str, str, str]]) -> Case:
    """Of (task, text of the lesson, what it has in common with others)."""
    strategies = [
        Strategy(
            id=content_id("st", str(number), task),
            title=text[:120],
            description="",
            content=text,
            outcome="success",
            source_task=task,
        )
        for number, (task, text, _) in enumerate(told)
    ]
    queries = [
        Query(task, {j: 1 for j in range(k) if told[j][2] == common}, "", k) for k, (task, _, common) in enumerate(told)
    ]
    return Case(name, strategies, queries)


def _read(name: str) -> Any:
    return json.loads((DATA / name).read_text("utf-8"))
