"""The real server process over stdio: both eras, several processes, hostile input, a clean end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ResourceTemplateReference

from strategy_bank.server.transport.signals import ending_signals
from tests.support.processes.raw_server import SERVER, RawServer, raw_server
from tests.support.samples import REWORDED, STRATEGY, TASK, TRAJECTORY, call, comparison, judgement, report, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_eras, pytest.mark.traced]


def connected(environment: dict[str, str], era: str) -> Client:
    server = StdioServerParameters(command=SERVER[0], args=SERVER[1:], env=environment)
    return Client(server, mode=era)


@pytest.mark.slow
async def test_a_lesson_of_one_process_comes_back_in_the_next(environment: dict[str, str], era: str) -> None:
    async with connected(environment, era) as client:
        assert (await call(client, "recall_strategies", task=REWORDED))["strategies"] == []
        learned = await report(client)
    async with connected(environment, era) as client:
        recalled = await call(client, "recall_strategies", task=REWORDED)
    assert [s["id"] for s in recalled["strategies"]] == [s["id"] for s in learned["strategies"]]


@pytest.mark.slow
async def test_two_processes_work_on_one_run_and_see_each_other_at_once(environment: dict[str, str]) -> None:
    async with connected(environment, "auto") as one, connected(environment, "legacy") as two:
        run_id = (await call(one, "scale_attempts", task=TASK, attempts=2))["run_id"]
        for client, number in ((one, 1), (two, 2)):
            trajectory = f"attempt {number}: 14 passed in 2.31s"
            await call(client, "report_outcome", run_id=run_id, attempt=number, trajectory=trajectory,
                       judgement=judgement(strategies=[]))  # fmt: skip
        asked = await call(one, "scale_attempts", run_id=run_id)
        assert asked["status"] == "comparison_needed"
        assert (await call(two, "scale_attempts", run_id=run_id, comparison=comparison(2)))["status"] == "finished"
        assert (await call(one, "scale_attempts", run_id=run_id))["best_attempt"] == 2
        recalled = await call(one, "recall_strategies", task=TASK)
    assert [s["title"] for s in recalled["strategies"]] == [STRATEGY["title"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "trajectory",
    [
        '[{"observation": NaN}, {"observation": "ok"}]',
        r'"a lone surrogate \ud800 in text"',
        json.dumps("x" * 10_000_000),
        json.dumps([{"action": "ls", "observation": "ok"}] * 100_000),
        json.dumps({"steps": TRAJECTORY}),
    ],
    ids=["NaN", "surrogate", "10 MB", "100,000 steps", "wrapped"],
)
def test_odd_input_is_stored_or_refused_and_the_server_goes_on(environment: dict[str, str], trajectory: str) -> None:
    with raw_server(environment) as server:
        server.initialize()
        result = server.report(trajectory)
        assert result["content"][0]["text"]
        if result.get("isError"):
            assert "trajectory" in result["content"][0]["text"]
        else:
            assert result["structuredContent"]["status"] == "judgement_needed"
        assert not server.report('"a plain one"').get("isError")


@pytest.mark.slow
@pytest.mark.parametrize(
    "trajectory",
    ["[]", '""', "{}", "42", "[[]]", '[{"role": "pirate"}]', "[" * 400 + "]" * 400],
    ids=["empty list", "empty text", "empty object", "number", "list of lists", "unknown role", "deep"],
)
def test_wrong_shapes_are_tool_errors_that_name_the_right_ones(environment: dict[str, str], trajectory: str) -> None:
    with raw_server(environment) as server:
        server.initialize()
        result = server.report(trajectory)
        assert result["isError"]
        assert "trajectory" in result["content"][0]["text"].lower()


def test_lines_as_windows_writes_them_and_lines_that_are_no_json_are_answered(environment: dict[str, str]) -> None:
    with raw_server(environment) as server:
        server.send(b'\xef\xbb\xbf{"jsonrpc":"2.0","id":7,"method":"ping"}\r')
        assert server.receive()["id"] == 7
        server.send(b'{"jsonrpc":"2.0","id":8,"method":')
        refused = server.receive()
        assert (refused["id"], "not JSON" in refused["error"]["data"]) == (8, True)


@pytest.mark.parametrize("id", ["null", "1.5", "[]"])
def test_a_request_with_an_id_that_cannot_be_is_answered_with_an_error(environment: dict[str, str], id: str) -> None:
    with raw_server(environment) as server:
        server.send(f'{{"jsonrpc":"2.0","id":{id},"method":"ping"}}'.encode())
        refused = server.receive()
        assert (refused["id"], "no text or whole number" in refused["error"]["data"]) == (id, True)


def test_the_process_ends_with_its_input_and_prints_nothing_else(environment: dict[str, str]) -> None:
    with raw_server(environment) as server:
        server.initialize()
        server.request("tools/list")
        assert server.process.stdin
        server.process.stdin.close()
        assert server.process.wait(timeout=90) == 0
        assert server.process.stdout
        assert server.process.stdout.read() == b""


def test_initialize_is_answered_before_the_heavy_libraries_are_imported(environment: dict[str, str]) -> None:
    code = """
