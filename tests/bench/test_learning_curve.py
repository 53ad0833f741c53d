"""The learning curve in short: the same seed tells the same, a memory is used, intervals are Wilson's."""

from pathlib import Path

import anyio
import pytest

from bench.learning.agent import Luck, verdict
from bench.learning.agent import attempt as tried
from bench.learning.pitfalls import stream
from bench.learning.stream import Arm, run
from bench.support.figures import wilson

LENGTH = 14


def test_a_stream_is_the_same_for_the_same_seed_and_no_task_comes_twice() -> None:
    assert stream(1, 60) == stream(1, 60) != stream(2, 60)
    assert len({task.text for task in stream(1, 60) if task.family}) == sum(bool(task.family) for task in stream(1, 60))


def test_a_judge_is_right_as_often_as_its_accuracy_says() -> None:
    lucks = [Luck(1, place) for place in range(2000)]
    done = [tried(stream(1, 1)[0], [], luck) for luck in lucks]
    right = sum(
        (verdict(one, 0.727, luck) == "success") == one.succeeded for one, luck in zip(done, lucks, strict=True)
    )
    low, high = wilson(right, 2000)
    assert low < 0.727 < high


@pytest.mark.slow
def test_the_bank_is_used_and_the_same_seed_tells_the_same(models_dir: Path) -> None:
    none, full, again = (
        anyio.run(run, arm, 1.0, 1, LENGTH, models_dir) for arm in (Arm("none"), Arm("full"), Arm("full"))
    )
    assert full == again
    assert len(none.steps) == len(full.steps) == LENGTH
    assert full.active > 0
    assert any(step.right for step in full.steps)
    assert not any(step.right or step.wrong for step in none.steps)
    assert not any(step.wrong for step in full.steps)


def test_the_interval_is_wilsons() -> None:
    assert wilson(0, 0) == (0, 1)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
