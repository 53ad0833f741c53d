"""Finds the command line with which a client can start this installation, whatever its own PATH holds."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path, PurePath

from strategy_bank.server.clients.registry import NAME

# Folders of uv's cache in which uvx puts the environment of one call.
_UV_CACHE = re.compile(r"(archive|builds|environments)-v\d+")


@dataclass(frozen=True)
class Installation:
    """Describes where this program is installed. `direct_url` is the JSON of PEP 610; empty for what came from a registry."""

    prefix: PurePath
    scripts: Path
    python: str
    direct_url: str = ""
    which: Callable[[str], str | None] = field(default=shutil.which)

    @classmethod
    def this(cls) -> "Installation":
        try:
            direct_url = distribution(NAME).read_text("direct_url.json") or ""
        except PackageNotFoundError:
            direct_url = ""
        return cls(Path(sys.prefix), Path(sysconfig.get_path("scripts")), sys.executable, direct_url)


def own_command(installation: Installation) -> list[str]:
    """Return the absolute path of the installed script, or uvx where this environment is one that uvx throws away."""
    if any(_UV_CACHE.fullmatch(part) for part in installation.prefix.parts):
        source = _source(installation.direct_url)
        return [installation.which("uvx") or "uvx", *(["--from", source] if source else []), NAME]
    for name in (NAME, f"{NAME}.exe"):
        if (script := installation.scripts / name).is_file():
            return [str(script)]
    found = installation.which(NAME)
    return [found] if found else [installation.python, "-m", "strategy_bank.server"]


def shell_line(words: list[str], platform: str) -> str:
    """Return the words as one line for the shell of a platform, as `sys.platform` names it."""
    return subprocess.list2cmdline(words) if platform == "win32" else shlex.join(words)


def _source(direct_url: str) -> str:
    """Return what `uvx --from` takes; empty for what came from a registry."""
    if not direct_url:
        return ""
    origin = json.loads(direct_url)
    version = origin.get("vcs_info")
    return f"{version['vcs']}+{origin['url']}@{version['commit_id']}" if version else origin["url"]
