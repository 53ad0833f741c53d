"""The scopes that a person chooses from."""

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.tools.scopes.names import choosable, scope_names
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio


async def test_the_scope_with_the_most_lessons_comes_first_and_global_last(settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    assert await scope_names(bank) == ["global"]
    await put(
        bank, *(lesson(n, scope=scope) for n, scope in enumerate(["few", "many", "many", "global", "global", "global"]))
    )
    await bank.add(episode(1).model_copy(update={"scope": "reported"}))
    assert await scope_names(bank) == ["many", "few", "reported", "global"]
    await bank.close()


def test_what_a_form_could_not_send_back_as_it_is_cannot_be_chosen() -> None:
    assert choosable(["one", "two\u202e", "three\n", "x" * 201, "größe 4"]) == ["one", "größe 4"]
