"""The .mcpb bundle, built and started; server.json, the wheel and the Dockerfile, checked. Alone it builds the bundle."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
import jsonschema
from mcp import Client, StdioServerParameters

from conformance import node, servers
from conformance.inspector import CALLS

MANIFEST = node.ROOT / "bundle" / "manifest.json"
DIST = node.ROOT / "dist"
CONTENTS = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "server", "tools", "store", "examples")
_BIN = Path(sys.executable).parent


def build() -> Path:
    """Validate the manifest, and pack it with the sources, which uv installs where the bundle is unpacked."""
    bundle = DIST / f"strategy-bank-{json.loads(MANIFEST.read_text())['version']}.mcpb"
    with tempfile.TemporaryDirectory(prefix="strategy-bank-bundle-") as folder:
        shutil.copy(MANIFEST, folder)
        for name in CONTENTS:
            source, target = node.ROOT / name, Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        node.run("mcpb", "validate", str(Path(folder) / "manifest.json"))
        DIST.mkdir(exist_ok=True)
        node.run("mcpb", "pack", folder, str(bundle))
    return bundle


def judge_bundle() -> str:
    """The bundle, unpacked elsewhere, started as its manifest says."""
    bundle = build()
    with tempfile.TemporaryDirectory(prefix="strategy-bank-unpacked-") as folder, servers.bank() as environment:
        node.run("mcpb", "unpack", str(bundle), folder)
        wanted = json.loads((Path(folder) / "manifest.json").read_text())["server"]["mcp_config"]
        arguments = [argument.replace("${__dirname}", folder) for argument in wanted["args"]]
        path = os.pathsep.join([str(_BIN), environment["PATH"]])
        own = {key: value for key, value in environment.items() if key not in ("VIRTUAL_ENV", "HOME")}
        parameters = StdioServerParameters(
            command=str(_BIN / wanted["command"]), args=arguments, cwd=folder, env=own | _home() | {"PATH": path}
        )
        tools = anyio.run(_tools, parameters)
    if tools != list(CALLS):
        raise node.Failed(f"The bundle has the tools {tools}")
    return f"{bundle.name}, {bundle.stat().st_size / 1e6:.1f} MB: valid, unpacked, started by uv, lists its {len(tools)} tools"


async def _tools(parameters: StdioServerParameters) -> list[str]:
    async with Client(parameters) as client:
        await client.call_tool("recall_strategies", CALLS["recall_strategies"])
        return [tool.name for tool in (await client.list_tools()).tools]


def judge_registry_entry() -> str:
    """server.json against the schema of the registry, which the wheel of a linter carries."""
    schema = files("skillsaw.schemas.mcp_registry.v2025_12_11") / "server.schema.json"
    entry: dict[str, Any] = json.loads((node.ROOT / "server.json").read_text())
    rules = json.loads(schema.read_text())
    if entry["$schema"] != rules["$id"]:
        raise node.Failed(f"server.json names the schema {entry['$schema']}, not {rules['$id']}")
    try:
        jsonschema.validate(entry, rules)
    except jsonschema.ValidationError as exc:
        raise node.Failed(str(exc)) from exc
    return f"server.json is valid by {rules['$id'].rpartition('/schemas/')[2]}"


def judge_wheel() -> str:
    """uvx from a wheel that was just built."""
    with tempfile.TemporaryDirectory(prefix="strategy-bank-wheel-") as folder:
        _run("uv", "build", "--quiet", "--wheel", "--out-dir", folder, str(node.ROOT))
        (wheel,) = Path(folder).glob("*.whl")
        told = _run("uvx", "--quiet", "--from", str(wheel), "strategy-bank", "--version", cwd=folder)
        return f"{wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB: uvx runs `{told.strip()}`"


def judge_dockerfile() -> str:
    """By its linter; what it copies and starts is tried in the tests."""
    _run("hadolint", str(node.ROOT / "Dockerfile"))
    return "hadolint finds nothing"


def _run(tool: str, *arguments: str, cwd: str | None = None) -> str:
    own = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(  # noqa: PLW1510 a fault is told below, with what was said
        [str(_BIN / tool), *arguments], env=own, cwd=cwd, capture_output=True, text=True, timeout=300
    )
    if done.returncode != 0:
        raise node.Failed(f"{tool} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def _home() -> dict[str, str]:
    """uv keeps its downloads there."""
    return {"HOME": os.environ["HOME"]} if "HOME" in os.environ else {}


if __name__ == "__main__":
    node.install()
    print(f"Built {build()}")
