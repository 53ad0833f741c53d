"""Notes what the world said about a task: results of tests, exit codes, errors of tools, the user's corrections.

These are hints for the judge, in words, never a verdict: a test that failed may have been written to fail, and a green one may
not be the task's.
"""

import re
from dataclasses import dataclass, field

from strategy_bank.tools.trajectory.text import shorten
from strategy_bank.tools.transcripts.entry import exit_code

_KEPT = 4
_LINE_CHARS = 200
_TEST_RESULT = re.compile(
    r"\b\d+ (?:passed|failed|passing|failing)\b"  # pytest, vitest, jest, playwright, mocha
    r"|\btest result: (?:ok|FAILED)"  # cargo
    r"|^(?:ok|FAIL|---\ FAIL:)\s+\S+"  # go
    r"|^(?:OK|FAILED) \(\S+=\d+|^OK \(\d+ tests?"  # unittest, phpunit
    r"|^Ran \d+ tests?\b"
    r"|\bTests(?: run)?: \d+"  # maven, phpunit
    r"|\b\d+ (?:examples?|tests?), \d+ failures?"  # rspec, exunit
    r"|\b\d+% tests passed"  # ctest
    r"|\bBUILD (?:SUCCESSFUL|FAILED|SUCCESS|FAILURE)\b"
)
_WORDS = (
    "pass",
    "fail",
    "FAIL",
    "ok",
    "OK",
    "Ran ",
    "Tests",
    "BUILD",
)  # quick to look for; each result has one of them
_SCANNED = 100_000  # characters at the end of an output, where results stand


@dataclass
class Hints:
    """Collects the hints of one task, oldest first."""

    outputs: int = 0
    errors: int = 0
    exit_codes: list[str] = field(default_factory=list[str])
    tests: list[str] = field(default_factory=list[str])
    corrections: list[str] = field(default_factory=list[str])

    def saw(self, output: str, *, failed: bool) -> None:
        """Note what one tool's output says; `failed`: the client marked it so."""
        self.outputs += 1
        self.errors += failed
        if code := exit_code(output):
            self.exit_codes.append(code)
        if result := test_result(output):
            self.tests.append(result)

    def said(self, words: str) -> None:
        """Note what the user said once the task had begun: a correction, an addition, an answer, thanks."""
        self.corrections.append(shorten(" ".join(words.split()), _LINE_CHARS))

    def take(self, words: str, later: "Hints") -> None:
        """Add what the user said then, and the hints of the work that followed."""
        self.outputs, self.errors = self.outputs + later.outputs, self.errors + later.errors
        self.exit_codes += later.exit_codes
        self.tests += later.tests
        self.said(words)
        self.corrections += later.corrections

    def text(self) -> str:
        """Return the hints as lines; empty where nothing was noted."""
        failing = [code for code in self.exit_codes if code != "0"]
        lines = [
            *([f"{self.errors} of {self.outputs} tool outputs were errors."] if self.errors else []),
            *([f"Exit codes other than 0: {', '.join(failing[-_KEPT:])}."] if failing else []),
            *(f"Test result: {line}" for line in self.tests[-_KEPT:]),
            *(f"The user then said: {line}" for line in self.corrections[-_KEPT:]),
        ]
        return "\n".join(["Noted from the transcript, oldest first; hints, no verdict.", *lines]) if lines else ""


def test_result(output: str) -> str:
    """Return the last line of a tool's output that tells the result of tests; empty where none does."""
    output = output[-_SCANNED:]
    if not any(word in output for word in _WORDS):
        return ""
    lines = (line.strip() for line in reversed(output.split("\n")) if any(word in line for word in _WORDS))
    return next((line[:_LINE_CHARS] for line in lines if _TEST_RESULT.search(line)), "")
