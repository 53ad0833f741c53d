"""What the project says of itself is true: README, example configuration, prompts, the built wheel."""

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from strategy_bank.server.clients.registry import CLIENTS
from strategy_bank.server.settings import PREFIX, Settings
from strategy_bank.tools.prompting import render
from tests.support.connecting import Connect
from tests.support.places import ROOT
from tests.support.samples import check_snapshot

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.anyio
async def test_the_readmes_table_names_exactly_the_tools_there_are(connect: Connect) -> None:
    async with connect() as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
    assert re.findall(r"^\| `(\w+)` \| (?:BEFORE|AFTER|for a HARD)", README, re.MULTILINE) == tools


def test_the_readmes_table_names_exactly_the_clients_there_are() -> None:
    shown = re.findall(r"^\| \[(.+?)\]\(docs/clients.md#.*?\) \| `([\w-]+)` \|", README, re.MULTILINE)
    assert sorted(shown) == sorted((client.title, name) for name, client in CLIENTS.items())


@pytest.mark.anyio
async def test_the_example_configuration_starts_the_server(environment: dict[str, str]) -> None:
    config = json.loads((ROOT / "claude_desktop_config.example.json").read_text("utf-8"))
    server = config["mcpServers"]["strategy-bank"]
    assert server["command"] in {script.name for script in entry_points(group="console_scripts")}
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    parameters = StdioServerParameters(
        command=server["command"], args=server["args"], env=environment | server["env"] | {"PATH": path}
    )
    async with Client(parameters) as client:
        assert len((await client.list_tools()).tools) == 3


def test_the_readme_is_a_first_page_and_no_manual() -> None:
    assert len(README.splitlines()) <= 115


def test_the_readme_shows_the_example_configuration_as_it_is() -> None:
    shown = json.loads(README.split("```json\n", 1)[1].split("```", 1)[0])
    assert shown == json.loads((ROOT / "claude_desktop_config.example.json").read_text("utf-8"))


def test_every_variable_and_command_in_the_readme_exists() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"STRATEGY_BANK_[A-Z_]+[A-Z]", README)) <= known
    help_text = subprocess.run(
        [sys.executable, "-m", "strategy_bank.server", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in re.findall(r"^strategy-bank (\w+)", README, re.MULTILINE):
        assert f"  {command} " in help_text


def test_prompts_are_those_of_the_snapshot() -> None:
    rendered: list[str] = []
    for file in sorted((files("strategy_bank.tools") / "prompts").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            name = file.name.removesuffix(".md")
            values = {value: f"<{value}>" for value in re.findall(r"\$(\w+)", file.read_text("utf-8"))}
            rendered.append(f"=== {name}\n{render(name, **values)}")
    check_snapshot("prompts.txt", "\n\n".join(rendered))


@pytest.mark.slow
def test_a_built_wheel_carries_everything_and_nothing_under_a_common_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("strategy_bank-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for needed in (
        "server/mcp/app.py",
        "tools/prompts/judge.md",
        "store/model/tokenizer.json",
        "store/model/NOTICE",
        "examples/run_parallel.json",
        "server/py.typed",
        "tools/py.typed",
        "store/py.typed",
    ):
        assert f"strategy_bank/{needed}" in names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"strategy_bank"}
