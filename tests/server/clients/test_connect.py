"""`strategy-bank connect`: the files of real-looking clients before and after, and a server started as a client would."""

import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from mcp import Client, StdioServerParameters

from strategy_bank.server.cli.main import cli
from strategy_bank.server.clients import connection
from strategy_bank.server.clients.launch_command import Installation, own_command, shell_line
from strategy_bank.server.clients.registry import CLIENTS, System
from strategy_bank.store.errors import InvalidInput
from tests.support.places import ROOT
from tests.support.processes.terminal import AT_A_TERMINAL

PROGRAM = "/opt/bin/strategy-bank"
BACKUP = ".strategy-bank.bak"
VARIABLES = [
    *("APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "FLATPAK_XDG_CONFIG_HOME"),
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "GOOSE_PATH_ROOT"),
]


class Person:
    """Somebody on a Linux machine, with a home and a project of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        cleared = [name for name in os.environ if name.startswith("STRATEGY_BANK_")]
        self.variables: dict[str, str | None] = dict.fromkeys([*VARIABLES, *cleared]) | {"HOME": str(home)}

    def __call__(self, *words: str, code: int = 0, **changes: str) -> Result:
        result = CliRunner().invoke(cli, ["connect", *words], env=self.variables | changes)
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def connect(self, client: str, *words: str, **changes: Any) -> Result:
        return self(client, "--command", PROGRAM, "--yes", *words, **changes)

    def environment(self, **changes: str) -> dict[str, str]:
        """For a real process."""
        return {name: value for name, value in (os.environ | self.variables | changes).items() if value is not None}

    def file(self, client: str, content: str | bytes | None = None) -> Path:
        """The client's file; with a content, it holds that afterwards."""
        path = CLIENTS[client].user_file(System("linux", {}, self.home))
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def everything(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    home, project = tmp_path / "person", tmp_path / "project"
    for folder in (home, project / ".git", project / "src"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(project / "src")
    return Person(home)


# where clients keep their files

HOME = Path("/home/me")
PLACES = {
    "claude-desktop": (
        "Library/Application Support/Claude/claude_desktop_config.json",
        "Roaming/Claude/claude_desktop_config.json",
        ".config/Claude/claude_desktop_config.json",
    ),
    "claude-code": (".claude.json",) * 3,
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        "Library/Application Support/Code/User/mcp.json",
        "Roaming/Code/User/mcp.json",
        ".config/Code/User/mcp.json",
    ),
    "codex": (".codex/config.toml",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "windsurf": (".config/devin/mcp_config.json", "Roaming/devin/mcp_config.json", ".config/devin/mcp_config.json"),
    "zed": (".config/zed/settings.json", "Roaming/Zed/settings.json", ".config/zed/settings.json"),
    "goose": (
        ".config/goose/config.yaml",
        "Roaming/Block/goose/config/config.yaml",
        ".config/goose/config.yaml",
    ),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_each_system_has_its_places(client: str) -> None:
    for platform, place in zip(("darwin", "win32", "linux"), PLACES[client], strict=True):
        environment = {"APPDATA": str(HOME / "Roaming")} if platform == "win32" else {}
        assert CLIENTS[client].user_file(System(platform, environment, HOME)) == HOME / place


def test_windows_without_its_variables_has_them_in_the_usual_folders() -> None:
    system = System("win32", {}, HOME)
    assert CLIENTS["goose"].user_file(system) == HOME / "AppData/Roaming/Block/goose/config/config.yaml"


@pytest.mark.parametrize(
    ("client", "variable", "place"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "/x/.claude.json"),
        ("codex", "CODEX_HOME", "/x/config.toml"),
        ("gemini", "GEMINI_CLI_HOME", "/x/.gemini/settings.json"),
        ("goose", "GOOSE_PATH_ROOT", "/x/config/config.yaml"),
        ("goose", "XDG_CONFIG_HOME", "/x/goose/config.yaml"),
        ("zed", "XDG_CONFIG_HOME", "/x/zed/settings.json"),
        ("zed", "FLATPAK_XDG_CONFIG_HOME", "/x/zed/settings.json"),
        ("claude-desktop", "XDG_CONFIG_HOME", "/x/Claude/claude_desktop_config.json"),
    ],
)
def test_a_clients_own_variables_move_its_file_when_they_hold_an_absolute_path(
    client: str, variable: str, place: str
) -> None:
    assert CLIENTS[client].user_file(System("linux", {variable: "/x"}, HOME)) == Path(place)
    usual = CLIENTS[client].user_file(System("linux", {}, HOME))
    if variable != "GOOSE_PATH_ROOT":
        assert CLIENTS[client].user_file(System("linux", {variable: ""}, HOME)) == usual


def test_the_packaged_claude_desktop_of_windows_has_a_folder_of_its_own(tmp_path: Path) -> None:
    system = System("win32", {"LOCALAPPDATA": str(tmp_path / "Local"), "APPDATA": str(tmp_path / "Roaming")}, tmp_path)
    (tmp_path / "Roaming" / "Claude").mkdir(parents=True)
    assert CLIENTS["claude-desktop"].user_file(system).parent == tmp_path / "Roaming" / "Claude"
    packaged = tmp_path / "Local/Packages/Claude_abc123/LocalCache/Roaming/Claude"
    packaged.mkdir(parents=True)
    assert CLIENTS["claude-desktop"].user_file(system).parent == packaged


def test_an_older_windsurf_keeps_its_folder_until_the_new_one_is_there(tmp_path: Path) -> None:
    system = System("linux", {}, tmp_path)
    (tmp_path / ".codeium" / "windsurf").mkdir(parents=True)
    assert CLIENTS["windsurf"].user_file(system) == tmp_path / ".codeium/windsurf/mcp_config.json"
    (tmp_path / ".config" / "devin").mkdir(parents=True)
    assert CLIENTS["windsurf"].user_file(system) == tmp_path / ".config/devin/mcp_config.json"


# what is written, to the byte

ENTRY = f'"strategy-bank": {{\n      "command": "{PROGRAM}",\n      "args": ["serve"]\n    }}'
WRITTEN: dict[str, tuple[str, str, str]] = {
    # client: its file before, the part of it that changes, and what that is afterwards
    "claude-desktop": (
        '{\n  "globalShortcut": "",\n  "mcpServers": {\n    "filesystem": {\n      "command": "npx",\n'
        '      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me"]\n    }\n  }\n}',
        '"/home/me"]\n    }\n',
        f'"/home/me"]\n    }},\n    {ENTRY}\n',
    ),
    "claude-code": (
        '{\n  "numStartups": 184,\n  "tipsHistory": {"shift-enter": 12},\n  "projects": {\n    "/home/me/äpp": {\n'
        '      "allowedTools": [],\n      "mcpServers": {},\n      "history": []\n    }\n  },\n  "userID": "0f3c"\n}\n',
        '"0f3c"\n}',
        '"0f3c",\n  "mcpServers": {\n    '
        + ENTRY.replace('"command"', '"type": "stdio",\n      "command"')
        + "\n  }\n}",
    ),
    "cursor": (
        '{\n\t"mcpServers": {\n\t\t"linear": { "url": "https://mcp.linear.app/mcp" },\n\t},\n}\n',
        "},\n\t},",
        "},\n\t\t" + ENTRY.replace("\n      ", "\n\t\t\t").replace("\n    ", "\n\t\t") + ",\n\t},",
    ),
    "vscode": (
        '{\n  // shared by all profiles\n  "inputs": [],\n  "servers": {\n    "github": {"type": "http", "url": "https://x"}'
        " // remote\n    /* more to come */\n  }\n}\n",
        '"https://x"} // remote\n    /* more to come */\n',
        '"https://x"}, // remote\n    /* more to come */\n    '
        + ENTRY.replace('"command"', '"type": "stdio",\n      "command"')
        + "\n",
    ),
    "codex": (
        '# mine\nmodel = "gpt-5.5"   # good\n\n[mcp_servers.docs]\nurl = "https://x"\n\n[projects."/home/me/a"]\n'
        'trust_level = "trusted"\n',
        'trust_level = "trusted"\n',
        f'trust_level = "trusted"\n\n[mcp_servers.strategy-bank]\ncommand = "{PROGRAM}"\nargs = ["serve"]\n',
    ),
    "gemini": (
        '{\n    "theme": "Dracula",\n    "mcpServers": {}\n}',
        "{}",
        '{\n        "strategy-bank": {\n            "command": "'
        + PROGRAM
        + '",\n            "args": ["serve"]\n        }\n    }',
    ),
    "windsurf": (
        '{\n  "mcpServers": {\n    "github": {"serverUrl": "https://x", "disabledTools": ["a"]}\n  }\n}\n',
        '["a"]}\n',
        f'["a"]}},\n    {ENTRY}\n',
    ),
    "zed": (
        "// Zed settings\n//\n// For information on how to configure Zed, see the documentation.\n{\n"
        '  "theme": {\n    "mode": "system", // or dark\n  },\n  "vim_mode": true,\n}\n',
        "true,\n",
        f'true,\n  "context_servers": {{\n    {ENTRY}\n  }},\n',
    ),
    "goose": (
        "GOOSE_PROVIDER: openai  # at work\nextensions:\n  developer:\n    bundled: true\n    enabled: true\n"
        "    type: builtin\n\nGOOSE_MODEL: gpt-4o\n",
        "type: builtin\n",
        'type: builtin\n  strategy-bank:\n    name: "strategy-bank"\n'
        '    description: "A local memory of strategies, learned from earlier tasks"\n    type: "stdio"\n'
        f'    cmd: "{PROGRAM}"\n    args: ["serve"]\n    enabled: true\n    timeout: 300\n',
    ),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_connected_and_nothing_else_in_its_file_changes(client: str, newline: str, person: Person) -> None:
    text, old, new = WRITTEN[client]
    assert text.count(old) == 1
    before, after = (each.replace("\n", newline) for each in (text, text.replace(old, new)))
    path = person.file(client, before)
    told = person.connect(client)
    assert path.read_bytes().decode() == after
    assert path.with_name(path.name + BACKUP).read_bytes().decode() == before
    assert re.search(rf"^\+.*{PROGRAM}", told.stdout, re.MULTILINE)
    assert str(path) in told.stderr
    again, there = person.connect(client), person.everything()
    assert (again.stdout, "is already connected in" in again.stderr) == ("", True)
    assert person.everything() == there


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_connected_is_removed_and_the_file_is_as_it_was(client: str, person: Person) -> None:
    text = WRITTEN[client][0]
    path = person.file(client, text)
    person.connect(client)
    assert re.search(rf"^-.*{PROGRAM}", person(client, "--remove", "--yes").stdout, re.MULTILINE)
    emptied = {"gemini": '{\n    "theme": "Dracula"\n}'}  # a mapping that holds no server any more goes, too
    assert path.read_text() == emptied.get(client, text)
    there = person.everything()
    assert "is not connected in" in person(client, "--remove", "--yes").stderr
    assert person.everything() == there


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_without_a_file_gets_one_for_its_user_only(client: str, person: Person) -> None:
    path = person.file(client)
    told = person.connect(client)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name(path.name + BACKUP).exists()
    assert ("does not seem to be here" in told.stderr) == (client != "claude-code")
    assert path.read_text() == person(client, "--command", PROGRAM, "--print").stdout
    assert "not connected" in person("cursor" if client != "cursor" else "zed", "--remove").stderr


def test_what_somebody_added_to_the_entry_stays_when_only_the_command_is_new(person: Person) -> None:
    text = (
        '{"mcpServers": {"strategy-bank": {\n  "command": "strategy-bank", // by hand\n  "args": ["serve"],\n'
        '  "env": {"STRATEGY_BANK_JUDGE": "agent"},\n  "disabled": true\n}}}'
    )
    path = person.file("cursor", text)
    person.connect("cursor")
    assert path.read_text() == text.replace('"strategy-bank", //', f'"{PROGRAM}", //').replace("true", "false")


@pytest.mark.parametrize(
    "entry", ['{"url": "http://localhost:1"}', '{"command": null}', "7", '{"command": {}, "args": 1}']
)
def test_an_entry_of_another_kind_is_replaced(entry: str, person: Person) -> None:
    path = person.file("cursor", f'{{"mcpServers": {{"strategy-bank": {entry}}}}}')
    assert "otherwise" in person("--list").stdout
    person.connect("cursor")
    assert json.loads(path.read_text())["mcpServers"]["strategy-bank"] == {"command": PROGRAM, "args": ["serve"]}


def test_goose_is_switched_on_again_where_it_was_off(person: Person) -> None:
    person.connect("goose")
    path = person.file("goose")
    connected = path.read_text()
    path.write_text(connected.replace("enabled: true", "enabled: false"))
    person.connect("goose")
    assert path.read_text() == connected


def test_a_link_to_a_file_elsewhere_stays_a_link_and_the_file_keeps_its_mode(person: Person, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "mcp.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    kept.chmod(0o640)
    link = person.file("cursor")
    link.parent.mkdir()
    link.symlink_to(kept)
    person.connect("cursor")
    assert link.is_symlink()
    assert PROGRAM in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    assert {path.name for path in kept.parent.iterdir()} == {"mcp.json", f"mcp.json{BACKUP}"}


def test_the_mark_in_front_that_some_editors_write_stays(person: Person) -> None:
    path = person.file("vscode", '\ufeff{"servers": {"x": {}}}')
    person.connect("vscode")
    assert path.read_text().startswith('\ufeff{"servers": {"x": {}, "strategy-bank": ')
    person("vscode", "--remove", "--yes")
    assert path.read_text() == '\ufeff{"servers": {"x": {}}}'


# what is refused

AT_THE_COMMA = sys.version_info >= (3, 13)
"""Where Python's parser sees a trailing comma: there, or in older versions at the bracket after it."""
BROKEN: list[tuple[str, str | bytes, str]] = [
    ("claude-desktop", '{\n  "mcpServers": {\n    "a": {},\n  }\n}', f", line {3 if AT_THE_COMMA else 4}: "),
    ("claude-desktop", '{} // mine', ", line 1: "),
    ("claude-code", '{"projects": {', ", line 1: "),
    ("claude-code", "[]", ", line 1: this is not a JSON object"),
    ("cursor", '{\n"mcpServers": []\n}', ', line 2: "mcpServers" is not an object'),
    ("cursor", '{"mcpServers": {}} {}', ", line 1: Extra data"),
    ("vscode", '{"a": "b\n"}', ", line 1: "),
    ("zed", '{\n  "a": 1\n  "b": 2\n}', ", line 3: "),
    ("gemini", '{\n  "theme": "x", // allowed\n}', f", line {2 if AT_THE_COMMA else 3}: "),
    ("zed", "{,}", ", line 1: "),
    ("codex", "a = 1\n[mcp_servers\n", ", line 2: "),
    ("codex", "mcp_servers = 1\n", "mcp_servers"),
    ("goose", "a: 1\n\tb: 2\n", ", line 2: "),
    ("goose", "extensions:\n- developer\n", ", line 2: extensions is not a mapping"),
    ("goose", "a: &x {k: v}\nextensions:\n  b: *x\n", "cannot be changed safely as it is written"),
    ("cursor", '{}'.encode("utf-16"), ", line 1: this is not UTF-8 text"),
    ("cursor", b'{\n"a": "\xff"}', ", line 2: this is not UTF-8 text"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "content", "complaint"), BROKEN)
def test_a_broken_file_is_named_with_its_line_and_stays_as_it_is(
    client: str, content: str | bytes, complaint: str, person: Person
) -> None:
    path = person.file(client, content)
    there = person.everything()
    for words in (["--yes"], ["--remove", "--yes"]):
        if words[0] == "--remove" and "safely" in complaint:
            continue
        told = person(client, *words, code=1)
        assert told.stderr.count("\n") == 1 or words == ["--yes"]
        assert str(path) in told.stderr
        assert complaint in told.stderr
        assert "Nothing was written" in told.stderr
    assert person.everything() == there
    assert PROGRAM in person(client, "--print", "--command", PROGRAM).stdout


def test_a_file_that_is_read_only_stays_as_it_is(person: Person) -> None:
    path = person.file("cursor", "{}")
    path.chmod(0o400)
    there = person.everything()
    assert f"{path} is read-only. Nothing was written" in person.connect("cursor", code=1).stderr
    assert person.everything() == there


def test_a_folder_that_cannot_be_made_and_a_file_that_is_a_folder_are_told(person: Person) -> None:
    (person.home / ".cursor").touch()
    assert f"{person.home / '.cursor'}" in person.connect("cursor", code=1).stderr
    person.file("codex").mkdir(parents=True)
    assert "config.toml cannot be read: it is a folder" in person.connect("codex", code=1).stderr


def test_a_file_that_another_program_changed_meanwhile_is_not_overwritten(person: Person) -> None:
    path = person.file("claude-code", '{"numStartups": 1}')
    client = CLIENTS["claude-code"]
    plan = connection.plan_connection(client, path, client.entry([PROGRAM, "serve"]))
    assert plan
    path.write_text('{"numStartups": 2}')
    there = person.everything()
    with pytest.raises(InvalidInput, match="changed by another program"):
        connection.write_with_backup(plan)
    path.unlink()
    with pytest.raises(InvalidInput, match="changed by another program"):
        connection.write_with_backup(plan)
    path.write_text('{"numStartups": 2}')
    assert person.everything() == there


def test_megabytes_in_one_line_are_shown_cut(person: Person) -> None:
    path = person.file(
        "claude-code", json.dumps({"projects": {f"/p{n}": {"history": ["x" * 1000]} for n in range(500)}})
    )
    told = person.connect("claude-code")
    assert len(told.stdout) < 1000
    assert len(json.loads(path.read_text())["projects"]) == 500


def test_control_characters_of_a_file_do_not_steer_the_terminal(person: Person) -> None:
    person.file("cursor", '{\n  "mcpServers": {\n    "a": {} // \x1b[31m\n  }\n}')
    assert "\x1b" not in person.connect("cursor").stdout


# the words of the command


def test_unknown_clients_and_contradictions_are_refused(person: Person) -> None:
    assert "'claude-desktop', 'claude-code', 'cursor'" in person("emacs", code=2).stderr
    assert "exclude each other" in person("cursor", "--print", "--remove", code=2).stderr
    assert "Goose has no configuration per project" in person("goose", "--project", "--yes", code=1).stderr
    assert person.everything() == {}


def test_where_nobody_can_be_asked_the_change_is_shown_and_nothing_is_written(person: Person) -> None:
    told = person("cursor", "--command", PROGRAM, code=2)
    assert f'+      "command": "{PROGRAM}"' in told.stdout
    assert "give --yes" in told.stderr
    assert person.everything() == {}


def test_the_list_tells_what_is_here_and_what_is_connected(person: Person) -> None:
    person.connect("codex")
    person.file("zed", "{}")
    person.file("cursor", "{")
    person.file("gemini", '{"mcpServers": {"strategy-bank": {"httpUrl": "http://localhost:1"}}}')
    person.file("vscode", '{"servers": {"strategy-bank": {"command": "elsewhere", "args": ["serve"]}}}')
    there = person.everything()
    for words in ([], ["--list"], ["cursor", "--list"]):
        lines = {
            line.split()[0]: line for line in person(*words, "--command", PROGRAM).stdout.splitlines() if line.strip()
        }
        assert re.search(r"Codex CLI +yes +yes +/", lines["codex"])
        assert re.search(r"Zed +yes +/", lines["zed"])
        assert re.search(r"VS Code +yes +elsewhere serve +/", lines["vscode"])
        assert re.search(r"Cursor +yes +line 1: ", lines["cursor"])
        assert re.search(r"Gemini CLI +yes +otherwise +/", lines["gemini"])
        assert re.search(r"Goose +/", lines["goose"])
        assert re.search(r"Claude Code +/", lines["claude-code"])
        assert set(CLIENTS) < set(lines)
    assert person.everything() == there


PROJECT_FILES = {
    "claude-code": ".mcp.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
    "windsurf": ".devin/mcp_config.json",
    "zed": ".zed/settings.json",
}


@pytest.mark.parametrize("client", PROJECT_FILES)
def test_a_projects_file_is_at_its_root(client: str, person: Person, tmp_path: Path) -> None:
    path = tmp_path / "project" / PROJECT_FILES[client]
    assert "others who use this file need" in person.connect(client, "--project").stderr
    assert path.read_text() == person(client, "--project", "--print", "--command", PROGRAM).stdout
    assert ('"--project", "${workspaceFolder}"' in " ".join(path.read_text().split())) == (
        client in ("cursor", "vscode")
    )
    listed = person("--project", "--command", PROGRAM).stdout
    assert re.search(rf"^ {client} .* yes +yes +/", listed, re.MULTILINE)
    assert "goose" not in listed
    bare = person(client, "--project", "--yes", "--command", "strategy-bank")
    assert "others who use" not in bare.stderr
    assert person.everything() == {}


def test_home_and_scope_go_into_the_command_line_and_variables_of_this_shell_are_pointed_out(person: Person) -> None:
    told = person.connect("cursor", "--home", "bank", "--scope", "my project", STRATEGY_BANK_LLM_API_KEY="hidden")
    entry = json.loads(person.file("cursor").read_text())["mcpServers"]["strategy-bank"]
    assert entry["args"] == ["serve", "--home", str(Path.cwd() / "bank"), "--scope", "my project"]
    assert "without STRATEGY_BANK_LLM_API_KEY of this shell" in told.stderr
    assert "hidden" not in told.output


def test_the_command_of_claude_code_that_does_the_same_is_told(person: Person) -> None:
    line = "claude mcp add --scope {} strategy-bank -- '/opt/my bin/strategy-bank' serve"
    words = ["--command", "/opt/my bin/strategy-bank", "--print"]
    assert line.format("user") in person("claude-code", *words).stderr
    assert line.format("project") in person("claude-code", "--project", *words).stderr


# the command that is written


def installation(tmp_path: Path, prefix: str | PurePath, **changes: Any) -> Installation:
    found: Callable[[str], str | None] = lambda name: f"/usr/bin/{name}"  # noqa: E731
    return Installation(PurePath(prefix), tmp_path / "bin", "/usr/bin/python3", **{"which": found} | changes)


@pytest.mark.parametrize("name", ["strategy-bank", "strategy-bank.exe"])
def test_a_client_starts_the_script_of_this_installation(name: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).touch()
    assert own_command(installation(tmp_path, "/opt/venv")) == [str(tmp_path / "bin" / name)]


def test_without_a_script_of_its_own_the_one_on_the_path_or_the_module_is_started(tmp_path: Path) -> None:
    assert own_command(installation(tmp_path, "/opt/venv")) == ["/usr/bin/strategy-bank"]
    alone = installation(tmp_path, "/opt/venv", which=lambda name: None)
    assert own_command(alone) == ["/usr/bin/python3", "-m", "strategy_bank.server"]


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ("", []),
        ('{"url": "file:///tmp/x.whl", "archive_info": {}}', ["--from", "file:///tmp/x.whl"]),
        (
            '{"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}',
            ["--from", "git+https://example.org/x.git@abc"],
        ),
    ],
)
def test_an_environment_that_uvx_throws_away_is_not_written_down_but_uvx_is(
    direct_url: str, source: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "strategy-bank").touch()
    ephemeral = installation(tmp_path, "/home/me/.cache/uv/archive-v0/Qk3x", direct_url=direct_url)
    assert own_command(ephemeral) == ["/usr/bin/uvx", *source, "strategy-bank"]
    lost = installation(tmp_path, "/home/me/.cache/uv/archive-v0/Qk3x", which=lambda name: None)
    assert own_command(lost) == ["uvx", "strategy-bank"]


def test_uvx_is_known_by_the_folders_of_windows_too(tmp_path: Path) -> None:
    cache = PureWindowsPath(r"C:\Users\me\AppData\Local\uv\cache\archive-v0\Qk3x")
    assert own_command(installation(tmp_path, cache)) == ["/usr/bin/uvx", "strategy-bank"]


def test_a_line_to_copy_is_quoted_as_the_shell_of_the_system_wants_it() -> None:
    windows = [r"C:\Program Files\bank\Scripts\strategy-bank.exe", "serve"]
    assert shell_line(windows, "win32") == r'"C:\Program Files\bank\Scripts\strategy-bank.exe" serve'
    assert shell_line(["/opt/my bin/strategy-bank", "serve"], "darwin") == "'/opt/my bin/strategy-bank' serve"


READERS: dict[str, Callable[[str], list[str]]] = {
    "cursor": lambda text: _words(json.loads(text)["mcpServers"]["strategy-bank"]),
    "codex": lambda text: _words(tomllib.loads(text)["mcp_servers"]["strategy-bank"]),
    "goose": lambda text: _words(yaml.safe_load(text)["extensions"]["strategy-bank"]),
}


def _words(entry: dict[str, Any]) -> list[str]:
    return [entry.get("command") or entry["cmd"], *entry["args"]]


@pytest.mark.parametrize("client", READERS)
def test_a_path_of_windows_with_spaces_is_read_back_as_it_is(client: str, person: Person) -> None:
    program = r"C:\Program Files\bänk\new\Scripts\strategy-bank.exe"
    path = person.file(client, WRITTEN[client][0].replace("\t},\n}", "\t}\n}").replace("\n", "\r\n"))
    person(client, "--command", program, "--yes")
    text = path.read_bytes().decode()
    assert READERS[client](text.replace("},\r\n\t}", "}\r\n\t}")) == [program, "serve"]
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("client", READERS)
async def test_a_client_that_reads_its_file_starts_the_server_with_a_bare_path(
    client: str, person: Person, home: Path
) -> None:
    text = WRITTEN[client][0].replace("\t},\n}", "\t}\n}").replace("},\n\t}", "}\n\t}")
    path = person.file(client, text)
    command = [sys.executable, "-m", "strategy_bank.server", "connect", client, "--yes", "--home", str(home)]
    subprocess.run(command, env=person.environment(), check=True, capture_output=True)
    words = READERS[client](path.read_text())
    assert Path(words[0]).is_absolute()
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(person.home)}
    async with Client(StdioServerParameters(command=words[0], args=words[1:], env=bare)) as connected:
        tools = [tool.name for tool in (await connected.list_tools()).tools]
    assert tools == ["recall_strategies", "report_outcome", "scale_attempts"]


@AT_A_TERMINAL
@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_a_person_at_a_terminal_is_asked_before_anything_is_written(answer: str, code: int, person: Person) -> None:
    path = person.file("cursor", "{}")
    keyboard, terminal = os.openpty()
    command = [sys.executable, "-m", "strategy_bank.server", "connect", "cursor"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=person.environment(), text=True
    ) as process:
        os.write(keyboard, f"{answer}\n".encode())
        told, asked = process.communicate(timeout=60)
    os.close(keyboard)
    os.close(terminal)
    assert process.returncode == code
    assert '+  "mcpServers": {' in told
    assert "Write this? [y/N]" in asked
    assert (path.read_text() == "{}") == (answer == "n")


# the page about it


def test_the_page_on_clients_shows_what_is_written(person: Person) -> None:
    page = (ROOT / "docs" / "clients.md").read_text("utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    for name, client in CLIENTS.items():
        (section,) = [each for each in sections if each.startswith(f"{client.title}\n")]
        assert f"strategy-bank connect {name}" in section
        (block,) = re.findall(r"^```(?:json|toml|yaml)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        assert block == person(name, "--print", "--command", "strategy-bank").stdout
        for platform, place in zip(("macOS", "Windows", "Linux"), PLACES[name], strict=True):
            shown = place.replace("Roaming", "%APPDATA%") if platform == "Windows" else place
            assert shown.replace("/", "\\") in section or shown in section, (name, platform)
        if client.project:
            assert f"`{client.project}`" in section
        if client.own_line:
            assert client.own_line.format(scope="user") + " strategy-bank serve" in section
