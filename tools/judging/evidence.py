"""The rule of evidence: a judgement's quotes occur in the trajectory, and a success was observed, not only claimed.

Agents that judge themselves err toward success, mostly by quoting themselves ("all tests pass"). Where the trajectory's normal
form tells what the agent said from what it observed, a success therefore needs one quote of an observation. Elsewhere any
quote will do.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.normal_form import observed
from strategy_bank.tools.trajectory.step_reader import NEXT_VALUE


@dataclass(frozen=True)
class Quotes:
    """Quotes that occur in a trajectory, as the judge gave them and redacted, and those that do not."""

    held: list[str]
    redacted: list[str]
    missing: list[str]


class Evidence:
    """Checks quotes against one trajectory. It is stored redacted, so quotes are redacted before they are looked up."""

    def __init__(self, trajectory: str) -> None:
        self._whole = QuoteFinder(trajectory)
        seen = observed(trajectory)
        self._seen = None if seen is None else QuoteFinder(seen)

    def look_up(self, quotes: Sequence[str]) -> Quotes:
        found = Quotes([], [], [])
        for quote in quotes:
            redacted = redact(quote).text
            if self._whole.holds(redacted):
                found.held.append(quote)
                found.redacted.append(redacted)
            else:
                found.missing.append(quote)
        return found

    def problems(self, verdict: Verdict, quotes: Quotes, *, decided: bool) -> list[str]:
        """Say why the quotes do not carry the verdict; one good quote is enough. `decided` means: by the world, already."""
        if not quotes.held:
            return [not_found(quote) for quote in quotes.missing]
        if verdict == "success" and not decided and not any(map(self._is_observed, quotes.redacted)):
            return [
                "A success needs evidence that was observed (output, a state, the user's words); this is only what the agent "
                f"said itself: {_shown(quotes.held[0])}. Quote an observation; if none shows the success, it is a failure"
            ]
        return []

    def _is_observed(self, quote: str) -> bool:
        """Return whether at least a part was observed: a quote may reach from a command into its output."""
        seen = self._seen
        return seen is None or any(seen.holds(part) for part in NEXT_VALUE.split(f"\n{quote}"))


def hold_to_evidence(judgement: Judgement, trajectory: str, outcome: Verdict | None = None) -> Judgement:
    """Return the judgement with only the quotes that occur. Raises JudgeFailed, which says what to do.

    Where other quotes carry the verdict, nobody is told of one that does not occur: nothing would come of it.
    """
    evidence = Evidence(trajectory)
    quotes = evidence.look_up(judgement.evidence)
    if problems := evidence.problems(judgement.verdict, quotes, decided=outcome is not None):
        raise JudgeFailed("; ".join(problems))
    return judgement.model_copy(update={"evidence": quotes.held})


def not_found(quote: str) -> str:
    return f"This evidence does not occur in the trajectory; copy an observation out of it: {_shown(quote)}"


def _shown(quote: str) -> str:
    return json.dumps(quote[:120], ensure_ascii=False)
