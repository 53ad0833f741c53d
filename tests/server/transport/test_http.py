"""`strategy-bank serve --http`: a real process on a free port, real clients of both eras, and who is turned away."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from mcp import Client, MCPError, StdioServerParameters

from strategy_bank.server.settings import Settings
from strategy_bank.server.transport.http import allowed_names
from strategy_bank.server.transport.token import TOKEN_FILE
from strategy_bank.store.errors import InvalidInput
from tests.support.http_server import TOKEN, Served, reached, serving
from tests.support.processes.raw_server import SERVER
from tests.support.samples import REWORDED, TASK, TRAJECTORY, call, judgement, refusal, report
from tests.support.sessions import work, write

pytestmark = [pytest.mark.anyio, pytest.mark.both_eras, pytest.mark.traced]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """For tests that leave the bank alone."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STRATEGY_BANK_")}
    environment["STRATEGY_BANK_HOME"] = str(tmp_path_factory.mktemp("home"))
    with serving(environment) as server:
        yield server


@pytest.mark.slow
async def test_a_lesson_told_over_http_is_recalled_over_stdio_by_another_process(
    environment: dict[str, str], era: str
) -> None:
    with serving(environment) as server:
        async with reached(server.url, era) as client:
            assert len((await client.list_tools()).tools) == 3
            learned = await report(client)
            assert (await call(client, "recall_strategies", task=REWORDED))["strategies"][0]["title"]
        other = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)
        async with Client(other, mode=era) as client:
            recalled = await call(client, "recall_strategies", task=REWORDED)
    assert [s["id"] for s in recalled["strategies"]] == [s["id"] for s in learned["strategies"]]


@pytest.mark.slow
async def test_clients_at_once_work_on_one_bank(environment: dict[str, str]) -> None:
    stored: set[str] = set()

    async def tell(url: str, era: str, name: str) -> None:
        async with reached(url, era) as client:
            for number in range(4):
                told = await report(client, task=f"{TASK} {name} {number}")
                stored.add(told["episode_id"])
                await call(client, "recall_strategies", task=REWORDED)

    with serving(environment) as server:
        async with anyio.create_task_group() as group:
            for name in ("one", "two"):
                for era in ("auto", "legacy"):
                    group.start_soon(tell, server.url, era, f"{name} {era}")
        async with reached(server.url, "auto") as client:
            for id in stored:
                assert (await call(client, "report_outcome", episode_id=id))["status"] == "learned"
    assert len(stored) == 16


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Bearer {TOKEN}s"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": b"Bearer \xff\xfe"},
    ],
    ids=["none", "longer", "shorter", "empty", "another scheme", "not text"],
)
def test_without_the_right_token_nothing_is_answered(served: Served, headers: dict[str, str]) -> None:
    answer = served.post(**headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "recall" not in answer.text
    assert TOKEN not in answer.text


async def test_a_client_with_a_wrong_token_is_turned_away(served: Served, era: str) -> None:
    with pytest.raises(ExceptionGroup) as refused:
        async with reached(served.url, era, token="another one, sixteen long"):
            pass
    assert refused.group_contains(MCPError, match="error response")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8765"}, 200),
        ({"Origin": "http://127.0.0.1:8765"}, 200),
        ({"Host": "rebound.example:8765"}, 421),
        ({"Host": "localhost.rebound.example"}, 421),
        ({"Origin": "https://rebound.example"}, 403),
        ({"Origin": "http://localhost.rebound.example:80"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_only_pages_and_names_of_this_machine_are_served(served: Served, headers: dict[str, str], status: int) -> None:
    answer = served.post(Authorization=f"Bearer {TOKEN}", **headers)
    assert answer.status_code == status
    assert ("recall_strategies" in answer.text) == (status == 200)


def test_whether_it_is_well_is_told_to_all_and_nothing_else(served: Served) -> None:
    assert served.get("/healthz").json() == {"status": "ok"}
    assert served.get("/").status_code == 404
    assert served.get("/mcp", Authorization=f"Bearer {TOKEN}").status_code == 405
    assert served.get("/docs", Authorization=f"Bearer {TOKEN}").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "protocol"), [(signal.SIGTERM, 143, "auto"), (signal.SIGINT, 130, "legacy")]
)
async def test_a_signal_lets_the_call_under_way_end_and_loses_nothing(
    environment: dict[str, str], number: int, code: int, protocol: str
) -> None:
    with serving(environment) as server:

        async def end_server(done: float, total: float | None, message: str | None) -> None:
            if done == 0:
                server.process.send_signal(number)

        async with reached(server.url, protocol) as client:
            first = await report(client)
            arguments = {"task": f"{TASK} Again.", "trajectory": TRAJECTORY, "judgement": judgement()}
            last = await client.call_tool("report_outcome", arguments, progress_callback=end_server)
            assert await anyio.to_thread.run_sync(server.process.wait) == code
        assert server.process.stderr
        assert server.process.stderr.read() == ""
    assert last.structured_content
    async with Client(StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)) as client:
        for told in (first, last.structured_content):
            again = await call(client, "report_outcome", episode_id=told["episode_id"])
            assert again["status"] == "learned"


