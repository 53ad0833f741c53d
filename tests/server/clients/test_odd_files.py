"""`strategy-bank connect` where the configuration is no plain file, belongs to somebody else, or says nothing or too much."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from strategy_bank.server.clients.registry import CLIENTS, System

PROGRAM = [sys.executable, "-m", "strategy_bank.server", "connect"]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="files as Linux has them")


class Person:
    """Somebody with a home, for whom a real process connects clients."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {"HOME": str(home), "PATH": "/bin:/usr/bin"}

    def file(self, client: str) -> Path:
        path = CLIENTS[client].user_file(System("linux", {}, self.home))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def connect(self, client: str, *words: str) -> tuple[int, str]:
        command = [*PROGRAM, client, "--command", "/opt/strategy-bank", "--yes", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
        assert "Traceback" not in done.stderr
        assert "unexpected error" not in done.stderr
        return done.returncode, done.stderr


@pytest.fixture
def person(tmp_path: Path) -> Person:
    home = tmp_path / "person"
    home.mkdir()
    return Person(home)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


KINDS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": _socket,
    "a link to a device without an end": lambda path: path.symlink_to("/dev/zero"),
    "a link to a device without content": lambda path: path.symlink_to("/dev/null"),
    "a file that is too large": _large,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_refused_at_once_and_left_alone(person: Person, kind: str) -> None:
    file = person.file("cursor")
    KINDS[kind](file)
    before = os.lstat(file)
    code, told = person.connect("cursor")
    assert (code, f"{file} cannot be read: it is" in told) == (1, True)
    assert os.lstat(file)[:7] == before[:7]
    assert os.listdir(file.parent) == [file.name]
    assert person.connect("cursor", "--list")[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("extensions:\n  a: {}\nextensions:\n  b: {}\n", "line 3: the key extensions is there twice"),
        ("a: &a\n  b: *a\n", "holds itself"),
        ("a: &a [*a]\n", "holds itself"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a: &a0 [0,0,0,0,0,0,0,0,0,0]\n" + "".join(f"b{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n"
                                                    for n in range(1, 9)), "too many values"),
        ("released: 2026-99-99\n", "cannot be read"),
    ],
    ids=["twice", "holds itself", "list holds itself", "deep", "many aliases", "no date"],
)  # fmt: skip
def test_yaml_that_has_no_one_meaning_is_refused_with_the_line_or_the_reason(
    person: Person, text: str, says: str
) -> None:
    person.file("goose").write_text(text)
    began = time.monotonic()
    code, told = person.connect("goose")
    assert (code, says in told) == (1, True)
    assert time.monotonic() - began < 10
    assert person.file("goose").read_text() == text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "before", "after"),
    [
        ("cursor", '{"mcpServers": null, "x": 1}', '{ "x": 1}'),
        ("claude-desktop", '{\n  "mcpServers": null\n}\n', "{}\n"),
        ("goose", "extensions:\nx: 1\n", "x: 1\n"),
        ("goose", "extensions: null # none\n", ""),
    ],
)
def test_null_is_an_empty_mapping(person: Person, client: str, before: str, after: str) -> None:
    file = person.file(client)
    file.write_text(before)
    assert person.connect(client, "--remove") == (0, f"{CLIENTS[client].title} is not connected in {file}.\n")
    assert person.connect(client)[0] == 0
    servers = yaml.safe_load(file.read_text())[CLIENTS[client].key]
    assert list(servers) == ["strategy-bank"]
    assert person.connect(client, "--remove")[0] == 0
    assert file.read_text() == after


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root writes files of others")
def test_root_leaves_a_file_to_its_owner_and_gives_new_ones_to_the_owner_of_the_folder(person: Person) -> None:
    os.chown(person.home, 54321, 54322)
    file = person.file("cursor")
    file.write_text(json.dumps({"mcpServers": {}}))
    os.chown(file, 54321, 54322)
    for client in ("cursor", "gemini"):
        assert person.connect(client)[0] == 0
    made = [file, file.with_name(f"{file.name}.strategy-bank.bak"), person.home / ".gemini" / "settings.json"]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(54321, 54322)}
