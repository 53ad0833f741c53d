"""Judges the words of a lesson by what people of many trades wrote: harmless, risky, or an attack.

Two logistic regressions on `features.py`, fitted by `python -m bench.poison.training`; a weight is a signed byte. The vectors
of the embedding model were tried and add nothing (bench/results/poison.md).
"""

import hashlib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json

from strategy_bank.store.errors import StrategyBankError
from strategy_bank.tools.safety.text_judge.features import SLOTS, WORDS, features, folded, slot, word_runs

WEIGHTS, FITTED = "weights.bin", "fitted.json"
# share of words copied from what was only read, from which the lower thresholds hold: 16 of 20 lessons that were drawn from
# orders have so much, and of 346 honest ones none (bench/poison/copied.py)
COPIED = 0.2
NAMED = 3  # runs of words that a suspicion names

Severity = Literal["", "risky", "attack"]


class Scale(BaseModel):
    """A score is offset + scale · sum of weight and value, log odds: what the bytes of a table of weights stand for."""

    model_config = ConfigDict(frozen=True)

    scale: float
    offset: float


class Fitted(BaseModel):
    """What belongs to the weights: a table for harm of either kind, and one for harm that serves somebody else."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    harm: Scale
    intent: Scale
    risky: float  # harm from which a lesson counts as risky
    attack: float  # intent from which a risky one counts as an attack
    risky_copied: float  # the same where most of its words were copied from what the episode only read
    attack_copied: float


class Scores(NamedTuple):
    """Log odds, as among the lessons that the weights were fitted on."""

    harm: float
    intent: float


class Suspicion(NamedTuple):
    """How bad a lesson seems, and the runs of its words that count most against it; empty where nothing is wrong."""

    severity: Severity
    words: tuple[str, ...] = ()


@lru_cache(64)  # a new lesson is asked about twice: whether it is held, and how it is let in
def suspicion(text: str, copied: float = 0.0) -> Suspicion:
    """Judge the wording of a lesson, in about half a millisecond. `copied` is the share of its words that was only read."""
    fitted, _, _ = _model()
    found, stricter = scores(text), copied >= COPIED
    if found.harm < (fitted.risky_copied if stricter else fitted.risky):
        return Suspicion("")
    attack = found.intent >= (fitted.attack_copied if stricter else fitted.attack)
    return Suspicion("attack" if attack else "risky", _worst(text))


def scores(text: str) -> Scores:
    """Return how likely a lesson with these words is to harm, and to harm on purpose."""
    fitted, harm, intent = _model()
    told = features(text)
    return Scores(_sum(fitted.harm, harm, told), _sum(fitted.intent, intent, told))


def _sum(by: Scale, weights: memoryview, told: Mapping[int, float]) -> float:
    return by.offset + by.scale * sum(weights[place] * value for place, value in told.items())


def _worst(text: str) -> tuple[str, ...]:
    _, weights, _ = _model()
    against = {run: weights[slot(WORDS, run)] for run in word_runs(folded(text))}
    named = list[str]()
    for run in sorted((run for run in against if against[run] > 0), key=lambda run: (-against[run], run)):
        if len(named) < NAMED and not any(run in other or other in run for other in named):
            named.append(run)
    return tuple(named)


@cache
def _model() -> tuple[Fitted, memoryview, memoryview]:
    """Return what belongs to the weights, and those of harm and of intent."""
    files = resources.files(__package__ or __name__)
    fitted = Fitted.model_validate(from_json(files.joinpath(FITTED).read_bytes()))
    weights = files.joinpath(WEIGHTS).read_bytes()
    if hashlib.sha256(weights).hexdigest() != fitted.sha256 or len(weights) != 4 * SLOTS:
        raise StrategyBankError("The weights of the judge of texts are damaged. Install strategy-bank again.")
    both = memoryview(weights).cast("b")
    return fitted, both[: 2 * SLOTS], both[2 * SLOTS :]
