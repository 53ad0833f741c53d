"""Which folders are one project: situations in real repositories, made by git. Each says what is the same and what is not."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import NO_PROJECT_SCOPE
from strategy_bank.tools.scopes.registry import Scopes
from strategy_bank.tools.scopes.workspace import workspace_of

SITUATIONS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "data" / "scopes.json").read_text("utf-8"))
GIT = (
    "user.name Tester",
    "user.email tester@example.org",
    "init.defaultBranch main",
    "protocol.file.allow always",
    "advice.detachedHead false",
)
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=[each["name"] for each in SITUATIONS])
async def test_folders_of_one_project_have_one_scope_and_others_have_others(
    situation: dict[str, Any], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = made(situation["setup"], tmp_path / "T")
    monkeypatch.setenv("HOME", str(there / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    bank = await Bank.open(Location(home))
    try:
        scopes = Scopes(bank)
        for folder in situation["none"]:
            assert workspace_of(there / folder) is None, folder
        for pair in situation["pairs"]:
            a, b = [(await scopes.claim(workspace_of(there / pair[side]))).name for side in "ab"]
            assert (a == b != NO_PROJECT_SCOPE) is pair["same"], (pair, a, b)
    finally:
        await bank.close()


def made(setup: list[str], there: Path) -> Path:
    """Run the commands in a new folder with a home of its own, and return the folder."""
    (there / "home").mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"], "T": str(there), "HOME": str(there / "home"), "LC_ALL": "C.UTF-8"}
    script = "\n".join(["set -e", *(f"git config --global {each}" for each in GIT), *setup])
    done = subprocess.run(["bash", "-c", script], cwd=there, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return there
