"""Reads the agent's work that the demo shows from `examples/`: trajectories and the judgements that belong to them."""

from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from strategy_bank.store.records import RunMode, Verdict
from strategy_bank.tools.judging.judgement import Comparison, Judgement


class Attempt(BaseModel):
    """One attempt of an agent, with its own judgement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trajectory: str | list[Any]
    judgement: Judgement
    outcome: Verdict | None = None

    def arguments(self) -> dict[str, Any]:
        """Return what `report_outcome` is told about it."""
        return self.model_dump(mode="json", exclude={"reworded", "lesson_of"}, exclude_none=True)


class EpisodeExample(Attempt):
    """A finished task. `reworded` is another task of its kind; `lesson_of` names the example whose strategy was used."""

    task: str
    reworded: str = ""
    lesson_of: str = ""


class RunExample(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    mode: RunMode
    attempts: list[Attempt]
    comparison: Comparison


def episode_examples() -> dict[str, EpisodeExample]:
    """Return the eight finished tasks by name. Half of them are failures."""
    names = sorted(file.name for file in files("strategy_bank.examples").iterdir())
    stems = [name.removesuffix(".json") for name in names if name.startswith("episode_")]
    return {stem: EpisodeExample.model_validate_json(_example(stem)) for stem in stems}


def reuse_example() -> EpisodeExample:
    return EpisodeExample.model_validate_json(_example("reuse"))


def run_example(mode: RunMode) -> RunExample:
    return RunExample.model_validate_json(_example(f"run_{mode}"))


def _example(stem: str) -> str:
    return files("strategy_bank.examples").joinpath(f"{stem}.json").read_text("utf-8")
