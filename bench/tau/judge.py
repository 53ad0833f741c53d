"""The judge of the tau bench: an examiner behind the scripted endpoint, and the judgement of an agent about itself."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from bench.tau.attempts import Attempt, squeezed
from bench.tau.lessons import lessons_for
from tests.support.scripted_endpoint import Reply, Request, fails, says

MODEL = "examiner-1"
SHOWN = 60_000
"""Characters of a trajectory that a prompt shows whole; a longer one is condensed (EndpointSettings.trajectory_chars)."""
DISAGREES_EVERY = 7
_TEMPERATURES = {"judge": 0.0, "extract_success": 1.0, "extract_failure": 1.0, "same_lesson": 0.0}


@dataclass
class Examiner:
    """A responder for ScriptedEndpoint. Answers as a judge would, and writes down what is wrong with a request.

    Every seventh attempt it contradicts the outcome, which must win.
    """

    key: str
    secrets: list[str]
    problems: list[str] = field(default_factory=list)
    _current: Attempt | None = None
    _kinds: list[str] = field(default_factory=list)

    def expect(self, attempt: Attempt | None) -> None:
        """The next requests are about this attempt; None: there must be none."""
        self._current, self._kinds = attempt, []

    def check_asked(self) -> None:
        """To be called after the report: was the attempt judged, then distilled, then compared at most?"""
        wanted = ["judge", f"extract_{self._current.outcome}"] if self._current else []
        if self._kinds[:2] != wanted or set(self._kinds[2:]) - {"same_lesson"}:
            self._complain(f"asked for {self._kinds} instead of {wanted}")

    def __call__(self, request: Request) -> Reply:
        self._kinds.append(request.kind)
        attempt = self._current
        if attempt is None:
            self._complain(f"an unexpected {request.kind} request")
            return fails(400, "nobody reported anything")
        self._check_form(request)
        self._check_secrets(request)
        if request.kind == "same_lesson":
            return says({"reason": "They belong to different requests of a customer.", "same": False})
        self._check_content(request, attempt)
        if request.kind == "judge":
            return says(self._verdict(attempt, section(request.data, "trajectory")))
        lessons = lessons_for(attempt.task, attempt.outcome, attempt.number)
        return says({"analysis": "What the rules ask for decided it.", "strategies": lessons})

    def _check_form(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            self._complain("the key is missing")
        if request.body["model"] != MODEL or request.body.get("temperature") != _TEMPERATURES.get(request.kind):
            self._complain(f"{request.kind} with {request.body['model']} at {request.body.get('temperature')}")
        if request.format != "json_schema":
            self._complain(f"{request.kind} asks for {request.format}")

    def _check_secrets(self, request: Request) -> None:
        everything = json.dumps(request.body, ensure_ascii=False)
        if any(secret in everything for secret in self.secrets):
            self._complain(f"a secret was sent in {request.kind}")

    def _check_content(self, request: Request, attempt: Attempt) -> None:
        task, trajectory = section(request.data, "task"), section(request.data, "trajectory")
        wanted = attempt.task.replace(attempt.secret, "§").split("§") if attempt.secret else [attempt.task]
        if missing := [part for part in wanted if squeezed(part) not in squeezed(task)]:
            self._complain(f"{request.kind} without the task: {missing}")
        shown = squeezed(trajectory)
        whole = sum(len(str(message)) for message in attempt.original) <= SHOWN
        passages = attempt.passages if whole else [attempt.passages[0], attempt.passages[-1]]
        if missing := [passage for passage in passages if passage not in shown]:
            self._complain(f"{request.kind} does not show {len(missing)} of {len(passages)}, among them {missing[0]!r}")
        redacted = task.count("[redacted: ") + trajectory.count("[redacted: ")
        if redacted != bool(attempt.secret):
            self._complain(f"{request.kind} shows {redacted} redactions, planted is {bool(attempt.secret):d}")

    def _verdict(self, attempt: Attempt, trajectory: str) -> dict[str, Any]:
        contradicts = attempt.number % DISAGREES_EVERY == 0
        verdict = attempt.outcome if not contradicts else {"success": "failure", "failure": "success"}[attempt.outcome]
        quotable = [line.strip()[:200] for line in trajectory.splitlines() if len(line.strip()) > 3]
        return {"reason": "Compared with the rules of the airline.", "verdict": verdict, "evidence": quotable[-1:]}

    def _complain(self, what: str) -> None:
        number = self._current.number if self._current else "none"
        self.problems.append(f"Endpoint, attempt {number}: {what}")


def own_judgement(attempt: Attempt) -> dict[str, Any]:
    """What an agent says of its own attempt, with quotes out of it; careless enough to quote a secret it has read."""
    said = [message["content"] for message in attempt.sent if message["role"] != "system" and message.get("content")]
    careless = [text[-200:] for text in said if attempt.secret and attempt.secret in text]
    return {
        "reason": "Compared with the rules of the airline." + (f" Token: {attempt.secret}" if attempt.secret else ""),
        "verdict": attempt.outcome,
        "evidence": [said[-1][:200], *careless[:1]],
        "strategies": lessons_for(attempt.task, attempt.outcome, attempt.number),
    }


def section(data: str, name: str) -> str:
    """What stands between `<name>` and `</name>` in a prompt, without the marks; empty where there is no such section."""
    found = re.search(rf"<{name}>\n(.*?)\n</{name}>", data, re.DOTALL)
    return re.sub(r"^> ", "", found[1], flags=re.MULTILINE) if found else ""
