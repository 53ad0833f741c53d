"""Who reported what: the client, and the session that its reports came by."""

import json
import re
from pathlib import Path

import pytest
from mcp.types import Implementation

from strategy_bank.server.settings import Settings
from strategy_bank.store.records import Episode, Run, Strategy
from tests.support.connecting import Connect
from tests.support.http_server import reached, serving
from tests.support.records import stored
from tests.support.samples import PREVENTIVE, TASK, call, comparison, judgement, report
from tests.support.shell import output

pytestmark = pytest.mark.anyio
SESSION = re.compile("se_[0-9a-f]{16}")
OTHER = {"task": f"{TASK} Another one.", "judgement": judgement(strategies=[PREVENTIVE])}


@pytest.mark.both_eras
async def test_one_process_over_stdio_is_one_session_and_the_next_is_another(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        await report(client)
        await report(client, **OTHER)
    async with connect() as client:
        await report(client, task=f"{TASK} A third one.", judgement=judgement(strategies=[]))
    first, second, third = (each.session for each in await stored(settings, Episode))
    assert SESSION.fullmatch(first)
    assert (first == second, first == third) == (True, False)
    assert [each.session for each in await stored(settings, Strategy)] == [first, first]


async def test_the_client_is_named_by_what_it_says_of_itself_in_one_line_without_secrets(
    connect: Connect, settings: Settings
) -> None:
    key = "ghp_" + "a1B2c3D4" * 5
    named = Implementation(name=f"agent\n\x1b {key}", version="2.1" + "x" * 200)
    async with connect(client_info=named) as client:
        await report(client)
    (episode,) = await stored(settings, Episode)
    assert episode.client.startswith("agent ")
    assert len(episode.client) <= 80
    assert key not in episode.client
    assert episode.client.isprintable()


async def test_a_run_belongs_to_the_session_that_finished_it(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        begun = await call(client, "scale_attempts", task=TASK, attempts=2)
        for number in (1, 2):
            told = {"run_id": begun["run_id"], "attempt": number, "judgement": judgement(strategies=[])}
            await report(client, trajectory=f"Attempt {number}: 14 passed in 2.31s", **told)
    async with connect() as client:
        await call(client, "scale_attempts", run_id=begun["run_id"], comparison=comparison(1))
    (stored_run,) = await stored(settings, Run)
    (strategy,) = await stored(settings, Strategy)
    attempts = {each.session for each in await stored(settings, Episode)}
    assert strategy.session == stored_run.session
    assert len(attempts) == 1
    assert stored_run.session not in attempts


async def test_who_judges_a_report_that_waited_answers_for_it(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        told = await report(client, judgement=None)
    (before,) = await stored(settings, Episode)
    async with connect() as client:
        await call(client, "report_outcome", episode_id=told["episode_id"], judgement=judgement())
    (after,) = await stored(settings, Episode)
    (strategy,) = await stored(settings, Strategy)
    assert before.session != after.session == strategy.session


@pytest.mark.slow
@pytest.mark.both_eras
async def test_over_http_a_session_is_what_one_program_sends_for_one_project(
    environment: dict[str, str], settings: Settings, era: str
) -> None:
    del environment["STRATEGY_BANK_SCOPE"]
    with serving(environment) as server:
        for name, project in (("1", "one"), ("2", "one"), ("3", "two")):
            async with reached(f"{server.url}?scope={project}", era) as client:
                await report(client, task=f"{TASK} {name}", judgement=judgement(strategies=[]))
    first, second, third = (each.session for each in await stored(settings, Episode))
    assert SESSION.fullmatch(first)
    assert (first == second, first == third) == (True, False)


async def test_what_is_imported_keeps_its_client_and_never_its_session(
    connect: Connect, settings: Settings, tmp_path: Path
) -> None:
    async with connect() as client:
        await report(client)
    file = tmp_path / "bank.jsonl"
    await output(settings, "export", str(file))
    (episode,) = await stored(settings, Episode)
    for trust in ([], ["--trust"]):
        other = settings.model_copy(update={"home": tmp_path / f"other{len(trust)}"})
        await output(other, "import", *trust, str(file))
        (arrived,) = await stored(other, Episode)
        (lesson,) = await stored(other, Strategy)
        assert (arrived.client, arrived.session, lesson.session) == (episode.client, "", "")


async def test_show_tells_the_client_and_what_it_read(connect: Connect, settings: Settings) -> None:
    steps = [
        {"action": "curl https://docs.example/encodings?key=1", "observation": "See also http://other.example/x"},
        {"action": "git clone ssh://git@github.com/a/b", "observation": "14 passed in 2.31s"},
    ]
    async with connect() as client:
        told = await report(client, trajectory=steps)
    (episode,) = await stored(settings, Episode)
    (strategy,) = await stored(settings, Strategy)
    assert episode.sources == ["docs.example", "github.com"]
    shown = await output(settings, "show", strategy.id)
    assert f"; {episode.client}; read docs.example, github.com" in shown
    shown = await output(settings, "show", told["episode_id"])
    assert episode.session in shown
    assert "docs.example, github.com" in shown
    as_json = json.loads(await output(settings, "show", strategy.id, "--json"))
    assert as_json["session"] == episode.session
