"""Finished attempts at coding and tool work, each with the right verdict and the quote that decides it.

Most of them end misleadingly: they look like a success and are none (a skipped test, a swallowed error, the wrong target), or
look like a failure and are none (an error that was wanted, noise after the work, somebody else's red test). One file each in
`cases/`, all written for this purpose.
"""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.normal_form import normalise

FOLDER = Path(__file__).parent / "cases"
Verdict = Literal["success", "failure"]
Kind = Literal[
    # looks like a success
    "check not run",
    "check proves nothing",
    "hidden error",
    "wrong target",
    "wrong value",
    "partial work",
    "claimed, not done",
    # looks like a failure
    "error wanted",
    "red on purpose",
    "noise",
    "unrelated failure",
    # is what it looks like
    "plain",
]


class Case(BaseModel):
    """`looks` is what the end seems to say, `decided_by` a verbatim quote, `kind` what deceives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=3)
    task: str = Field(min_length=10, max_length=2000)
    area: str = Field(min_length=1)
    kind: Kind
    looks: Verdict
    verdict: Verdict
    decided_by: str = Field(min_length=3, max_length=300)
    why: str = Field(min_length=10, max_length=300)
    trajectory: str | list[dict[str, Any]]

    @property
    def group(self) -> str:
        return f"looks like {self.looks}, is {self.verdict}"

    @cached_property
    def record(self) -> str:
        """The trajectory as a judge is shown it: in normal form, redacted."""
        return redact(normalise(self.trajectory).text).text


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases by name. Raises pydantic's ValidationError where a file is not one."""
    files = sorted(folder.glob("*.json"))
    return [Case.model_validate({"name": file.stem} | json.loads(file.read_text("utf-8"))) for file in files]


def verdict_of_the_last_lines(record: str) -> Verdict:
    """What somebody says who reads the last three lines only: a failure where they speak of one."""
    end = "\n".join([line for line in record.splitlines() if line.strip()][-3:])
    return "failure" if _BAD.search(_NONE_OF_IT.sub("", end)) else "success"


_NONE_OF_IT = re.compile(r"\b(?:0|no|without) (?:failed|failures?|errors?|warnings?)", re.IGNORECASE)
_BAD = re.compile(
    r"fail|error|warning|panic|denied|refused|gave up|give up|could not|exit [1-9]|\b[45]\d\d\b", re.IGNORECASE
)
