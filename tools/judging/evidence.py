"""Whether quotes carry a verdict: they occur in the trajectory, and a success was seen and not only said.

Self-judging errs toward success, mostly by quoting itself ("all tests pass"). Where the normal form tells what the agent said
from what it observed, a success therefore needs one quote of the latter. Where it does not, any quote will do.
"""

import json
from collections.abc import Sequence

from strategy_bank.store.records import Verdict
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.normal_form import NEXT_VALUE, observed


class Evidence:
    """Looks quotes up in one trajectory, which is redacted, so they are looked up as they would be."""

    def __init__(self, trajectory: str) -> None:
        self._whole = QuoteFinder(trajectory)
        seen = observed(trajectory)
        self._seen = None if seen is None else QuoteFinder(seen)

    def held(self, quotes: Sequence[str]) -> list[str]:
        """Those that occur."""
        return [quote for quote in quotes if self._whole.holds(redact(quote).text)]

    def problems(self, verdict: Verdict, quotes: Sequence[str], *, decided: bool) -> list[str]:
        """Why the quotes do not carry the verdict; one good quote is enough. `decided`: the world has decided already."""
        held = self.held(quotes)
        if not held:
            return [not_found(quote) for quote in quotes]
        if verdict == "success" and not decided and not any(map(self._is_seen, held)):
            return [
                "A success needs evidence that was observed (output, a state, the user's words); this is only what the agent "
                f"said itself: {_shown(held[0])}. Quote an observation; if none shows the success, it is a failure"
            ]
        return []

    def _is_seen(self, quote: str) -> bool:
        """In part at least: a quote may reach from a command into its output."""
        seen, parts = self._seen, NEXT_VALUE.split(f"\n{redact(quote).text}")
        return seen is None or any(seen.holds(part) for part in parts)


def not_found(quote: str) -> str:
    return f"This evidence does not occur in the trajectory: {_shown(quote)}"


def _shown(quote: str) -> str:
    return json.dumps(quote[:120], ensure_ascii=False)
