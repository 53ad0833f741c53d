"""The scopes of a bank, for a person to choose from."""

from collections import Counter
from typing import TYPE_CHECKING

from strategy_bank.store.records import GLOBAL_SCOPE, Episode, Project, Recall, Strategy
from strategy_bank.store.visible_text import visible_line

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


_CHARS = 200


async def scope_names(bank: "Bank") -> list[str]:
    """Return all scopes, that with the most lessons first, and `global` last."""
    found = Counter[str]()
    for kind in (Strategy, Episode, Recall, Project):
        for name, number in (await bank.tally(kind, "scope", {})).items():
            found[name] += number if kind is Strategy else 0
    names = sorted(found.keys() - {GLOBAL_SCOPE, ""}, key=lambda name: (-found[name], name))
    return [*names, GLOBAL_SCOPE]


def choosable(names: list[str]) -> list[str]:
    """Return the names that a form can show and send back as they are: without hidden characters, and not endless."""
    return [name for name in names if len(name) <= _CHARS and visible_line(name) == name]
