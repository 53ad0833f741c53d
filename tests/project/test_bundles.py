"""What others install us by: the .mcpb manifest, the registry's server.json, the Dockerfile. `make conformance` builds them."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from urllib.parse import urlsplit

import pytest

from strategy_bank.server.settings import PREFIX, Settings
from tests.support.connecting import Connect
from tests.support.http_server import TOKEN, Served
from tests.support.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MANIFEST = json.loads((ROOT / "bundle" / "manifest.json").read_text("utf-8"))
REGISTERED = json.loads((ROOT / "server.json").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", DOCKERFILE, re.MULTILINE)


def test_versions_and_names_are_those_of_the_project() -> None:
    (package,) = REGISTERED["packages"]
    plugins = [
        json.loads((ROOT / "plugins" / name).read_text("utf-8"))
        for name in ("claude-code/.claude-plugin/plugin.json", "gemini-cli/gemini-extension.json")
    ]
    versions = {each["version"] for each in (MANIFEST, REGISTERED, package, *plugins)}
    assert versions == {PROJECT["version"]}
    assert {MANIFEST["name"], package["identifier"]} == {PROJECT["name"]}
    assert MANIFEST["license"] == PROJECT["license"]
    assert MANIFEST["compatibility"]["runtimes"]["python"] == PROJECT["requires-python"]
    assert MANIFEST["server"]["mcp_config"]["args"][-2] in PROJECT["scripts"]
    assert (ROOT / MANIFEST["server"]["entry_point"]).is_file()
    assert len(REGISTERED["description"]) <= 100


def test_the_readme_proves_to_the_registry_whose_package_it_is() -> None:
    assert f"<!-- mcp-name: {REGISTERED['name']} -->" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.anyio
async def test_the_manifest_lists_the_tools_as_they_describe_themselves(connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [tool["name"] for tool in MANIFEST["tools"]]
    for tool, listed in zip(tools, MANIFEST["tools"], strict=True):
        assert (tool.description or "").startswith(listed["description"])


def test_variables_are_settings_and_the_secret_one_is_called_so() -> None:
    variables = {variable["name"]: variable for variable in REGISTERED["packages"][0]["environmentVariables"]}
    docker = set(re.findall(rf"{PREFIX}[A-Z_]+", DOCKERFILE))
    assert {name.removeprefix(PREFIX).lower() for name in variables.keys() | docker} <= Settings.model_fields.keys()
    assert [name for name, variable in variables.items() if variable.get("isSecret")] == [f"{PREFIX}LLM_API_KEY"]
    assert Settings.read({f"{PREFIX}JUDGE": variables[f"{PREFIX}JUDGE"]["default"]}).judge == "auto"


def test_the_image_copies_what_there_is_and_what_the_package_needs() -> None:
    copied = [path for line in instructions("COPY") if not line.startswith("--") for path in line.split()[:-1]]
    assert all((ROOT / path).exists() for path in copied)
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-dir"].values()
    assert {*needed, PROJECT["readme"], "LICENSE", "pyproject.toml"} == set(copied)
    shown = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line[0] == "!"}
    assert shown == set(copied)


@pytest.mark.slow
def test_the_image_starts_healthy_and_only_with_a_token(environment: dict[str, str]) -> None:
    entry, command = json.loads(instructions("ENTRYPOINT")[0]), json.loads(instructions("CMD")[0])
    assert entry[0] in PROJECT["scripts"]
    given = dict(pair.split("=", 1) for pair in shlex.split(instructions("ENV")[0]))
    container = environment | {"STRATEGY_BANK_HTTP_HOSTS": given["STRATEGY_BANK_HTTP_HOSTS"]}
    start = [sys.executable, "-m", "strategy_bank.server", *command, "--port", "0"]
    refused = subprocess.run(start, env=container, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "STRATEGY_BANK_HTTP_TOKEN" in refused.stderr
    with subprocess.Popen(
        start, env=container | {"STRATEGY_BANK_HTTP_TOKEN": TOKEN}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            port = urlsplit(Served(process).url).port
            asked = json.loads(instructions("HEALTHCHECK")[0].split(" CMD ", 1)[1])
            assert asked[0] == "python"
            healthy = [sys.executable, *(word.replace(instructions("EXPOSE")[0], str(port)) for word in asked[1:])]
            subprocess.run(healthy, check=True, timeout=60)
        finally:
            process.kill()
    assert subprocess.run(healthy, capture_output=True, timeout=60).returncode != 0


def test_the_image_does_not_run_as_root_and_keeps_its_bank_outside() -> None:
    (user,) = instructions("USER")
    assert int(user) > 0
    assert f"--uid {user} " in DOCKERFILE
    assert instructions("VOLUME") == ["/bank"]
    assert 'STRATEGY_BANK_HOME="/bank"' in DOCKERFILE
    assert f"{PREFIX}HTTP_TOKEN=" not in DOCKERFILE