def test_control_c_at_the_first_moment_ends_it_also_where_its_parent_ignores_it(environment: dict[str, str]) -> None:
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *SERVER, "--http", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        Served(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


@pytest.mark.slow
async def test_a_long_trajectory_is_taken_as_over_stdio(environment: dict[str, str]) -> None:
    with serving(environment) as server:
        async with reached(server.url, "auto") as client:
            told = await call(client, "report_outcome", task=TASK, trajectory="ü" * 2_400_000)
        assert told["status"] == "judgement_needed"


async def test_transcripts_are_not_read_for_whoever_has_the_token(environment: dict[str, str], tmp_path: Path) -> None:
    file = write(tmp_path / "projects" / "-p" / "s.jsonl", work())
    with serving(environment | {"CLAUDE_CONFIG_DIR": str(tmp_path)}) as server:
        async with reached(server.url, "auto") as client:
            told = await refusal(client, "report_outcome", trajectory={"transcript": str(file)})
    assert "This server reads no transcripts" in told


@pytest.mark.slow
def test_a_token_is_made_once_for_the_user_alone_and_not_told(environment: dict[str, str], home: Path) -> None:
    file, seen = home / TOKEN_FILE, set[str]()
    for _ in range(2):
        with serving(environment, token="") as server:
            token = file.read_text("utf-8").strip()
            seen.add(token)
            assert str(file) in server.said
            assert token not in server.said
            assert server.post(Authorization=f"Bearer {token}").status_code == 200
    assert len(seen) == 1
    assert len(seen.pop()) >= 32
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "changes", "says"),
    [
        (["--http", "--host", "0.0.0.0"], {}, "STRATEGY_BANK_HTTP_HOSTS"),
        (["--http", "--host", "0.0.0.0"], {"STRATEGY_BANK_HTTP_TOKEN": TOKEN}, "STRATEGY_BANK_HTTP_HOSTS"),
        (["--http", "--host", "0.0.0.0"], {"STRATEGY_BANK_HTTP_HOSTS": "bank.example"}, "STRATEGY_BANK_HTTP_TOKEN"),
        (["--http", "--host", "no-such-host.invalid"], {}, "STRATEGY_BANK_HTTP_TOKEN"),
        (["--http", "--host", "127.0.0.256"], {}, "127.0.0.256"),
        (["--http"], {"STRATEGY_BANK_HTTP_TOKEN": "short"}, "STRATEGY_BANK_HTTP_TOKEN"),
        (["--port", "9000"], {}, "--http"),
    ],
)
def test_what_is_not_safe_or_makes_no_sense_is_refused_in_one_line(
    environment: dict[str, str], options: list[str], changes: dict[str, str], says: str
) -> None:
    done = _refused(environment | changes, *options)
    assert says in done.stderr
    assert "short" not in done.stderr


def test_a_port_that_is_taken_is_named(environment: dict[str, str], served: Served) -> None:
    port = served.url.split(":")[2].removesuffix("/mcp")
    assert f"port {port}" in _refused(environment, "--http", "--port", port).stderr


def test_a_token_file_without_a_token_is_named(environment: dict[str, str], home: Path) -> None:
    (home / TOKEN_FILE).touch()
    assert str(home / TOKEN_FILE) in _refused(environment, "--http", "--port", "0").stderr


def _refused(environment: dict[str, str], *options: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*SERVER, *options], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done


def test_other_machines_reach_it_under_the_names_that_were_allowed(environment: dict[str, str]) -> None:
    with serving(environment | {"STRATEGY_BANK_HTTP_HOSTS": "bank.example, 10.0.0.7"}, "--host", "0.0.0.0") as server:
        right = {"Authorization": f"Bearer {TOKEN}"}
        for host, status in (("bank.example", 200), ("10.0.0.7:8765", 200), ("other.example", 421)):
            assert server.post(Host=host, **right).status_code == status
        assert server.post(Host="bank.example", Origin="https://bank.example", **right).status_code == 200


@pytest.mark.parametrize(("host", "own"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True),
                                           ("::", False), ("192.168.0.2", False), ("localhost.example", False)])  # fmt: skip
def test_addresses_of_this_machine_need_nothing_said(host: str, own: bool) -> None:
    settings = Settings.read({})
    if own:
        assert allowed_names(settings, host) == []
    else:
        with pytest.raises(InvalidInput):
            allowed_names(settings, host)