import sys, io, os
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
create_server(Settings.read(os.environ))
heavy = {"lancedb", "fastembed", "onnxruntime", "openai", "pyarrow", "numpy"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
async def test_what_was_acknowledged_survives_a_kill(environment: dict[str, str]) -> None:
    acknowledged: list[str] = []
    with raw_server(environment) as server:
        server.initialize()
        for number in range(3):
            arguments = json.dumps({"task": f"{TASK} {number}", "trajectory": TRAJECTORY, "judgement": judgement()})
            answer = server.request("tools/call", f'{{"name":"report_outcome","arguments":{arguments}}}')
            acknowledged.append(answer["result"]["structuredContent"]["episode_id"])
        os.kill(server.process.pid, signal.SIGKILL)
    async with connected(environment, "auto") as client:
        for id in acknowledged:
            assert (await call(client, "report_outcome", episode_id=id))["status"] == "learned"


async def test_a_bank_that_cannot_be_opened_is_an_error_of_each_call_that_names_the_place(
    environment: dict[str, str], tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder")
    async with connected(environment | {"STRATEGY_BANK_HOME": str(blocked / "home")}, "auto") as client:
        assert len((await client.list_tools()).tools) == 3
        result = await client.call_tool("recall_strategies", {"task": TASK})
        ref = ResourceTemplateReference(type="ref/resource", uri="strategy://{id}")
        with pytest.raises(MCPError, match="STRATEGY_BANK_HOME"):
            await client.complete(ref, {"name": "id", "value": "st"})
    assert result.is_error
    assert str(blocked) in text_of(result)
    assert "STRATEGY_BANK_HOME" in text_of(result)


def test_wrong_settings_end_the_server_with_one_clear_line(environment: dict[str, str]) -> None:
    wrong = environment | {"STRATEGY_BANK_JUDGE": "oracle"}
    done = subprocess.run(SERVER, env=wrong, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "STRATEGY_BANK_JUDGE" in done.stderr
    assert "Traceback" not in done.stderr


def test_control_c_ends_the_server_also_where_its_parent_ignores_it(environment: dict[str, str]) -> None:
    command = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *SERVER]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        RawServer(process).initialize()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130


def test_the_signals_that_end_the_server_are_those_that_the_system_has() -> None:
    windows = {"SIGABRT": 22, "SIGBREAK": 21, "SIGINT": 2, "SIGTERM": 15}
    assert ending_signals(windows) == [2, 15, 21]
    assert ending_signals({"SIGINT": 2, "SIGHUP": 1, "SIGTERM": 15}) == [2, 15]


def test_the_server_stops_on_a_signal_without_hanging(environment: dict[str, str]) -> None:
    with raw_server(environment) as server:
        server.initialize()
        started = time.monotonic()
        server.process.terminate()
        server.process.wait(timeout=20)
        assert time.monotonic() - started < 20
