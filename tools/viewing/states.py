"""The state of a lesson in words of a person who looks at it."""

from strategy_bank.store.records import PROMOTED, Strategy
from strategy_bank.tools.learning.credit import HURT
from strategy_bank.tools.safety.admission import QUARANTINED, RISKY


def state_of(strategy: Strategy) -> str:
    """Return what becomes of a lesson in recalls, and why, as one sentence without a full stop."""
    reason = strategy.status_reason
    match strategy.status:
        case "quarantined":
            return f"Waits for you: {reason.removeprefix(QUARANTINED) or 'held back'}"
        case "waiting":
            return f"Waits for you: {reason.removeprefix(RISKY) or 'not let in yet'}"
        case "retired" if reason.startswith(HURT):
            return f"Out of recall by the rule: {reason.removeprefix(HURT).strip()}"
        case "retired":
            return f"Out of recall{f': {reason}' if reason else ''}"
        case "active":
            told = f"; {reason.removeprefix('global: ')}" if reason.startswith(PROMOTED) else ""
            return f"In use{' with a caution: ' + strategy.caution if strategy.caution else ''}{told}"
