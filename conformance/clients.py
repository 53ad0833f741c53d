"""`make clients`: real clients, from nothing to a recalled strategy. Only the model is scripted.

Claude Code, Codex and Gemini CLI are installed from npm, connected by `strategy-bank connect`, and once more, elsewhere, by the
plugin, as the documentation says. Then they are given a task. The model works, stops, and reports only because the stop hook
asks it to. In a second session, with a task worded otherwise, the lesson must be in what the model is sent: with the prompt,
or, where the client has no hook for that, when the model recalls. In a third one, about something else, a command fails twice
with the same error: the lesson must be there after the second time, and not before. The exit code is 1 where it is not, and 0
where the npm registry cannot be reached.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from conformance import hearing, node
from conformance.scripted_model import Call, Script, ScriptedModel, Turn
from strategy_bank.tools.transcripts.entry import REQUEST

HERE = node.HERE / "clients"
TASK = "The nightly import of customer orders crashes with a decoding error; make it run through."
LIKE_IT = "Our job that reads partner CSV files dies on strange characters. Please repair it."
CHORE = "Choose the colours of the landing page."
ERROR = "UnicodeDecodeError: cannot decode byte 0xe9 while reading the text file of another system"
OUTPUT = "14 passed in 2.31s"
TITLE = "Detect the encoding of foreign files"
JUDGEMENT = {
    "reason": "The file was read with its real encoding, and the tests of the import pass.",
    "verdict": "success",
    "evidence": [OUTPUT],
    "strategies": [
        {
            "title": TITLE,
            "description": "When reading text files that another system wrote fails or shows wrong characters.",
            "content": "Find out the real encoding of a failing file before changing code. Pass it explicitly when opening the "
            "file, and add a file of that kind to the tests.",
        }
    ],
}
Said = Turn | Callable[[str], Turn]
"""What the model says next, or how it finds that in what it hears."""
_SERVER = [sys.executable, "-m", "strategy_bank.server"]


@dataclass(frozen=True)
class Client:
    """A command line client. `bin` is a script of node_modules."""

    name: str
    bin: str
    connects: list[list[str]]
    """What a user runs once, in a checkout."""
    asks: list[str]
    """Arguments before a prompt."""
    shell: tuple[str, str]
    """Its tool for commands, and the argument that holds one."""
    environment: Callable[[str], dict[str, str]]
    """Of the address of the model."""
    name_of_connect: str
    lists: str
    """What `mcp list` says of a server that is connected."""
    recalls: bool = True
    """With each prompt, by a hook."""
    files: Callable[[str], dict[str, str]] = lambda _: {}
    """Files of the home, with the address of the model."""

    def run(self, arguments: list[str], folder: Path, home: Path, address: str) -> str:
        """What it printed, errors too. Raises Failed."""
        command = [*node.command("node"), str(HERE / "node_modules" / self.bin), *arguments]
        done = _run(command, folder, home, self.environment(address))
        return done.stdout + done.stderr


def _claude_environment(address: str) -> dict[str, str]:
    quiet = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "IS_SANDBOX": "1", "DISABLE_AUTOUPDATER": "1"}
    return {"ANTHROPIC_BASE_URL": address, "ANTHROPIC_API_KEY": "scripted"} | quiet


_CODEX_MODEL = """
[model_providers.scripted]
name = "scripted"
base_url = "{}/v1"
wire_api = "responses"
env_key = "SCRIPTED_KEY"
"""
_CLAUDE = Client(
    name="Claude Code",
    bin="@anthropic-ai/claude-code/cli-wrapper.cjs",
    connects=[
        ["plugin", "validate", "--strict", "./"],
        ["plugin", "validate", "--strict", "plugins/claude-code"],
        ["plugin", "marketplace", "add", "./"],
        ["plugin", "install", "strategy-bank@strategy-bank"],
    ],
    asks=["--permission-mode", "bypassPermissions", "-p"],
    name_of_connect="claude-code",
    lists="Connected",
    shell=("Bash", "command"),
    environment=_claude_environment,
)
_CODEX = Client(
    name="Codex",
    bin="@openai/codex/bin/codex.js",
    connects=[["plugin", "marketplace", "add", "./"], ["plugin", "add", "strategy-bank@strategy-bank"]],
    asks=[
        "exec",
        "-c",
        "model_provider=scripted",
        "-c",
        "model=gpt-5",
        "--dangerously-bypass-approvals-and-sandbox",
        "--dangerously-bypass-hook-trust",
    ],
    name_of_connect="codex",
    lists="enabled",
    shell=("exec_command", "cmd"),
    environment=lambda address: {"SCRIPTED_KEY": "scripted"},
    files=lambda address: {".codex/config.toml": _CODEX_MODEL.format(address)},
)
_GEMINI = Client(
    name="Gemini CLI",
    bin="@google/gemini-cli/bundle/gemini.js",
    connects=[["extensions", "install", "plugins/gemini-cli", "--consent"]],
    name_of_connect="gemini",
    lists="Connected",
    asks=["-m", "gemini-2.5-pro", "--yolo", "--skip-trust", "-p"],
    shell=("run_shell_command", "command"),
    environment=lambda address: {
        "GEMINI_API_KEY": "scripted",
        "GOOGLE_GEMINI_BASE_URL": address,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    },
    files=lambda address: {".gemini/settings.json": '{"security": {"auth": {"selectedType": "gemini-api-key"}}}'},
    recalls=False,
)


def judge(client: Client) -> str:
    """One line about what was seen. Raises Failed."""
    with _home(client) as (home, model):
        _run([*_SERVER, "connect", client.name_of_connect, "--yes"], home / "project", home)
        listed = client.run(["mcp", "list"], home / "project", home, model.base_url)
        if not re.search(f"strategy-bank.*{client.lists}", listed):
            raise node.Failed(f"`mcp list` says: {listed}")
    with _home(client) as (home, model):
        for command in client.connects:
            client.run(command, home / "checkout", home, model.base_url)
        first = _converse(client, model, home, TASK, _works(client, TASK))
        second = _converse(client, model, home, LIKE_IT, _works(client, LIKE_IT))
        seen = _seen(client, home, first, second)
        return seen + (_unstuck(_converse(client, model, home, CHORE, _fails_twice(client))) if client.recalls else "")


@contextmanager
def _home(client: Client) -> Iterator[tuple[Path, ScriptedModel]]:
    """A user's home with a project and a checkout of ours, and the model that the client is set up for."""
    with (
        tempfile.TemporaryDirectory(prefix="strategy-bank-client-", ignore_cleanup_errors=True) as folder,
        ScriptedModel(lambda _: "") as model,
    ):
        home = Path(folder)
        (home / "project" / ".git").mkdir(parents=True)
        for part in (".claude-plugin", "plugins"):
            shutil.copytree(node.ROOT / part, home / "checkout" / part)
        for name, text in client.files(model.base_url).items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        yield home, model


