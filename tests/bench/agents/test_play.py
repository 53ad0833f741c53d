"""An agent at a shell: the page it reads, its commands, and the process that holds the episode."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import anyio
import anyio.to_thread
import pytest

from bench.agents import holder
from bench.agents.episode import Arm, Episode, Offer, Refused, Visit
from bench.agents.holder import Holder, hold_episode
from bench.agents.plan import load_plan
from bench.agents.play import main
from bench.agents.record import Record, ended, events
from tests.bench.agents.tiny_world import TinyWorld
from tests.support.places import ROOT

REAL = find_spec("scienceworld") is not None and which("java") is not None


@asynccontextmanager
async def held(folder: Path, arm: Arm = "none") -> AsyncGenerator[None, None]:
    """Hold an episode of the tiny world in this process; it must have ended when the block does."""
    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            await tasks.start(hold_episode, folder, Visit(arm, "box", 0, 1, folder / "memory"), TinyWorld)
            yield


async def command(*words: str) -> int:
    return await anyio.to_thread.run_sync(main, words)


@pytest.mark.anyio
async def test_an_episode_is_played_with_commands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path)
    async with held(tmp_path):
        assert "open box 0 of the kind box" in (tmp_path / "AGENT.md").read_text("utf-8")
        assert await command("act", folder, "take key") == 0
        assert "[29 actions left]" in capsys.readouterr().out
        assert await command("tool", folder, "recall_strategies", '{"task": "x"}') == 1
        assert "no tools" in capsys.readouterr().out
        assert await command("act", folder, "open box") == 0
        assert "Task completed." in capsys.readouterr().out
        assert await command("act", folder, "wait") == 1
        assert await command("end", folder) == 0
    assert ended(tmp_path)
    assert await command("act", folder, "wait") == 1
    assert "has ended" in capsys.readouterr().err


@pytest.mark.anyio
async def test_an_episode_does_not_end_before_it_is_reported(tmp_path: Path) -> None:
    episode = Episode(Visit("bank", "box", 0, 1), TinyWorld(), Record(tmp_path), None, Offer())
    with pytest.raises(Refused, match="Report it now"):
        await Holder(episode).do({"do": "end"})
    assert not episode.ended


@pytest.mark.anyio
async def test_an_agent_that_says_nothing_for_long_has_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "IDLE_SECONDS", 0)
    await hold_episode(tmp_path, Visit("none", "box", 0, 1), TinyWorld)
    assert [(event["by"], event["completed"]) for event in events(tmp_path) if event["kind"] == "closed"] == [
        ("idle", False)
    ]


def test_arguments_that_are_no_object_are_not_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("{", "[1]"):
        assert main(["tool", str(tmp_path), "recall_strategies", text]) == 2
        assert "not a JSON object" in capsys.readouterr().err


def test_an_arm_with_a_memory_needs_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", str(tmp_path), "--arm", "bank", "--task", "boil", "--visit", "1"]) == 2
    assert "--bank" in capsys.readouterr().err


def test_the_plan_has_chains_of_different_variations() -> None:
    chains = load_plan().chains
    assert len(chains) == 4
    assert all(len(set(chain)) == len(chain) == 6 for chain in chains.values())
    with pytest.raises(LookupError, match="no visit 7"):
        load_plan().variation("boil", 7)


def test_a_missing_scienceworld_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no java there, where the package is installed
    asked = started(tmp_path / "episode")
    assert asked.returncode == 1
    assert "--group agents" in asked.stderr


@pytest.mark.skipif(not REAL, reason="ScienceWorld or Java is not installed: pip install --group agents")
def test_scienceworld_itself_is_played_from_a_shell(tmp_path: Path) -> None:
    assert started(tmp_path).returncode == 0
    play = [str(tmp_path / "play")]
    told = subprocess.run([*play, "act", "look around", "dance"], capture_output=True, text=True)
    assert "This room is called" in told.stdout
    assert "No known action matches that input." in told.stdout
    assert "[28 actions left]" in told.stdout
    assert (
        subprocess.run([*play, "act", "reset task"], capture_output=True, text=True).stdout.count("No known action")
        == 1
    )
    assert "Ended." in subprocess.run([*play, "end"], capture_output=True, text=True).stdout


def started(folder: Path) -> "subprocess.CompletedProcess[str]":
    words = ["start", str(folder), "--arm", "none", "--task", "boil", "--visit", "1"]
    return subprocess.run([sys.executable, "-m", "bench.agents.play", *words], cwd=ROOT, capture_output=True, text=True)
