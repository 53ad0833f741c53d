"""The scopes of a bank, for a person to choose from."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections import Counter
from typing import TYPE_CHECKING, Any

from pyarrow import compute

from strategy_bank.store.records import GLOBAL_SCOPE, Episode, Project, Recall, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

pc: Any = compute  # its functions are made when it is imported


async def scope_names(bank: "Bank") -> list[str]:
    """Return all scopes, that with the most lessons first, and `global` last."""
    found = Counter[str]()
    for kind in (Strategy, Episode, Recall, Project):
        for each in pc.value_counts((await bank.columns(kind, ["scope"]))["scope"]).to_pylist():
            found[each["values"]] += each["counts"] if kind is Strategy else 0
    names = sorted(found.keys() - {GLOBAL_SCOPE}, key=lambda name: (-found[name], name))
    return [*names, GLOBAL_SCOPE]