def _converse(client: Client, model: ScriptedModel, home: Path, task: str, turns: list[Said]) -> list[str]:
    """What the model was sent in a session."""
    model.heard = []
    model.script = _scripted(turns)
    client.run([*client.asks, task], home / "project", home, model.base_url)
    return model.heard


def _works(client: Client, task: str) -> list[Said]:
    """Work, stop, and report when asked; where no hook recalls, the model does so first, as the instructions say."""
    tool, argument = client.shell
    recall = [] if client.recalls else [Call("recall_strategies", {"task": task})]
    return [*recall, Call(tool, {argument: f"echo {OUTPUT}"}), "Done: it runs through.", _report_asked_for, "Reported."]


def _fails_twice(client: Client) -> list[Said]:
    tool, argument = client.shell
    return [*(Call(tool, {argument: f"echo try {n}; echo '{ERROR}' >&2; exit 1"}) for n in (1, 2)), "Given up."]


def _scripted(turns: list[Said]) -> Script:
    left = iter(turns)

    def script(heard: str) -> Turn:
        turn = next(left, "Nothing more.")
        return turn(heard) if callable(turn) else turn

    return script


def _report_asked_for(heard: str) -> Turn:
    """The transcript is named in the request, within JSON within JSON."""
    if REQUEST not in heard:
        return "Nobody asked."
    reference = re.search(r"call report_outcome once: trajectory (\{.*?\})", heard.replace('\\"', '"'))
    if not reference:
        return "No transcript was named."
    return Call("report_outcome", {"trajectory": json.loads(reference[1]), "judgement": JUDGEMENT})


def _seen(client: Client, home: Path, first: list[str], second: list[str]) -> str:
    """What is in the bank after two sessions, was counted, and was in the requests of the second."""
    if not any(REQUEST in request for request in first):
        raise node.Failed("the stop hook did not ask for the report")
    told = _run([*_SERVER, "list", "--json"], home / "project", home).stdout
    titles = [strategy["title"] for strategy in json.loads(told)]
    if titles != [TITLE]:
        raise node.Failed(f"in the bank are {titles}; the last request was …{first[-1][-3000:]}")
    told = json.loads(_run([*_SERVER, "value", "--json"], home / "project", home).stdout)
    if client.recalls and (told["asked"], told["answered"], told["taught"]) != (2, 2, 2):
        raise node.Failed(f"counted were {told}")
    recalled = next((number for number, request in enumerate(second) if TITLE in request), None)
    if recalled != (0 if client.recalls else 1):
        raise node.Failed(f"the lesson came with request {recalled}; the first was …{second[0][-3000:]}")
    came = "with the next prompt" if client.recalls else "when the model recalled"
    return f"connected; reported when the stop hook asked, from its own transcript; the lesson came {came}"


def _unstuck(heard: list[str]) -> str:
    """What is said where the lesson came with the second failure: in the third request. Raises Failed."""
    came = next((number for number, request in enumerate(heard) if TITLE in request), None)
    if came != 2:
        raise node.Failed(f"when a command failed twice, the lesson came with request {came} of {len(heard)}")
    return "; and when the same error came twice"


def _run(
    command: list[str], folder: Path, home: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """In a folder, with a home of its own, where the bank is too, and `strategy-bank` on the path. Raises Failed."""
    own = node.environment(HOME=str(home), **(environment or {}))
    own["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]])
    own = {key: value for key, value in own.items() if not key.startswith(("CLAUDE_CONFIG", "CODEX_", "XDG_"))}
    done = subprocess.run(  # noqa: PLW1510 a fault is told below, with what was said
        command,
        env=own,
        cwd=folder,
        stdin=subprocess.DEVNULL,  # else a client takes it for a part of the prompt
        capture_output=True,
        text=True,
        timeout=180,
    )
    if done.returncode != 0:
        raise node.Failed(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def version(client: Client) -> str:
    package = HERE / "node_modules" / "/".join(client.bin.split("/")[:2]) / "package.json"
    found: dict[str, Any] = json.loads(package.read_text())
    return found["version"]


def main() -> int:
    try:
        node.install(HERE)
    except node.Unreachable:
        print("skipped: registry cannot be reached")
        return 0
    with ThreadPoolExecutor() as pool:
        passed = list(pool.map(_is_served, (_CLAUDE, _CODEX, _GEMINI)))
    return 0 if all(passed) else 1


def _is_served(client: Client) -> bool:
    return hearing.content(f"{client.name} {version(client)}", partial(judge, client))


if __name__ == "__main__":
    sys.exit(main())
