"""Whose project a call belongs to: the caller's word counts before the server's place. No project reaches another's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ListRootsResult, Root
from pydantic import FileUrl

from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation.decisions import change_status
from tests.support.connecting import Connect
from tests.support.http_server import TOKEN, Served, serving
from tests.support.processes.raw_server import SERVER
from tests.support.samples import (
    PREVENTIVE,
    STRATEGY,
    TASK,
    TRAJECTORY,
    call,
    comparison,
    judgement,
    refusal,
    report,
    text_of,
)

pytestmark = [pytest.mark.anyio, pytest.mark.both_eras]
SAID_OTHERWISE = STRATEGY | {
    "content": f"{STRATEGY['content']} That is quicker than to guess.",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project(tmp_path / "shop")


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    return project(tmp_path / "clinic")


def project(folder: Path) -> Path:
    (folder / ".git" / "objects").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    return folder


def process(environment: dict[str, str], cwd: Path, **changes: str) -> StdioServerParameters:
    """A server as a client starts it that names no scope."""
    mine = {name: value for name, value in environment.items() if name != "STRATEGY_BANK_SCOPE"}
    return StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=mine | changes, cwd=cwd)


async def scope_in_force(server: StdioServerParameters, era: str, **options: Any) -> str:
    async with Client(server, mode=era, **options) as client:
        return (await call(client, "recall_strategies", task=TASK))["scope"]


def opened(*folders: Path) -> Any:
    async def roots(*_: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=FileUrl(folder.as_uri())) for folder in folders])

    return roots


@pytest.mark.slow
async def test_roots_count_before_variables_and_these_before_the_working_directory(
    environment: dict[str, str], era: str, shop: Path, clinic: Path, tmp_path: Path
) -> None:
    till = project(tmp_path / "till")
    told = {"CLAUDE_PROJECT_DIR": str(clinic)}
    assert await scope_in_force(process(environment, till), era) == "till"
    assert await scope_in_force(process(environment, till, **told), era) == "clinic"
    home, sub = tmp_path / "home", shop / "src"
    sub.mkdir()
    server = process(environment, till, HOME=str(home), **told)
    assert await scope_in_force(server, era, list_roots_callback=opened(home, sub)) == "shop"


@pytest.mark.parametrize(
    ("variable", "value", "scope"),
    [
        ("STRATEGY_BANK_PROJECT", "{shop}", "shop"),
        ("WORKSPACE_FOLDER_PATHS", "{shop}", "shop"),
        ("WORKSPACE_FOLDER_PATHS", "{shop},{clinic}", "shop"),
        ("WORKSPACE_FOLDER_PATHS", '["{shop}"]', "shop"),
        ("STRATEGY_BANK_PROJECT", "${{workspaceFolder}}", "clinic"),
        ("STRATEGY_BANK_PROJECT", " ", "clinic"),
        ("CLAUDE_PROJECT_DIR", "relative/shop", "clinic"),
        ("CLAUDE_PROJECT_DIR", "/", "clinic"),
    ],
)
async def test_a_variable_that_a_client_did_not_expand_says_nothing(
    environment: dict[str, str],
    shop: Path,
    clinic: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    scope: str,
) -> None:
    monkeypatch.chdir(clinic)
    told = {variable: value.format(shop=shop, clinic=clinic), "STRATEGY_BANK_SCOPE": ""}
    async with Client(create_server(Settings.read(environment | told))) as client:
        assert (await call(client, "recall_strategies", task=TASK))["scope"] == scope


@pytest.mark.slow
async def test_in_the_home_or_at_the_root_nothing_goes_where_projects_read_it(
    environment: dict[str, str], era: str, shop: Path, tmp_path: Path
) -> None:
    for cwd in (tmp_path / "home", Path("/")):
        async with Client(process(environment, cwd, HOME=str(tmp_path / "home")), mode=era) as client:
            await report(client)
            assert (await call(client, "recall_strategies", task=TASK))["scope"] == "no-project"
    async with Client(process(environment, shop), mode=era) as client:
        assert (await call(client, "recall_strategies", task=TASK))["strategies"] == []


# over HTTP


@pytest.fixture
def served(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.chdir(project(tmp_path / "here"))
    with serving({name: value for name, value in environment.items() if name != "STRATEGY_BANK_SCOPE"}) as server:
        yield server


async def over_http(url: str, era: str, tool: str, headers: dict[str, str], **arguments: Any) -> dict[str, Any]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"} | headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        return await call(client, tool, **arguments)


@pytest.mark.slow
async def test_one_server_over_http_serves_many_projects_without_mixing_them(
    served: Served, era: str, shop: Path
) -> None:
    told = {"task": TASK, "trajectory": TRAJECTORY, "judgement": judgement()}
    await over_http(served.url, era, "report_outcome", {"Strategy-Bank-Project": str(shop)}, **told)
    for url, headers, scope, found in (
        (served.url, {"Strategy-Bank-Project": str(shop)}, "shop", 1),
        (served.url, {"Strategy-Bank-Scope": "shop"}, "shop", 1),
        (f"{served.url}?scope=shop", {}, "shop", 1),
        (f"{served.url}?project={shop}", {}, "shop", 1),
        (served.url, {"Strategy-Bank-Scope": "clinic"}, "clinic", 0),
        (f"{served.url}?scope=M%C3%BCller%20%26%20Co", {}, "Müller & Co", 0),
        (served.url, {"Strategy-Bank-Scope": "M%C3%BCller"}, "Müller", 0),
        (served.url, {}, "no-project", 0),
    ):
        recalled = await over_http(url, era, "recall_strategies", headers, task=TASK)
        assert (recalled["scope"], len(recalled["strategies"])) == (scope, found), (url, headers)


# the wall


@pytest.fixture
async def others(connect: Connect) -> dict[str, str]:
    """Another project's records: a lesson, a quarantined one, a pending episode, and a run, by their ids."""
    async with connect(change={"scope": "clinic"}) as client:
        lesson = (await report(client))["strategies"][0]["id"]
        pending = await call(client, "report_outcome", task="Wait", trajectory="Nobody judged it.")
        run = await call(client, "scale_attempts", task="Repair the printer", attempts=2)
    return {"lesson": lesson, "episode": pending["episode_id"], "run": run["run_id"]}


