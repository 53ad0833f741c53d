"""Whether a new lesson is let into recall, by what its words are and by how much a person wants to decide first.

reads as orders ─────────────────────────▶ quarantined (already, in learning/drafts.py)
risky advice ──┬ trust = auto ───────────▶ recalled with a caution
               └ flagged or approve ─────▶ waits for a person
anything else ─┬ trust = auto or flagged ▶ recalled
               └ approve ────────────────▶ waits for a person
"""

from strategy_bank.store.records import Strategy, Trust

NEW = "new: nobody has let it in yet"
RISKY = "risky: "


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
