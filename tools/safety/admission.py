"""Whether a new lesson is let into recall, by what its words are and by how much a person wants to decide first.

reads as orders ─────────────────────────▶ quarantined (already, in learning/drafts.py)
risky advice ──┬ trust = auto ───────────▶ recalled with a caution
               └ flagged or approve ─────▶ waits for a person
anything else ─┬ trust = auto or flagged ▶ recalled
               └ approve ────────────────▶ waits for a person
more than A_DAY of one session in 24 h ──▶ waits for a person
"""

from collections.abc import Sequence

from strategy_bank.store.records import Strategy, Trust

NEW = "new: nobody has let it in yet"
RISKY = "risky: "
# lessons of one session within 24 hours. Agents teach two a report (bench/agents/records: 41 in 19), so these are some fifty
# tasks: more than one person's agent finishes in a day, and few beside the lessons that a bank has after weeks
A_DAY = 100
MANY = f"many: its session has taught {A_DAY} lessons within a day"


def admitted(strategy: Strategy, trust: Trust, risk: str = "") -> Strategy:
    """Return a new lesson as it enters the bank; `risk` says in a phrase why following it may do harm, if it may."""
    if strategy.status != "active":
        return strategy
    if trust == "approve":
        return _waiting(strategy, f"{RISKY}{risk}" if risk else NEW, risk)
    if risk and trust == "flagged":
        return _waiting(strategy, f"{RISKY}{risk}", risk)
    return strategy.model_copy(update={"caution": risk})


def _waiting(strategy: Strategy, reason: str, caution: str) -> Strategy:
    return strategy.model_copy(update={"status": "waiting", "status_reason": reason, "caution": caution})


def within_a_day(strategies: Sequence[Strategy], taught: int) -> list[Strategy]:
    """Return new lessons of a session that has taught so many within 24 hours; those above A_DAY wait for a person."""
    room = max(0, A_DAY - taught)
    return [
        _waiting(each, MANY, each.caution) if place >= room and each.status == "active" else each
        for place, each in enumerate(strategies)
    ]
