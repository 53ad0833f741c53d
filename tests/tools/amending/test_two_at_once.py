"""Several processes correct the same lesson at the same moment: one finds it fresh, and nobody's words are lost."""

import sys

import anyio
import pytest
from mcp import Client, StdioServerParameters

from strategy_bank.server.settings import Settings
from tests.support.amending import FIRST, NARROWER, OTHERWISE, SECOND, THIRD, actions, amended, stored, taught
from tests.support.samples import STRATEGY

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
LONGER = STRATEGY | {"content": f"{STRATEGY['content']} Keep the file that failed."}


async def test_three_servers_correct_one_lesson(environment: dict[str, str], settings: Settings) -> None:
    server = StdioServerParameters(command=sys.executable, args=["-m", "strategy_bank.server"], env=environment)
    done: dict[str, str] = {}
    async with Client(server) as one, Client(server) as two, Client(server) as three:
        (id,) = await taught(one)

        async def correct(client: Client, task: str, words: dict[str, str]) -> None:
            ((_, action),) = actions(await amended(client, task, id, words))
            done[words["content"]] = action

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(correct, one, FIRST, NARROWER)
            tasks.start_soon(correct, two, SECOND, OTHERWISE)
            tasks.start_soon(correct, three, THIRD, LONGER)
    after = await stored(settings, id)
    assert sorted(done.values()) == ["amended", "proposed", "proposed"]
    assert done[after.content] == "amended"
    assert {each.content for each in after.proposals} == {words for words in done if done[words] == "proposed"}
    assert [each.content for each in after.revisions] == [STRATEGY["content"]]
    assert (after.support, len(after.episode_ids)) == (2, 2)
