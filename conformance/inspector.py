"""MCP Inspector on the command line: the tools' schemas as other vendors' models take them, and one call of each kind."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from conformance import node, servers

ERAS = ("legacy", "modern")
TASK = "Make the nightly import read files in a foreign encoding."
JUDGEMENT = {
    "reason": "The suite passed once the encoding was given.",
    "verdict": "success",
    "evidence": ["14 passed in 2.31s"],
    "strategies": [
        {
            "title": "Find out the encoding of foreign files",
            "description": "When reading text files that another system wrote fails or shows strange characters.",
            "content": "Determine the real encoding before changing code, and pass it when opening the file.",
        }
    ],
}
CALLS: dict[str, dict[str, Any]] = {
    "recall_strategies": {"task": TASK},
    "report_outcome": {"task": TASK, "trajectory": "pytest -q\n14 passed in 2.31s", "judgement": JUDGEMENT},
    "scale_attempts": {"task": TASK, "attempts": 2},
}
LISTS = {"resources/list": "resources", "resources/templates/list": "resourceTemplates", "prompts/list": "prompts"}


def judge(era: str) -> str:
    """tools/list over stdio, strictly; everything else over HTTP."""
    with servers.over_http(servers.INSTALLED) as (url, token), servers.bank() as environment:
        own = {name: value for name, value in environment.items() if name.startswith("STRATEGY_BANK_")}
        stdio = {"command": servers.STDIO[0], "args": servers.STDIO[1:], "env": own}
        http = {"type": "streamable-http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
            json.dump({"mcpServers": {"stdio": stdio, "http": http}}, config)
            config.flush()
            warnings = _portable(Path(config.name), era)
            for method, key in LISTS.items():
                if not _asked(Path(config.name), era, "http", method)[0][key]:
                    raise node.Failed(f"{method} is empty")
            for tool, arguments in CALLS.items():
                _called(Path(config.name), era, tool, arguments)
    calls = 1 + len(LISTS) + len(CALLS)
    return f"{calls} of {calls} requests answered; schemas: 0 portability errors, {warnings}"


def _portable(config: Path, era: str) -> str:
    """Exit 6 would be an error of portability, so 0 says there is none."""
    listed, told = _asked(config, era, "stdio", "tools/list", "--strict")
    if {tool["name"] for tool in listed["tools"]} != CALLS.keys():
        raise node.Failed(f"tools/list gives {listed}")
    found = re.search(r"(\d+) errors?, (\d+ warnings?)", told)
    return found[2] if found else "0 warnings"


def _called(config: Path, era: str, tool: str, arguments: dict[str, Any]) -> None:
    given = ["--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
    result, _ = _asked(config, era, "http", "tools/call", *given)
    if result.get("isError") or not result.get("structuredContent"):
        raise node.Failed(f"{tool} gives {result}")


def _asked(config: Path, era: str, server: str, method: str, *options: str) -> tuple[dict[str, Any], str]:
    """The result, and what was said beside it."""
    place = ["--config", str(config), "--server", server, "--protocol-era", era]
    done = node.run("mcp-inspector", "--cli", *place, "--method", method, "--format", "json", *options)
    return json.loads(done.stdout)["result"], done.stderr
