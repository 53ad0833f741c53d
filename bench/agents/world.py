"""The worlds that agents act in: ScienceWorld's, behind the few words that an episode needs."""

from shutil import which
from typing import Any, Protocol

SIMPLIFICATION = "openDoors,selfWateringFlowerPots"
"""In all arms. Doors stand open, since they would take a third of 30 actions and teach nothing; there is no teleporting, so an
agent finds its way, and whoever knows it saves actions."""
MISSING = """\
ScienceWorld is not here. It needs `pip install --group agents`, and Java 17 or newer on the path (`java -version`)."""
UNKNOWN = "No known action matches that input."
_UNCLEAR = "Ambiguous request"


class WorldMissing(Exception):
    """ScienceWorld or Java is not installed; the message says what to do."""


class World(Protocol):
    """One variation of one task. `act` blocks; after `done` the world takes no more actions."""

    task: str
    done: bool
    score: int
    """0 to 100; below 0 where the world ended the task for a mistake that it does not forgive."""

    def begin(self) -> str: ...
    def act(self, action: str) -> str: ...
    def close(self) -> None: ...


class ScienceWorld:
    """A Java process of its own. Raises WorldMissing where the package or Java is not installed."""

    def __init__(self, name: str, variation: int) -> None:
        self._env = _environment()
        self._env.load(name, variation, SIMPLIFICATION, False)
        self.task: str = self._env.get_task_description().removeprefix("Your task is to ").strip()
        self.done = False
        self.score = 0

    def begin(self) -> str:
        return str(self._env.reset()[0])

    def act(self, action: str) -> str:
        if action.startswith("reset"):
            return UNKNOWN  # there is one attempt
        # the package's own step lists all valid actions besides, which takes most of a second
        told = str(self._env.server.step(action))
        self.score = round(100 * self._env.server.getScore())
        self.done = bool(self._env.server.getCompleted()) or self.score < 0
        return told

    def close(self) -> None:
        _close(self._env)


def not_understood(observation: str) -> bool:
    """Whether the world did nothing, since it did not know the action or could read it in several ways."""
    return observation.startswith((UNKNOWN, _UNCLEAR))


def _environment() -> Any:
    try:
        from scienceworld import ScienceWorldEnv
    except ImportError as exc:
        raise WorldMissing(MISSING) from exc
    if which("java") is None:
        raise WorldMissing(MISSING)
    return ScienceWorldEnv("")


def test_variations(name: str) -> list[int]:
    """Return the variations of a task type in ScienceWorld's test split. Raises WorldMissing."""
    environment = _environment()
    try:
        environment.load(name, 0, SIMPLIFICATION, False)
        return sorted(environment.get_variations_test())
    finally:
        _close(environment)


def _close(environment: Any) -> None:
    environment.close()
    environment._gateway.java_process.wait(timeout=20)  # its __del__ closes again, which an ended process bears
