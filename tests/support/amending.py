"""Lessons that correct or may say what others say, reports that amend with them, and what the bank then holds."""

from typing import Any

from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from tests.support.samples import STRATEGY, TASK, call, judgement, report

NARROWER = STRATEGY | {
    "content": "Find out the real encoding of a failing file before changing code, by its bytes and not by what the tool that "
    "wrote it promises. Pass the encoding explicitly when opening it and add a file of that kind to the tests."
}
"""STRATEGY with a clause put in."""
OTHERWISE = STRATEGY | {
    "content": "Find out the real encoding of a failing file before changing code. Ask whoever writes it for UTF-8 instead of "
    "passing another encoding, and refuse a file that is not."
}
"""STRATEGY with a clause that advises something else."""
ELSEWHERE = {
    "title": "Wait for the lock of the package manager",
    "description": "When an installation in a container fails at once with a message about a lock.",
    "content": "Wait until the other process has ended instead of deleting the lock file, which leaves a broken database.",
}
OPEN = (
    {
        "title": "Retry failed requests with exponential backoff",
        "description": "When a remote service answers with a temporary error.",
        "content": "Wait twice as long after every failure and add random jitter so that clients do not return together.",
    },
    {
        "title": "Back off and randomise the delay",
        "description": "For calls to a flaky API that return 429 or 503.",
        "content": "Double the pause between tries, with jitter; otherwise all workers hammer the service at the same instant.",
    },
)
"""Two strategies of which likeness cannot tell whether they say the same."""
FIRST = "The import of orders crashes with a decoding error; make it run through again."
SECOND = "Customers see wrong characters in the names that we read from the CSV of partner B."
THIRD = "Reading the text files of the old accounting system fails at the first umlaut. Load them into the archive."
FOURTH = "Repair the report from Japan: question marks stand where the other system's text file has signs."
"""Four tasks of the kind that STRATEGY is for, none of which is another one in other words."""


async def taught(client: Client, *lessons: dict[str, str], task: str = TASK) -> list[str]:
    """Report a task that teaches lessons; return their ids."""
    result = await report(client, task=task, judgement=judgement(strategies=list(lessons or [STRATEGY])))
    return [each["id"] for each in result["strategies"]]


async def amended(client: Client, task: str, id: str, words: dict[str, str], **changes: Any) -> dict[str, Any]:
    """Recall for a task, and report it with words that amend a lesson."""
    recalled = await call(client, "recall_strategies", task=task)
    draft = words | {"amends": id}
    arguments = {"recall_id": recalled["recall_id"], "judgement": judgement(strategies=[draft])} | changes
    return await report(client, task=task, **arguments)


def actions(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["id"], each["action"]) for each in result["strategies"]]


async def stored(settings: Settings, id: str) -> Strategy:
    return (await all_of(settings))[id]


async def all_of(settings: Settings) -> dict[str, Strategy]:
    bank = await Bank.open(settings.location)
    try:
        return {each.id: each for each in await bank.all(Strategy)}
    finally:
        await bank.close()
