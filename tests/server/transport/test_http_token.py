"""The token of `serve --http` while it is replaced, where others can read it, and where it is none; and who needs none."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from strategy_bank.server.transport.token import TOKEN_FILE
from tests.support.http_server import ACCEPTS, TOKEN, Served, serving
from tests.support.processes.raw_server import SERVER

OLD, NEW = "the-first-token-of-all", "the-token-after-that-one"
KEY = {"Authorization": f"Bearer {TOKEN}"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="modes of files")


def lets_in(server: Served, token: str) -> bool:
    return server.post(Authorization=f"Bearer {token}").status_code == 200


@contextmanager
def serving_from_file(environment: dict[str, str], home: Path, text: str, mode: int = 0o600) -> Generator[Served]:
    (home / TOKEN_FILE).write_text(text)
    (home / TOKEN_FILE).chmod(mode)
    with serving(environment, token="") as server:
        yield server


@pytest.mark.slow
def test_a_token_that_is_replaced_counts_at_once_and_the_old_one_no_more(
    environment: dict[str, str], home: Path
) -> None:
    with serving_from_file(environment, home, OLD) as server:
        assert (lets_in(server, OLD), lets_in(server, NEW)) == (True, False)
        (home / TOKEN_FILE).write_text(f"{NEW}\n")
        assert (lets_in(server, OLD), lets_in(server, NEW)) == (False, True)
        (home / TOKEN_FILE).write_text("x")
        assert (lets_in(server, OLD), lets_in(server, NEW), lets_in(server, "x")) == (False, False, False)
        (home / TOKEN_FILE).unlink()
        assert not lets_in(server, NEW)
        (home / TOKEN_FILE).write_text(OLD)
        (home / TOKEN_FILE).chmod(0o600)
        assert lets_in(server, OLD)
        server.process.terminate()
        said = server.process.communicate(timeout=30)[1]
    assert f"The token in {home / TOKEN_FILE} was replaced" in said
    assert "Nobody is let in until there is a token again" in said
    assert OLD not in said


@pytest.mark.slow
@posix
def test_a_token_that_others_can_read_is_closed_and_told(environment: dict[str, str], home: Path) -> None:
    with serving_from_file(environment, home, OLD, 0o644) as server:
        assert "Others could read the token" in server.said
        assert lets_in(server, OLD)
    assert (home / TOKEN_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_token_with_bearer_in_front_is_the_token(environment: dict[str, str], home: Path) -> None:
    with serving_from_file(environment, home, f"Bearer {OLD}\n") as server:
        assert lets_in(server, OLD)
    with serving(environment, token=f"bearer  {NEW} ") as server:
        assert lets_in(server, NEW)


@pytest.mark.parametrize("token", ["x", "", "Bearer 0123456789abcde", "Schlüssel, den niemand kennt", "a\0b" * 9])
def test_a_file_that_holds_no_token_is_told_at_the_start(environment: dict[str, str], home: Path, token: str) -> None:
    (home / TOKEN_FILE).write_text(token, encoding="utf-8")
    assert f"{home / TOKEN_FILE} holds no token" in refusal(environment)


@pytest.mark.parametrize("token", ["Bearer 0123456789abcde", "Schlüssel, den niemand kennt"])
def test_a_setting_that_is_no_token_is_told_at_the_start(environment: dict[str, str], token: str) -> None:
    assert "STRATEGY_BANK_HTTP_TOKEN" in refusal(environment | {"STRATEGY_BANK_HTTP_TOKEN": token})


def refusal(environment: dict[str, str]) -> str:
    command = [*SERVER, "--http", "--port", "0"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    with serving({"STRATEGY_BANK_HOME": str(tmp_path_factory.mktemp("home")), "PATH": ""}) as server:
        yield server


@pytest.mark.parametrize("path", ["oauth-protected-resource", "oauth-authorization-server/mcp", "openid-configuration"])
def test_who_looks_for_a_place_to_log_in_finds_none(served: Served, path: str) -> None:
    answer = served.get(f"/.well-known/{path}")
    assert answer.status_code == 404
    assert "/mcp" in answer.json()["error"]


def test_the_methods_are_told_without_the_token_and_no_page_is_invited(served: Served) -> None:
    answer = httpx2.options(served.url, headers={"Origin": "https://other.example"})
    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:3000", 200),
        ("127.8.9.1", 200),
        ("[::1]:80", 200),
        ("LOCALHOST", 200),
        ("localhost:3000.evil.example", 421),
        ("127.0.0.1:80@evil.example", 421),
        ("[::1]:80.evil.example", 421),
        ("localhost:", 421),
        ("", 421),
    ],
)
def test_a_host_is_known_by_its_whole_name(served: Served, host: str, status: int) -> None:
    assert served.post(**KEY, Host=host).status_code == status
    origin = f"http://{host}"
    assert served.post(**KEY, Origin=origin).status_code == (status if status == 200 else 403)


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "localhost"])
def test_every_address_of_this_machine_can_be_listened_at(environment: dict[str, str], host: str) -> None:
    with serving(environment, "--host", host) as server:
        assert lets_in(server, TOKEN)


@pytest.mark.parametrize("id", ["null", "1.5"])
def test_a_request_with_an_id_that_cannot_be_is_answered_with_an_error(served: Served, id: str) -> None:
    assert "no text or whole number" in posted(served, f'{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}').text


@pytest.mark.parametrize("task", [r'"a lone \ud800 surrogate"', '"t"'])
@pytest.mark.parametrize("trajectory", [r'"a lone \udfff surrogate"', "[" * 250 + "]" * 250], ids=["surrogate", "deep"])
def test_what_is_mended_over_stdio_is_mended_over_http(served: Served, task: str, trajectory: str) -> None:
    arguments = f'{{"task":{task},"trajectory":{trajectory}}}'
    params = f'{{"name":"report_outcome","arguments":{arguments}}}'
    answer = posted(served, f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}')
    assert answer.status_code == 200
    result = json.loads(answer.text.partition("data: ")[2])["result"]
    assert result["isError"] == ("[[[" in trajectory)
    assert "trajectory" in json.dumps(result)


def posted(server: Served, body: str) -> httpx2.Response:
    headers = ACCEPTS | KEY | {"Content-Type": "application/json"}
    return httpx2.post(server.url, content=body.encode(), headers=headers, timeout=60)
