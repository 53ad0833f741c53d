"""A person's decisions about what is in the bank: retire, reinstate, forget."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from strategy_bank.server.console import ask, check_answerable, home_option, printable, say, show, with_bank
from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, Run, Strategy, StrategyStatus, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_KINDS = (Strategy, Episode, Run)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="retired by hand", show_default=True, help="Why; kept with the strategy.")
@home_option
def retire(ids: tuple[str, ...], reason: str) -> None:
    """Take strategies out of recall. They stay in the bank; `reinstate` brings them back.

    \b
    Example:
      strategy-bank retire st_0123456789abcdef --reason "we no longer use that library"
    """
    _set_status(ids, "retired", reason)


@click.command(short_help="Bring strategies back into recall.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@home_option
def reinstate(ids: tuple[str, ...]) -> None:
    """Bring retired or quarantined strategies back into recall.

    One that was retired because it kept hurting gets a new chance: only later uses count against it.
    A quarantined one read as orders to the agent: look at it with `show` before you let agents see it.

    \b
    Example:
      strategy-bank list --status quarantined
      strategy-bank reinstate st_0123456789abcdef
    """
    _set_status(ids, "active", "")


def _set_status(ids: tuple[str, ...], status: StrategyStatus, reason: str) -> None:
    before = with_bank(lambda bank: change_status(bank, ids, status, reason))
    for strategy in before:
        was = f"was {status} already" if strategy.status == status else f"{strategy.status} → {status}"
        why = f" (it had been {strategy.status_reason})" if status == "active" and strategy.status_reason else ""
        show(f"{strategy.id}: {was}{why}: {strategy.title}")


async def change_status(bank: "Bank", ids: tuple[str, ...], status: StrategyStatus, reason: str) -> list[Strategy]:
    """The strategies as they were before. Raises NotFound, having changed nothing, when one of them is missing."""

    def changed(strategy: Strategy) -> Strategy:
        pardoned = strategy.credited_by if status == "active" else strategy.pardoned
        change = {"status": status, "status_reason": reason, "pardoned": pardoned, "updated_at": now()}
        return strategy.model_copy(update=change)

    async def step() -> list[Strategy]:
        before = await bank.all(Strategy, id=list(ids))
        _check_found(ids, {strategy.id for strategy in before}, "strategy")
        await bank.amend([changed(each) for each in before if each.status != status])
        return before

    return await bank.atomically(step)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
def forget(ids: tuple[str, ...], yes: bool) -> None:
    """Delete strategies, episodes or runs for good. There is no way back but an earlier `backup` or `export`.

    To keep a strategy out of recall only, `retire` it. The bytes of what is deleted leave the disk when the bank is
    compacted, some dozens of writes later.

    \b
    Example:
      strategy-bank forget st_0123456789abcdef ep_0123456789abcdef
    """
    check_answerable(yes, "delete")
    for line in with_bank(lambda bank: _headlines(bank, ids)):
        say(printable(line))
    ask(yes, f"Delete {'these' if len(ids) > 1 else 'this'} for good?", "Nothing was deleted.")
    gone = with_bank(lambda bank: _forget(bank, ids))
    say(f"Deleted {len(gone)}: {', '.join(gone)}.")


async def _headlines(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    """A line for each. Raises NotFound when one of them is missing."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        name = "title" if kind is Strategy else "task"
        for row in await bank.cells(kind, [name], id=list(ids)):
            found[row["id"]] = f"{row['id']}  {row[name][:100]}"
    _check_found(ids, found.keys(), "strategy, episode or run")
    return list(found.values())


async def _forget(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    return await bank.atomically(lambda: bank.forget(ids))


def _check_found(ids: tuple[str, ...], found: Collection[str], kind: str) -> None:
    if missing := [id for id in ids if id not in found]:
        raise NotFound(f"There is no {kind} {', '.join(map(repr, missing))} in this bank. Nothing was changed.")
