"""Lists the MCP clients that `connect` knows: where each keeps its servers, under which key, and in which form.

Places depend on a System alone: platform, environment, the user's folder. So the places on all three systems can be asked for
on any of them. They are those that the clients documented in November 2026.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strategy_bank.server.clients.editors import json_editor, toml_editor, yaml_editor
from strategy_bank.server.clients.editors.base import Editor
from strategy_bank.store.user_home import user_home

NAME = "strategy-bank"  # of the server in every client's configuration
ABOUT = "A local memory of strategies, learned from earlier tasks"
_GOOSE_TIMEOUT_S = 300

ServerEntry = dict[str, Any]


@dataclass(frozen=True)
class System:
    """Describes what the places of files depend on. `platform` is that of `sys`."""

    platform: str
    environment: Mapping[str, str]
    home: Path

    @classmethod
    def this(cls) -> "System":
        """Return this one. Raises InvalidInput where this user has no folder."""
        return cls(sys.platform, os.environ, user_home())

    def named(self, variable: str, otherwise: Path) -> Path:
        """Return the folder that a variable names; `otherwise` where it holds no absolute path."""
        value = Path(self.environment.get(variable, ""))
        return value if value.is_absolute() else otherwise

    @property
    def roaming(self) -> Path:
        return self.named("APPDATA", self.home / "AppData" / "Roaming")

    @property
    def xdg(self) -> Path:
        return self.named("XDG_CONFIG_HOME", self.home / ".config")

    @property
    def applications(self) -> Path:
        """Return the folder in which desktop applications built on Electron have theirs."""
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.roaming if self.platform == "win32" else self.xdg


def _started_by(command: list[str]) -> ServerEntry:
    return {"command": command[0], "args": command[1:]}


def _stdio(command: list[str]) -> ServerEntry:
    return {"type": "stdio"} | _started_by(command)


def _goose(command: list[str]) -> ServerEntry:
    # Goose passes over an entry without a name or description.
    about = {"name": NAME, "description": ABOUT, "type": "stdio"}
    return about | {"cmd": command[0], "args": command[1:], "enabled": True, "timeout": _GOOSE_TIMEOUT_S}


@dataclass(frozen=True)
class Client:
    """An MCP client: where it keeps its servers and in which form.

    `places` gives the candidates for the user's file; `project` is the project's file relative to the root, if there is one.
    `folder` is what the client replaces by the project's folder in that file, where it starts servers elsewhere.
    `key` names the mapping of the servers, `entry` makes one from a command line. `stricter_read` reads the file as a client
    does that accepts less than the editor. `own_line` is the client's own command for the same, to be followed by the command
    line.
    """

    title: str
    places: Callable[[System], list[Path]]
    project: str = ""
    folder: str = ""
    editor: Editor = json_editor
    key: str = "mcpServers"
    entry: Callable[[list[str]], ServerEntry] = _started_by
    stricter_read: Callable[[str], dict[str, Any]] | None = None
    then: str = "Restart it to load the server."
    own_line: str = ""

    def read(self, text: str) -> dict[str, Any]:
        """Return what the client reads in the text. Raises Broken."""
        return (self.stricter_read or self.editor.read)(text)

    def user_file(self, system: System) -> Path:
        """Return the first place whose folder is there, or else the first place."""
        places = self.places(system)
        return next((place for place in places if place.parent.is_dir()), places[0])


def _claude_desktop(system: System) -> list[Path]:
    # On Windows the packaged application sees a folder of its own in the place of %APPDATA%.
    packages = system.named("LOCALAPPDATA", system.home / "AppData" / "Local") / "Packages"
    packaged = sorted(packages.glob("Claude_*/LocalCache/Roaming/Claude")) if system.platform == "win32" else []
    return [folder / "claude_desktop_config.json" for folder in [*packaged, system.applications / "Claude"]]


def _zed(system: System) -> list[Path]:
    folders = {"win32": system.roaming / "Zed", "darwin": system.home / ".config" / "zed"}
    flatpak = system.named("FLATPAK_XDG_CONFIG_HOME", system.xdg)
    return [folders.get(system.platform, flatpak / "zed") / "settings.json"]


def _goose_file(system: System) -> list[Path]:
    folder = system.roaming / "Block" / "goose" / "config" if system.platform == "win32" else system.xdg / "goose"
    if "GOOSE_PATH_ROOT" in system.environment:
        folder = system.named("GOOSE_PATH_ROOT", system.home) / "config"
    return [folder / "config.yaml"]


def _windsurf(system: System) -> list[Path]:
    # Since June 2026 it is Devin Desktop, with a folder of that name.
    devin = system.roaming if system.platform == "win32" else system.home / ".config"
    return [devin / "devin" / "mcp_config.json", system.home / ".codeium" / "windsurf" / "mcp_config.json"]


CLIENTS = {
    "claude-desktop": Client(title="Claude Desktop", places=_claude_desktop, stricter_read=json_editor.read_strict),
    "claude-code": Client(
        title="Claude Code",
        entry=_stdio,
        places=lambda system: [system.named("CLAUDE_CONFIG_DIR", system.home) / ".claude.json"],
        project=".mcp.json",
        stricter_read=json_editor.read_strict,
        then="Start a new session; /mcp lists the server.",
        own_line="claude mcp add --scope {scope} strategy-bank --",
    ),
    "cursor": Client(
        title="Cursor",
        places=lambda system: [system.home / ".cursor" / "mcp.json"],
        project=".cursor/mcp.json",
        folder="${workspaceFolder}",
    ),
    "vscode": Client(
        title="VS Code",
        key="servers",
        entry=_stdio,
        places=lambda system: [
            system.applications / name / "User" / "mcp.json" for name in ("Code", "Code - Insiders")
        ],
        project=".vscode/mcp.json",
        folder="${workspaceFolder}",
        then="Run `MCP: List Servers` in the command palette and start it.",
    ),
    "codex": Client(
        title="Codex CLI",
        editor=toml_editor,
        key="mcp_servers",
        places=lambda system: [system.named("CODEX_HOME", system.home / ".codex") / "config.toml"],
        project=".codex/config.toml",
        then="Start a new session; /mcp lists the server. A project's file counts only where the project is trusted.",
    ),
    "gemini": Client(
        title="Gemini CLI",
        places=lambda system: [system.named("GEMINI_CLI_HOME", system.home) / ".gemini" / "settings.json"],
        project=".gemini/settings.json",
        stricter_read=json_editor.read_commented,
        then="Start a new session in a folder that it was told to trust; /mcp lists the server.",
    ),
    "windsurf": Client(title="Windsurf (Devin Desktop)", places=_windsurf, project=".devin/mcp_config.json"),
    "zed": Client(
        title="Zed",
        key="context_servers",
        places=_zed,
        project=".zed/settings.json",
        then="It starts by itself; the agent panel's settings show it.",
    ),
    "goose": Client(
        title="Goose",
        editor=yaml_editor,
        key="extensions",
        entry=_goose,
        places=_goose_file,
        then="Start a new session.",
    ),
}