async def test_other_projects_records_do_not_exist_for_an_agent(
    connect: Connect, settings: Settings, others: dict[str, str]
) -> None:
    async with connect() as client:
        assert (await call(client, "recall_strategies", task=TASK))["strategies"] == []
        for arguments in (
            {"episode_id": others["episode"], "judgement": judgement()},
            {"episode_id": others["episode"]},
            {"run_id": others["run"], "attempt": 1, "trajectory": "Mine."},
        ):
            invented = {
                name: "ep_0123456789abcdef" if name == "episode_id" else "run_0123456789abcdef"
                for name in arguments if name in ("episode_id", "run_id")
            }  # fmt: skip
            said = await refusal(client, "report_outcome", **arguments)
            alike = await refusal(client, "report_outcome", **arguments | invented)
            assert said.replace(others["episode"], "X").replace(others["run"], "X") == alike.replace(
                "ep_0123456789abcdef", "X"
            ).replace("run_0123456789abcdef", "X")
        for arguments in ({}, {"attempts": 2}, {"comparison": comparison(1)}):
            assert "There is no run" in await refusal(client, "scale_attempts", run_id=others["run"], **arguments)
        mine = judgement(strategies=[PREVENTIVE])
        told = await report(client, task="Mine", used_strategy_ids=[others["lesson"]], judgement=mine)
        assert any("Unknown used_strategy_ids" in warning for warning in told["warnings"])
        summary = (await client.read_resource("bank://summary")).contents[0]
        assert "episodes: 1" in summary.text  # type: ignore[union-attr]
        with pytest.raises(Exception, match="There is no strategy"):
            await client.read_resource(f"strategy://{others['lesson']}")
    bank = await Bank.open(settings.location)
    (lesson,) = await bank.all(Strategy, id=others["lesson"])
    await bank.close()
    assert (lesson.helped, lesson.hurt, lesson.credited_by) == (0, 0, [])


async def test_a_judgement_that_cites_another_projects_lesson_moves_none_of_its_counters(
    connect: Connect, settings: Settings, others: dict[str, str]
) -> None:
    async with connect() as client:
        cited = judgement("failure", reason=f"Followed {others['lesson']}, and it went wrong.", strategies=[])
        await report(client, judgement=cited)
    bank = await Bank.open(settings.location)
    (lesson,) = await bank.all(Strategy, id=others["lesson"])
    await bank.close()
    assert (lesson.hurt, lesson.credited_by) == (0, [])


async def test_an_agent_cannot_name_another_scope_unless_a_person_allows_it(connect: Connect) -> None:
    async with connect() as client:
        for tool, arguments in (
            ("recall_strategies", {"task": TASK}),
            ("report_outcome", {"task": TASK, "trajectory": "x"}),
            ("scale_attempts", {"task": TASK}),
        ):
            said = await refusal(client, tool, **arguments, scope="clinic")
            assert "works in the scope 'project'" in said
            assert "--scope" in said
        assert (await call(client, "recall_strategies", task=TASK, scope="project"))["scope"] == "project"
    async with connect(change={"other_scopes": True}) as client:
        assert (await call(client, "recall_strategies", task=TASK, scope="clinic"))["scope"] == "clinic"


async def test_global_is_not_reached_by_a_field(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        told = await report(client, scope="global")
    assert "second project" in told["warnings"][0]
    bank = await Bank.open(settings.location)
    (lesson,) = await bank.all(Strategy)
    await bank.close()
    assert lesson.scope == "project"


async def test_a_lesson_gets_global_when_a_second_project_teaches_it_in_other_words(
    connect: Connect, settings: Settings
) -> None:
    async with connect(change={"scope": "clinic"}) as client:
        first = (await report(client))["strategies"][0]
    async with connect() as client:
        other = await report(
            client, task="Read the partner's price list", judgement=judgement(strategies=[SAID_OTHERWISE, PREVENTIVE])
        )
    assert [(one["action"], one["id"] == first["id"]) for one in other["strategies"]] == [
        ("merged", True),
        ("added", False),
    ]
    bank = await Bank.open(settings.location)
    found = {each.title: each for each in await bank.all(Strategy)}
    await bank.close()
    shared = found[STRATEGY["title"]]
    assert (shared.scope, shared.support) == ("global", 2)
    assert shared.status_reason == "global: taught independently in clinic and project"
    assert found[PREVENTIVE["title"]].scope == "project"
    async with connect(change={"scope": "third"}) as client:
        assert [hit["id"] for hit in (await call(client, "recall_strategies", task=TASK))["strategies"]] == [
            first["id"]
        ]


async def test_what_is_quarantined_is_shown_to_people_only(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        id = (await report(client))["strategies"][0]["id"]
        assert STRATEGY["title"] in str((await client.read_resource(f"strategy://{id}")).contents[0])
        bank = await Bank.open(settings.location)
        await change_status(bank, (id,), "quarantined", "reads as orders")
        await bank.close()
        with pytest.raises(Exception, match="There is no strategy"):
            await client.read_resource(f"strategy://{id}")
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK}))
    assert STRATEGY["title"] not in text
