"""The examples are what the demo reports, so each must be a report that the server takes without a warning."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import pytest

from strategy_bank.server.demo.examples import Attempt, episode_examples, reuse_example, run_example
from strategy_bank.tools.judging.evidence import hold_to_evidence
from strategy_bank.tools.judging.judgement import StrategyDraft
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.normal_form import normalise

EPISODES = episode_examples()
RUNS = [run_example("parallel"), run_example("sequential")]
ATTEMPTS: list[tuple[str, Attempt]] = [
    *((example.task, example) for example in [*EPISODES.values(), reuse_example()]),
    *((run.task, attempt) for run in RUNS for attempt in run.attempts),
]
LESSONS: list[tuple[str, Sequence[Attempt], Sequence[StrategyDraft]]] = [
    *((example.task, [example], example.judgement.strategies) for example in EPISODES.values()),
    *((run.task, run.attempts, run.comparison.strategies) for run in RUNS),
]


def text_of(attempt: Attempt) -> str:
    return normalise(attempt.trajectory).text


def shape_of(trajectory: str | list[Any]) -> str:
    if isinstance(trajectory, str):
        return "text"
    if "role" not in trajectory[0]:
        return "steps"
    return "Anthropic" if "tool_use" in json.dumps(trajectory) else "OpenAI"


@pytest.mark.parametrize(("task", "attempt"), ATTEMPTS)
def test_every_trajectory_normalises_and_holds_no_secret(task: str, attempt: Attempt) -> None:
    found = normalise(attempt.trajectory)
    assert not found.cut
    assert redact(f"{task}\n{found.text}").kinds == ()


@pytest.mark.parametrize("name", EPISODES)
def test_every_example_is_as_long_as_a_condensed_report(name: str) -> None:
    assert 600 <= len(text_of(EPISODES[name])) <= 2500


@pytest.mark.parametrize(("task", "attempt"), ATTEMPTS)
def test_every_quote_occurs_in_its_trajectory(task: str, attempt: Attempt) -> None:
    held = hold_to_evidence(attempt.judgement, text_of(attempt))
    assert held == attempt.judgement


@pytest.mark.parametrize(("task", "attempt"), ATTEMPTS)
def test_no_judgement_contradicts_the_world(task: str, attempt: Attempt) -> None:
    assert attempt.outcome in (None, attempt.judgement.verdict)


@pytest.mark.parametrize(("task", "attempts", "strategies"), LESSONS)
def test_strategies_are_general_and_no_orders(
    task: str, attempts: Sequence[Attempt], strategies: Sequence[StrategyDraft]
) -> None:
    seen = "\n".join([task, *map(text_of, attempts)])
    for strategy in strategies:
        wording = f"{strategy.title}\n{strategy.description}\n{strategy.content}"
        assert find_literals(wording, seen) == []
        assert not read_as_orders(wording)


def test_half_of_the_examples_are_failures_and_all_teach_something() -> None:
    verdicts = [example.judgement.verdict for example in EPISODES.values()]
    assert (verdicts.count("success"), verdicts.count("failure")) == (4, 4)
    assert all(example.judgement.strategies for example in EPISODES.values())


def test_the_examples_come_in_every_shape_that_agents_report() -> None:
    shapes = [shape_of(example.trajectory) for example in EPISODES.values()]
    assert {shape: shapes.count(shape) for shape in set(shapes)} == dict.fromkeys(
        ["text", "steps", "OpenAI", "Anthropic"], 2
    )


@pytest.mark.parametrize("name", EPISODES)
def test_a_reworded_task_shares_few_words_with_its_example(name: str) -> None:
    long_words = [
        {word for word in task.lower().replace(".", " ").split() if len(word) > 4}
        for task in (EPISODES[name].task, EPISODES[name].reworded)
    ]
    assert len(long_words[0] & long_words[1]) <= 2


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.mode)
def test_the_best_attempt_of_a_run_is_a_success_among_failures(run: Any) -> None:
    verdicts = [attempt.judgement.verdict for attempt in run.attempts]
    assert verdicts[run.comparison.best_attempt - 1] == "success"
    assert "failure" in verdicts
    assert not any(attempt.judgement.strategies for attempt in run.attempts)
    assert len(run.comparison.strategies) == 2


def test_the_reuse_is_the_reworded_task_of_the_example_it_names() -> None:
    assert EPISODES[reuse_example().lesson_of].reworded == reuse_example().task


def test_every_file_in_the_folder_is_read_by_the_demo() -> None:
    stems = {file.name for file in files("strategy_bank.examples").iterdir() if file.name.endswith(".json")}
    assert stems == {f"{name}.json" for name in [*EPISODES, "reuse", "run_parallel", "run_sequential"]}
