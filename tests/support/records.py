"""Strategies and episodes to store, by number, and a look at what is stored."""

from typing import TypeVar

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Record, Strategy

R = TypeVar("R", bound=Record)


def lesson(number: int, **changes: object) -> Strategy:
    values = {
        "id": f"st_{number}",
        "title": f"Lesson {number}",
        "description": "When files of other systems are read.",
        "content": f"Look at the bytes first. Case {number} shows why.",
        "outcome": "success",
        "scope": "project",
        "source_task": "Import the file",
    }
    return Strategy.model_validate(values | changes)


def episode(number: int) -> Episode:
    return Episode(id=f"ep_{number}", scope="project", task=f"task {number}", trajectory="[1] text: done", steps=1)


async def put(bank: Bank, *strategies: Strategy) -> None:
    embedded = await bank.embed(strategies)
    async with bank.lock.hold():
        await bank.add_strategies(embedded)


async def stored(settings: Settings, kind: type[R]) -> list[R]:
    """All records of a kind, whatever servers are doing with the bank."""
    bank = await Bank.open(settings.location)
    found = await bank.all(kind)
    await bank.close()
    return found
