"""All public functions from text, as calls with one text."""

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from strategy_bank.server.transport.line_repair import repair
from strategy_bank.tools.judging.evidence import Evidence
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.prompting import fence
from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.transcripts.hints import Hints
from strategy_bank.tools.viewing.episodes.quotes import located
from tests.support.linear.patterns import modules

_ROOMS = re.compile(
    r"strategy_bank\.(?:tools\.(?:safety|trajectory|judging|consolidation|learning|sharing|prompting|viewing|transcripts\.(?:entry|hints))"
    r"|store\.(?:retrieval|visible_text|records))\b"
)
_METHODS: dict[str, Callable[[str], Any]] = {
    "a trajectory": normalise,
    "an observation": lambda text: normalise([{"thought": text, "action": text, "observation": text}]),
    "messages": lambda text: normalise([{"role": "user", "content": text}, {"role": "assistant", "content": text}]),
    "a tool's name": lambda text: normalise([{"role": "tool", "name": text, "content": text}]),
    "a quote": lambda text: QuoteFinder(text).holds(text),
    "the place of a quote": lambda text: located(text, [text[-99:].upper(), "a  quote that is nowhere"]),
    "a short quote": lambda text: QuoteFinder(text).holds("ok"),
    "evidence": lambda text: Evidence(f"[1] action: {text}\n[1] observation: {text}").look_up(["a quote"]),
    "hints": lambda text: Hints().saw(text, failed=False),
    "the words of a user": lambda text: Hints().said(text),
    "a fence": lambda text: fence("trajectory", text),
    "a line": lambda text: repair(f'{{"id": 1, {text}'.encode()),
}


@cache
def functions() -> dict[str, Callable[[str], Any]]:
    """Return every public function of the rooms for texts that takes texts and nothing else but numbers."""
    found = dict(_METHODS)
    for module in filter(lambda module: _ROOMS.match(module.__name__), modules()):
        for name, thing in vars(module).items():
            own = inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
            if own and (call := _on_text(thing)) is not None:
                found[f"{module.__name__}.{name}"] = call
    return found


def _on_text(function: Callable[..., Any]) -> Callable[[str], Any] | None:
    needed = [each for each in inspect.signature(function).parameters.values() if each.default is each.empty]
    kinds = [each.annotation for each in needed]
    if (
        str not in kinds
        or not set(kinds) <= {str, int}
        or any(each.kind > each.POSITIONAL_OR_KEYWORD for each in needed)
        or inspect.iscoroutinefunction(function)
    ):
        return None

    def call(text: str) -> None:
        result = function(*(text if kind is str else 1000 for kind in kinds))
        for _ in result if inspect.isgenerator(result) else ():
            pass

    return call
