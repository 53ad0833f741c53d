"""Whether a new lesson is let into recall, by what its words are and by how much a person wants to decide first.

reads as orders, or as an attack ────────▶ quarantined (`held`)
risky advice ──┬ trust = auto ───────────▶ recalled with a caution
               └ flagged or approve ─────▶ waits for a person
anything else ─┬ trust = auto or flagged ▶ recalled
               └ approve ────────────────▶ waits for a person
more than A_DAY of one session in 24 h ──▶ waits for a person
"""

from collections.abc import Sequence

from strategy_bank.store.records import Strategy, Trust
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.text_judge.judge import Suspicion, suspicion

QUARANTINED = "quarantined: "
ATTACK = "reads like lessons that turn an agent against its user"
CAUTION = "following it may do harm"
NEW = "new: nobody has let it in yet"
RISKY = "risky: "
# lessons of one session within 24 hours. Agents teach two a report (bench/agents/records: 41 in 19), so these are some fifty
# tasks: more than one person's agent finishes in a day, and few beside the lessons that a bank has after weeks
A_DAY = 100
MANY = f"many: its session has taught {A_DAY} lessons within a day"


def held(strategy: Strategy) -> Strategy:
    """Return an active lesson as quarantined where the rules, or the judge of texts, are sure that it must not be seen."""
    if strategy.status != "active":
        return strategy
    reason = read_as_orders(strategy.wording)
    if not reason and (found := _judged(strategy)).severity == "attack":
        reason = _by(ATTACK, found)
    return quarantined(strategy, reason) if reason else strategy


def admitted(strategy: Strategy, trust: Trust) -> Strategy:
    """Return a new lesson, which `held` has let pass, as it enters the bank."""
    if strategy.status != "active":
        return strategy
    found = _judged(strategy)
    if found.severity and trust != "auto":
        return _waiting(strategy, RISKY + _by(CAUTION, found), CAUTION)
    if trust == "approve":
        return _waiting(strategy, NEW, "")
    return strategy.model_copy(update={"caution": CAUTION if found.severity else ""})


def _judged(strategy: Strategy) -> Suspicion:
    return suspicion(strategy.wording, strategy.copied)


def _by(reason: str, found: Suspicion) -> str:
    """Return a reason with the words that cause it. A person reads these; an agent gets none of them outside the fence."""
    return f"{reason} (by {', '.join(map(repr, found.words))})" if found.words else reason


def quarantined(strategy: Strategy, reason: str) -> Strategy:
    return strategy.model_copy(update={"status": "quarantined", "status_reason": f"{QUARANTINED}{reason}"})


def _waiting(strategy: Strategy, reason: str, caution: str) -> Strategy:
    return strategy.model_copy(update={"status": "waiting", "status_reason": reason, "caution": caution})


def within_a_day(strategies: Sequence[Strategy], taught: int) -> list[Strategy]:
    """Return new lessons of a session that has taught so many within 24 hours; those above A_DAY wait for a person."""
    room = max(0, A_DAY - taught)
    return [
        _waiting(each, MANY, each.caution) if place >= room and each.status == "active" else each
        for place, each in enumerate(strategies)
    ]
