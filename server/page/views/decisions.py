"""What a person decides about one lesson: each form names what it does in its address, and what the person had seen.

A form has `look` (curation/decisions.look_of), `back` (where to go then), and what the decision needs besides.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.page.site import site_of
from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation import decisions, words
from strategy_bank.tools.scopes.moving import move_strategies

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

BY_HAND = "retired by hand"


class Sent:
    """What a form says of one lesson."""

    def __init__(self, bank: "Bank", id: str, fields: dict[str, str]) -> None:
        self.bank, self.id, self.look = bank, id, fields.get("look", "")
        self._fields = fields

    def text(self, name: str) -> str:
        return " ".join(self._fields.get(name, "").split())

    async def seen(self) -> Strategy:
        """Return the lesson. Raises NotFound, and InvalidInput where it is not as the person has seen it."""
        strategy = await self.bank.get(Strategy, self.id)
        decisions.check_look(strategy, self.look)
        return strategy


async def _retire(sent: Sent) -> str:
    await decisions.change_status(sent.bank, [sent.id], "retired", sent.text("reason") or BY_HAND, sent.look)
    return "retired"


async def _keep_out(sent: Sent) -> str:
    await decisions.carry_out(sent.bank, await sent.seen(), "keep")
    return "kept"


async def _let_in(sent: Sent) -> str:
    await decisions.change_status(sent.bank, [sent.id], "active", "", sent.look)
    return "let-in"


async def _reinstate(sent: Sent) -> str:
    await _let_in(sent)
    return "reinstated"


async def _keep_both(sent: Sent) -> str:
    await decisions.keep_both(sent.bank, (sent.id, sent.text("other")), (sent.look, sent.text("other_look")))
    return "both"


async def _undo(sent: Sent) -> str:
    await decisions.undo(sent.bank, sent.id, sent.look)
    return "undone"


async def _revert(sent: Sent) -> str:
    number = sent.text("number")
    if number and not number.isdecimal():
        raise InvalidInput("Former wordings have numbers. Nothing was changed.")
    await words.revert(sent.bank, sent.id, int(number) if number else None, sent.look)
    return "reverted"


async def _accept(sent: Sent) -> str:
    strategy = await sent.seen()
    await words.accept(sent.bank, strategy, words.proposal_of(strategy, sent.text("proposal")))
    return "accepted"


async def _drop(sent: Sent) -> str:
    strategy = await sent.seen()
    await words.drop(sent.bank, strategy, words.proposal_of(strategy, sent.text("proposal")))
    return "dropped"


async def _drop_all(sent: Sent) -> str:
    await sent.seen()
    await words.drop_proposals(sent.bank, sent.id)
    return "dropped"


async def _move(sent: Sent) -> str:
    await sent.seen()
    await move_strategies(sent.bank, [sent.id], sent.text("scope"))
    return "moved"


_DECISIONS: dict[str, Callable[[Sent], Awaitable[str]]] = {
    "retire": _retire,
    "keep-out": _keep_out,
    "let-in": _let_in,
    "reinstate": _reinstate,
    "keep-both": _keep_both,
    "undo": _undo,
    "revert": _revert,
    "accept": _accept,
    "drop": _drop,
    "drop-all": _drop_all,
    "move": _move,
}


async def decide(request: Request) -> Response:
    """Do what the form asks, and lead back to where it came from."""
    site, form = site_of(request), await request.form()
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    id, decision = request.path_params["id"], _DECISIONS.get(request.path_params["decision"])
    if decision is None:
        raise NotFound("There is nothing at this address.")
    done = await decision(Sent(await site.bank(), id, fields))
    decided = await (await site.bank()).find(Strategy, id)
    return await site.done(request, done, id, title=decided.title if decided else "")
