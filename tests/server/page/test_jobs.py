"""Long work beside the answers to requests: its progress, its end, and how it is stopped."""

from pathlib import Path

import anyio
import pytest
from starlette.requests import Request

from strategy_bank.server.page.jobs import Job, Jobs
from strategy_bank.server.page.views.transfer import bounded
from strategy_bank.store.errors import InvalidInput, NotFound

pytestmark = pytest.mark.anyio


async def ended(job: Job) -> list[tuple[int, int]]:
    """Follow the work to its end as its page does, and return how far it was each time that something changed."""
    with anyio.fail_after(10):
        return list(dict.fromkeys([(job.done, len(job.lines)) async for _ in job.changes()]))


async def test_work_tells_how_far_it_is_and_what_it_found() -> None:
    async def run(job: Job) -> None:
        for number in (1, 2, 3):
            job.progress(number, 3)
            await anyio.sleep(0.4)
        job.tell("All of it.", "good")

    job = Job("Count", may_stop=False)
    async with anyio.create_task_group() as background:
        Jobs().start(background, job, run)
        assert await ended(job) == [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1)]
    assert job.state == "done"


async def test_a_page_that_comes_after_the_end_is_told_once() -> None:
    job = Job("Over", may_stop=False, state="done")
    assert await ended(job) == [(0, 0)]


@pytest.mark.parametrize("problem", [InvalidInput("Line 3: it is empty"), ZeroDivisionError("it was zero")])
async def test_what_work_raises_is_told_in_words_and_ends_nothing_else(problem: Exception) -> None:
    async def fail(_: Job) -> None:
        raise problem

    job = Job("Fail", may_stop=False)
    async with anyio.create_task_group() as background:
        Jobs().start(background, job, fail)
        await ended(job)
    assert job.state == "failed"
    assert str(problem) in job.lines[-1].text


async def test_work_that_is_stopped_says_so_and_leaves_no_file(tmp_path: Path) -> None:
    half = tmp_path / "half.zip"

    async def run(job: Job) -> None:
        half.touch()
        job.file = half
        await anyio.sleep_forever()

    jobs, job = Jobs(), Job("Wait", may_stop=True)
    async with anyio.create_task_group() as background:
        jobs.start(background, job, run)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(InvalidInput, match="under way already"):
            jobs.start(background, Job("Wait", may_stop=True), run)
        job.scope.cancel()
        await ended(job)
    assert job.state == "cancelled"
    assert not half.exists()
    assert jobs.get(job.id) is job


async def test_what_work_made_goes_with_the_server(tmp_path: Path) -> None:
    made = tmp_path / "made.zip"

    async def run(job: Job) -> None:
        made.touch()
        job.file = made

    job = Job("Make", may_stop=True)
    async with anyio.create_task_group() as background:
        Jobs().start(background, job, run)
        await ended(job)
        assert made.exists()
        background.cancel_scope.cancel()
    assert not made.exists()


async def test_only_some_works_are_remembered() -> None:
    async def run(_: Job) -> None:
        pass

    jobs, first = Jobs(), Job("first", may_stop=False)
    async with anyio.create_task_group() as background:
        jobs.start(background, first, run)
        await anyio.wait_all_tasks_blocked()
        for number in range(60):
            jobs.start(background, Job(str(number), may_stop=False), run)
            await anyio.wait_all_tasks_blocked()
    assert len(jobs.newest()) == 51
    with pytest.raises(NotFound):
        jobs.get(first.id)


async def test_a_body_is_read_up_to_its_bound() -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"12345", "more_body": True}

    request = bounded(Request({"type": "http", "method": "POST", "headers": []}, receive), 12)
    with pytest.raises(InvalidInput, match="larger than 12 bytes"):
        await request.body()
