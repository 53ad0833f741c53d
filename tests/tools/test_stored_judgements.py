"""Judgements and comparisons as they are stored: without secrets, and JSON whatever was in them."""

import json
from itertools import product

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Run
from strategy_bank.tools.judging.judgement import Comparison, Judgement
from tests.support.connecting import Connect
from tests.support.samples import STRATEGY, TASK, call, comparison, judgement, report
from tests.support.shell import Shell

OPENINGS = ['Set passphrase="', 'password="', "It began with -----BEGIN RSA PRIVATE KEY-----", 'api_key = "']
CLOSINGS = ["-----END RSA PRIVATE KEY-----", 'password="', "Read on before you go on"]


@pytest.mark.anyio
@pytest.mark.parametrize(("opening", "closing"), list(product(OPENINGS, CLOSINGS)))
async def test_halves_of_secrets_do_not_break_what_is_stored(
    connect: Connect, settings: Settings, opening: str, closing: str
) -> None:
    lesson = STRATEGY | {"title": opening, "description": closing, "content": f"{closing} {STRATEGY['content']}"}
    async with connect() as client:
        told = await report(client, judgement=judgement(reason=opening, strategies=[lesson]))
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        await report(client, run_id=run_id, attempt=1)
        compared = comparison(1, analysis=opening, strategies=[lesson])
        await call(client, "scale_attempts", run_id=run_id, comparison=compared)
    bank = await Bank.open(settings.location)
    episode, run = await bank.get(Episode, told["episode_id"]), await bank.get(Run, run_id)
    await bank.close()
    assert Judgement.model_validate_json(episode.judgement).verdict == "success"
    assert Comparison.model_validate_json(run.comparison).best_attempt == 1
    assert json.loads(episode.judgement)["evidence"] == ["14 passed in 2.31s"]


def test_a_judgement_that_was_damaged_earlier_is_shown_as_it_is(settings: Settings) -> None:
    damaged = '{"reason":"Set passphrase=\\"[redacted: password]\\""}]}'
    broken = Episode(id="ep_old", scope="project", task=TASK, trajectory="x", steps=1, judgement=damaged)
    shell = Shell(settings.home, {})
    shell.inside(lambda bank: bank.atomically(lambda: bank.add(broken)))
    assert damaged in shell("show", "ep_old").stdout
