"""Situations in which a model must decide whether to call one of the tools, which, and with which fields.

In `situations.json`, all written for this purpose. What the server says in them stands there as a name ($recalled,
$judgement_request, …) and is filled in with today's wording, so that it is the wording in use that is measured.

    so_far    what the user said, what the agent said, what it called and what came back
    expect    the tool of the next call (null: none of ours), the fields it must have, must not have, and their values
"""

import json
from collections import Counter
from pathlib import Path
from string import Template
from typing import Any, Literal, cast

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.records import Episode, Run, RunMode, Strategy
from strategy_bank.tools.consolidation.undecided import UndecidedPair, question
from strategy_bank.tools.episodes.attempts import brief
from strategy_bank.tools.judging.evidence import Evidence
from strategy_bank.tools.judging.judge_requests import comparison_request, judgement_request
from strategy_bank.tools.judging.judgement import AttemptView
from strategy_bank.tools.prompting import render

FILE = Path(__file__).with_name("situations.json")
Kind = Literal["recall", "report", "judge", "attempt", "scale", "nothing"]
Message = dict[str, Any]


class Turn(BaseModel):
    """One of: words of the user, words of the agent, a call with its result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = ""
    agent: str = ""
    call: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    result: str = ""


class Expected(BaseModel):
    """Fields are named by path, as `judgement.verdict`. An empty value counts as one that is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: Literal["recall_strategies", "report_outcome", "scale_attempts"] | None
    has: list[str] = Field(default_factory=list)
    lacks: list[str] = Field(default_factory=list)
    equals: dict[str, Any] = Field(default_factory=dict)


class Situation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    why: str = Field(min_length=10, max_length=200)
    so_far: list[Turn] = Field(min_length=1)
    expect: Expected

    def messages(self) -> list[Message]:
        """As chat messages with function calls."""
        first = _filled(self.so_far[0].user, "")
        messages: list[Message] = []
        for number, turn in enumerate(self.so_far):
            if turn.call:
                messages += _called(f"call_{number}", turn, _filled(turn.result, first))
            else:
                role, text = ("user", turn.user) if turn.user else ("assistant", turn.agent)
                messages.append({"role": role, "content": _filled(text, first)})
        return messages


class Call(BaseModel):
    """What a model called. `arguments` is None where they were no JSON object."""

    model_config = ConfigDict(frozen=True)

    tool: str
    arguments: dict[str, Any] | None


def load_situations(file: Path = FILE) -> list[Situation]:
    """Raises ValueError where one is invalid or a name occurs twice."""
    situations = [Situation.model_validate(item) for item in json.loads(file.read_text("utf-8"))]
    if twice := [name for name, count in Counter(one.name for one in situations).items() if count > 1]:
        raise ValueError(f"Two situations have the same name: {', '.join(twice)}")
    return situations


def mistakes(expect: Expected, calls: list[Call], schemas: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong with these calls; `schemas` are the input schemas of our tools, calls of other tools do not count."""
    ours = [call for call in calls if call.tool in schemas]
    if [call.tool for call in ours] != ([expect.tool] if expect.tool else []):
        return [f"called {', '.join(call.tool for call in ours) or 'nothing'} instead of {expect.tool or 'nothing'}"]
    return [problem for call in ours for problem in _wrong_arguments(expect, call.arguments, schemas[call.tool])]


def _wrong_arguments(expect: Expected, arguments: dict[str, Any] | None, schema: dict[str, Any]) -> list[str]:
    if arguments is None:
        return ["the arguments are no JSON object"]
    return [
        *(f"{error.json_path}: {error.message}"[:200] for error in Draft202012Validator(schema).iter_errors(arguments)),
        *(f"{path} is missing" for path in expect.has if not value_at(arguments, path)),
        *(f"{path} does not belong there" for path in expect.lacks if value_at(arguments, path)),
        *(
            f"{path} is {value_at(arguments, path)!r} instead of {value!r}"
            for path, value in expect.equals.items()
            if value_at(arguments, path) != value
        ),
    ]


def value_at(arguments: dict[str, Any], path: str) -> Any:
    """None where there is nothing."""
    value: Any = arguments
    for name in path.split("."):
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value


def _called(id: str, turn: Turn, result: str) -> list[Message]:
    function = {"name": turn.call, "arguments": json.dumps(turn.arguments, ensure_ascii=False)}
    return [
        {"role": "assistant", "content": None, "tool_calls": [{"id": id, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": id, "content": result},
    ]


def _filled(text: str, task: str) -> str:
    """With the server's own words in the place of their names; a `$` of anything else stays."""
    return Template(text).safe_substitute(_said_by_the_server(task)) if "$" in text else text


def _said_by_the_server(task: str) -> dict[str, str]:
    attempts = [AttemptView(1, "failure", "real 4m10s"), AttemptView(2, "success", "real 0m32s")]
    return {
        "recalled": render("recalled"),
        "nothing_recalled": render("nothing_recalled"),
        "judgement_request": judgement_request(task, None)["rubric"],
        "comparison_request": comparison_request(task, attempts)["rubric"],
        "own_words": _refusal_of_own_words(),
        "same_lesson_known": _question(
            "Retry failed requests with exponential backoff",
            "When a remote service answers with a temporary error.",
            "Wait twice as long after every failure and add random jitter so that clients do not return together.",
        ),
        "other_lesson_known": _question(
            "Do not repeat what must not happen twice",
            "When a call to a flaky API has failed and may have had its effect.",
            "Ask the service for the state before trying again, or send a key that makes the call idempotent.",
        ),
        "brief": _brief(2, 3),
        "brief_refined": _refined(),
        **{f"brief_{number}_of_{of}": _brief(number, of) for of in (2, 5) for number in range(1, of + 1)},
    }


def _brief(number: int, of: int) -> str:
    return brief(_run("parallel", of), number, None)


def _refined() -> str:
    """The second brief of three, for an agent that has just reported the first attempt."""
    first = Episode(
        id="ep_0000000000000001", scope="s", task=_TASK, trajectory="real 4m10s", steps=1, verdict="failure"
    )
    return brief(_run("sequential", 3), 2, first, known=True)


_TASK = "The monthly report takes 11 minutes. Bring it below one; its numbers must stay the same."


def _run(mode: RunMode, of: int) -> Run:
    return Run(id="run_40f1c2d3e4b5a697", scope="s", task=_TASK, mode=mode, attempts=of)


def _question(title: str, description: str, content: str) -> str:
    """Whether the lesson just learned says the same as this one."""
    known = Strategy(id="st_90ab12cd34ef5678", title=title, description=description, content=content, outcome="success")
    new = known.model_copy(update={"id": "st_5d02c9e4b7a1f863", "title": "Back off and randomise the delay"})
    return question([UndecidedPair(new, known)], "ep_77b0c4e19d2f6a38")


def _refusal_of_own_words() -> str:
    claim = "All runs pass now."
    record = f"[1] action: run it 40 times\n[1] observation: 40 1 passed\n[2] thought: {claim}"
    evidence = Evidence(record)
    return "; ".join(evidence.problems("success", evidence.look_up([claim]), decided=False))
