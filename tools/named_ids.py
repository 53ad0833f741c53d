"""The ids that a caller names. What is no id never reaches the bank, whatever else it may be."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import OwnAndGiven, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_DIGITS = "[0-9a-f]{16}"
_KINDS = {"st": "a strategy", "ep": "an episode", "run": "a run", "rc": "a recall"}
_SHORT = re.compile(r"[\w-]{1,40}", re.ASCII)


def check_id(argument: str, prefix: str, id: str) -> None:
    """Raise InvalidInput unless this is an id with that prefix."""
    if not re.fullmatch(f"{prefix}_{_DIGITS}", id):
        shown = f" {id!r}" if _SHORT.fullmatch(id) else ""
        raise InvalidInput(
            f"{argument}{shown} is no id of {_KINDS[prefix]}: that is {prefix}_ and 16 of 0-9 and a-f. Give it as it was "
            "given to you, or leave it out."
        )


async def known_strategies(
    bank: "Bank", argument: str, named: Iterable[str], scopes: Sequence[str] | OwnAndGiven
) -> tuple[list[str], list[str]]:
    """Return the ids of strategies of these scopes in what was named as such, and a warning about the rest.

    Agents copy ids with what stood around them, so each is looked for inside its text.
    """
    texts = list(named)
    ids = list(dict.fromkeys(id for text in texts for id in _ids_in("st", text)))
    there = {row["id"] for row in await bank.cells(Strategy, [], id=ids, scope=scopes)} if ids else set[str]()
    unknown = [id for id in ids if id not in there]
    unknown += [_shown(text) for text in texts if not _ids_in("st", text)]
    warnings = [f"Unknown {argument}, ignored: {', '.join(dict.fromkeys(unknown))}."] if unknown else []
    return [id for id in ids if id in there], warnings


async def known_recall(bank: "Bank", named: str) -> tuple[str, list[str]]:
    """Return the id of a recall in what was named as such, and a warning where there is none."""
    ids = _ids_in("rc", named)
    if len(ids) == 1 and await bank.has_recall(ids[0]):
        return ids[0], []
    return "", [f"Unknown recall_id, ignored: {_shown(named)}."] if named else []


def _ids_in(prefix: str, text: str) -> list[str]:
    return re.findall(rf"(?<!\w){prefix}_{_DIGITS}(?!\w)", text, re.ASCII)


def _shown(text: str) -> str:
    return text if _SHORT.fullmatch(text) else "something that is no id"
