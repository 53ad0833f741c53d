"""200 real attempts of a customer-service agent (tau-bench, airline, gpt-4o), some with a synthetic secret planted in them.

load ─▶ Attempt (as it was) ─▶ planted ─▶ Attempt whose `sent` and `task` carry a secret that must never be seen again
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from bench.support import places

DATA = places.DATA / "tau_bench_airline_gpt4o.json"
PLANT_EVERY = 5
END = 40
"""Characters, white space left out, by which the beginning and the end of a message are recognised."""

Message = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One attempt at one task. `sent` are the chat messages that are reported, `original` those of the data."""

    number: int
    task_id: int
    task: str
    outcome: Literal["success", "failure"]
    original: list[Message]
    sent: list[Message]
    secret: str = ""

    @cached_property
    def passages(self) -> list[str]:
        """Beginning and end of each message and each call, without white space: what a judge must be shown."""
        texts = [squeezed(text) for message in self.original for text in _texts(message)]
        return [end for text in texts if text for end in (text[:END], text[-END:])]


def load(path: Path = DATA) -> list[Attempt]:
    """All attempts in the order of the data, secrets planted in every fifth."""
    attempts = [
        Attempt(
            number=number,
            task_id=item["task_id"],
            task=item["info"]["task"]["instruction"].strip(),
            outcome="success" if item["reward"] == 1 else "failure",
            original=item["traj"],
            sent=item["traj"],
        )
        for number, item in enumerate(json.loads(path.read_text("utf-8")))
    ]
    return [planted(attempt) if attempt.number % PLANT_EVERY == 0 else attempt for attempt in attempts]


def planted(attempt: Attempt) -> Attempt:
    """The attempt with a secret in what the user said, in a call, in a tool's answer, or in the task."""
    turn = attempt.number // PLANT_EVERY
    secret = synthetic_secret(turn)
    place = ("user", "tool", "call", "task")[turn % 4]
    if place == "task":
        return replace(attempt, task=f"{attempt.task} Use the token {secret} to log in.", secret=secret)
    sent = deepcopy(attempt.sent)
    message = next((message for message in reversed(sent) if _fits(message, place)), sent[1])
    if place == "call" and message.get("tool_calls"):
        call = message["tool_calls"][0]["function"]
        call["arguments"] = json.dumps({"session": secret})[:-1] + ", " + call["arguments"].lstrip()[1:]
    else:
        message["content"] = f"{message['content']}\nBy the way, my token is {secret} for now."
    return replace(attempt, sent=sent, secret=secret)


def synthetic_secret(number: int) -> str:
    """A token of one of three well-known forms, nobody's; put together here so that no scanner finds one in this file."""
    digits = sha256(f"tau {number}".encode()).hexdigest()
    return ("gh" + "p_" + digits[:36], "sk-" + "ant-" + digits[:48], "gl" + "pat-" + digits[:20])[number % 3]


def squeezed(text: str) -> str:
    return "".join(text.split())


def _fits(message: Message, place: str) -> bool:
    calls = message.get("tool_calls")
    return (
        bool(calls and calls[0]["function"]["arguments"].strip() != "{}")
        if place == "call"
        else message["role"] == place
    )


def _texts(message: Message) -> Iterator[str]:
    yield message.get("content") or ""
    for call in message.get("tool_calls") or []:
        yield call["function"]["name"]
        yield call["function"]["arguments"].lstrip()[1:]
