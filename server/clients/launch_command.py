"""The command line with which a client can start this installation, whatever its own PATH holds."""

import json
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from strategy_bank.server.clients.registry import NAME

_UV_CACHE = re.compile(r"(archive|builds|environments)-v\d+")
"""Folders of uv's cache in which uvx puts the environment of one call."""


@dataclass(frozen=True)
class Installation:
    """`direct_url` is what the installer wrote of a source that is no registry (PEP 610), as JSON; else empty."""

    prefix: Path
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
    """The absolute path of the installed script; from an environment that uvx throws away, uvx itself."""
    if any(_UV_CACHE.fullmatch(part) for part in installation.prefix.parts):
        source = _source(installation.direct_url)
        return [installation.which("uvx") or "uvx", *(["--from", source] if source else []), NAME]
    for name in (NAME, f"{NAME}.exe"):
        if (script := installation.scripts / name).is_file():
            return [str(script)]
    found = installation.which(NAME)
    return [found] if found else [installation.python, "-m", "strategy_bank.server"]


def _source(direct_url: str) -> str:
    """What `uvx --from` takes; empty for what came from a registry."""
    if not direct_url:
        return ""
    origin = json.loads(direct_url)
    version = origin.get("vcs_info")
    return f"{version['vcs']}+{origin['url']}@{version['commit_id']}" if version else origin["url"]
