"""Forgetting in the page: what would go is shown first, and only that goes."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Recall, Strategy
from tests.support.page_server import PageServer, in_bank
from tests.support.records import episode, lesson, put

CUSTOMER, OTHER, REPORT, RECALL = (
    "st_0000000000000001",
    "st_0000000000000002",
    "ep_0000000000000001",
    "rc_0000000000000001",
)


@pytest.fixture
def home(home: Path) -> Path:
    async def fill(bank: Bank) -> None:
        await put(
            bank, lesson(1, id=CUSTOMER, content="Ask Example Corp first."), lesson(2, id=OTHER, contradicts=[CUSTOMER])
        )
        await bank.add(
            episode(1).model_copy(update={"id": REPORT, "task": "Import for EXAMPLE corp", "recall_id": RECALL})
        )
        await bank.add(Recall(id=RECALL, scope="project", task="Import", strategy_ids=[OTHER]))

    in_bank(home, fill)
    return home


@pytest.fixture
def client(opened: PageServer) -> Iterator[httpx2.Client]:
    with opened.client() as client:
        yield client


def left(opened: PageServer) -> set[str]:
    async def ids(bank: Bank) -> set[str]:
        return {record.id for kind in (Strategy, Episode, Recall) for record in await bank.all(kind)}

    return opened.in_bank(ids)


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', page)
    assert found
    return found[1]


def test_everything_about_a_customer_is_found_shown_and_then_gone(client: httpx2.Client, opened: PageServer) -> None:
    page = client.get("/forget", params={"matching": "example corp"}).text
    assert "3 records would be deleted: 1 lesson, 1 episode, 1 recall" in page
    assert left(opened) == {CUSTOMER, OTHER, REPORT, RECALL}
    answer = client.post("/forget", data={"matching": "example corp", "seen": seen(page), "back": "/lessons"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/lessons?done=forgotten&number=3")
    assert left(opened) == {OTHER}
    assert "3 records: Deleted for good" in client.get(answer.headers["location"]).text
    assert "Nothing in the bank holds “example corp”" in client.get("/forget", params={"matching": "example corp"}).text


def test_each_record_that_would_go_shows_where_it_holds_the_text(client: httpx2.Client) -> None:
    page = client.get("/forget", params={"matching": "example corp"}).text
    assert "what it says: Ask <mark>Example Corp</mark> first." in page
    assert "task: Import for <mark>EXAMPLE corp</mark>" in page


def test_when_it_is_done_the_same_is_looked_for_again(client: httpx2.Client) -> None:
    page = client.get("/forget", params={"matching": "example corp"}).text
    assert '<input type="hidden" name="back" value="/forget?matching=example+corp">' in page


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"scope": "project"}, 4),
        ({"scope": "elsewhere"}, 0),
        ({"before": "2020-01-31"}, 0),
        ({"before": "2120-01-31"}, 4),
        ({"id": f"{CUSTOMER}, {OTHER}"}, 2),
        ({"scope": "project", "matching": "Example Corp", "before": "2120-01-31"}, 3),
    ],
)
def test_what_fits_all_that_is_asked_would_go(client: httpx2.Client, asked: dict[str, str], number: int) -> None:
    page = client.get("/forget", params=asked).text
    assert (f"{number} records would be deleted" in page) if number else ("Nothing in the bank is of this kind" in page)


def test_where_more_would_go_by_now_it_is_shown_again_and_nothing_goes(
    client: httpx2.Client, opened: PageServer
) -> None:
    page = client.get("/forget", params={"matching": "example corp"}).text

    async def add(bank: Bank) -> None:
        await put(bank, lesson(3, content="Call Example Corp."))

    opened.in_bank(add)
    answer = client.post("/forget", data={"matching": "example corp", "seen": seen(page)})
    assert answer.status_code == 409
    assert "The bank has changed since you looked" in answer.text
    assert left(opened) == {CUSTOMER, OTHER, REPORT, RECALL, "st_3"}


@pytest.mark.parametrize(
    ("asked", "status"), [({}, 400), ({"id": "st_00000000000000ff"}, 404), ({"before": "soon"}, 400)]
)
def test_what_names_nothing_deletes_nothing(
    client: httpx2.Client, opened: PageServer, asked: dict[str, str], status: int
) -> None:
    assert client.post("/forget", data=asked | {"seen": "plan_0"}).status_code == status
    assert len(left(opened)) == 4


def test_with_its_bytes_it_is_work_that_tells_its_end(client: httpx2.Client, opened: PageServer) -> None:
    page = client.get("/forget", params={"id": CUSTOMER}).text
    answer = client.post("/forget", data={"id": CUSTOMER, "seen": seen(page), "purge": "1"})
    with client.stream("GET", f"{answer.headers['location']}/changes") as events:
        for _ in events.iter_lines():
            pass
    assert "The bytes are gone" in client.get(answer.headers["location"]).text
    assert b"Ask Example Corp" not in b"".join(
        file.read_bytes() for file in opened.home.rglob("*.lance") if file.is_file()
    )
    assert CUSTOMER not in left(opened)
