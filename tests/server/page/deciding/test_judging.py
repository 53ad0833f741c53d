"""An attempt that waits is judged from the front page, where an endpoint is there to judge."""

import os
from pathlib import Path

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from tests.support.page_server import in_bank, page_open
from tests.support.records import episode
from tests.support.scripted_endpoint import Reply, Request, Responder, ScriptedEndpoint, fails, plausible

UNJUDGED = "ep_0000000000000001"


@pytest.fixture
def home(home: Path) -> Path:
    in_bank(
        home,
        lambda bank: bank.add(
            episode(1).model_copy(
                update={"id": UNJUDGED, "trajectory": "[1] observation: 14 passed in 2.31s", "outcome": "success"}
            )
        ),
    )
    return home


def refusing(request: Request) -> Reply:
    return fails(401)


def stored(home: Path) -> Episode:
    async def get(bank: Bank) -> Episode:
        return await bank.get(Episode, UNJUDGED)

    return in_bank(home, get)


@pytest.mark.parametrize(
    ("responder", "verdict", "told"),
    [(plausible, "success", "Its verdict is success"), (refusing, None, "It could not be judged")],
    ids=["judged", "refused"],
)
def test_an_attempt_is_judged_when_a_person_asks_for_it(
    home: Path, responder: Responder, verdict: str | None, told: str
) -> None:
    with ScriptedEndpoint(responder) as endpoint:
        named = {"LLM_MODEL": "m1", "LLM_BASE_URL": endpoint.base_url, "LLM_API_KEY": "k"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_BANK_")}
        environment = kept | {f"STRATEGY_BANK_{name}": value for name, value in named.items()}
        with page_open(home, environment=environment) as server, server.client() as client:
            assert f"/episodes/{UNJUDGED}/judge" in client.get("/").text
            work = client.post(f"/episodes/{UNJUDGED}/judge", data={"back": "/"}).headers["location"]
            with client.stream("GET", f"{work}/changes") as events:
                for _ in events.iter_lines():
                    pass
            assert told in client.get(work).text
    assert stored(home).verdict == verdict


def test_without_an_endpoint_nothing_is_offered(home: Path) -> None:
    with page_open(home) as server, server.client() as client:
        assert "/judge" not in client.get("/").text
        assert client.post(f"/episodes/{UNJUDGED}/judge").status_code == 400
