"""An endpoint that cannot be set up or asked: the report is durable, the episode pending, and the reason says what to do."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from strategy_bank.server.judges import make_judge
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from strategy_bank.tools.judging.endpoint_judge import EndpointJudge
from strategy_bank.tools.judging.openai_client import EndpointSettings
from tests.support.amending import OPEN
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, TASK, judgement, report
from tests.support.scripted_endpoint import Reply, ScriptedEndpoint, fails, garbage, says
from tests.support.shell import Shell

MEANT = "http://127.0.0.1:9/v1"
SURROUNDINGS = [
    ("ALL_PROXY", "socks5://me:hush@127.0.0.1:1", r"SOCKS.*pip install|ALL_PROXY"),
    ("ALL_PROXY", "socks5h://127.0.0.1:1", "ALL_PROXY"),
    ("all_proxy", "socks://127.0.0.1:1", "all_proxy"),
    ("ALL_PROXY", "nonsense", "ALL_PROXY"),
    ("HTTP_PROXY", "http://[::1", "HTTP_PROXY"),
    ("HTTP_PROXY", "http://me:hush@127.0.0.1:1", "HTTP_PROXY"),
    ("SSL_CERT_FILE", "/no/such/file.pem", "SSL_CERT_FILE"),
    ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE"),
    ("OPENAI_ORG_ID", "größe", "OPENAI_ORG_ID"),
    ("OPENAI_CUSTOM_HEADERS", "x: y\nno colon", "cannot be"),
]
ADDRESSES = [
    "http://[::1/v1",
    "localhost:11434/v1",
    "//127.0.0.1:9/v1",
    "ftp://127.0.0.1/v1",
    "http://",
    "http:///v1",
    "v1",
    "http://127.0.0.1:99999/v1",
    "http://127.0.0.1:port/v1",
    "http://exa mple/v1",
    "http://nowhere.invalid/v1",
    "http://ünï.invalid/v1",
    "http://me:hush@127.0.0.1:9/v1",
    "http://127.0.0.1:9\n/v1",
    f"http://{'a' * 300}.com/v1",
    "http://127.0.0.1:9/%zz/\udcff",
    "${LLM_BASE_URL}",
]


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as server:
        yield server


def judge_at(base_url: str, **changes: Any) -> EndpointJudge:
    """A judge that tries once."""
    return EndpointJudge(EndpointSettings(base_url, "m1", SecretStr("sk-hush-0123456789"), 5, max_retries=0, **changes))


async def reason(connect: Connect, settings: Settings, judge: EndpointJudge) -> str:
    """Report something that this judge is to judge, and return why that did not happen, as it is stored."""
    async with connect(judge=judge) as client:
        told = await report(client, judgement=None)
    assert (told["status"], told["verdict"]) == ("recorded", None)
    bank = await Bank.open(settings.location)
    episode = await bank.get(Episode, told["episode_id"])
    await bank.close()
    assert episode.status == "pending"
    assert told["warnings"] == [f"Not judged: {episode.reason}"]
    assert "hush" not in episode.reason
    assert len(episode.reason) < 900
    return episode.reason


@pytest.mark.anyio
@pytest.mark.parametrize(("variable", "value", "says"), SURROUNDINGS)
async def test_what_the_surroundings_break_is_named_with_the_variable(
    connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv(variable, value)
    assert re.search(says, await reason(connect, settings, judge_at("http://strategy-bank.invalid/v1")))


@pytest.mark.anyio
@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_cannot_be_asked_is_named(connect: Connect, settings: Settings, address: str) -> None:
    judge = make_judge(settings.model_copy(update={"llm_model": "m1", "llm_base_url": address}))
    assert isinstance(judge, EndpointJudge)
    assert "check the base URL" in await reason(connect, settings, judge_at(address))
    await judge.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([Reply(status=301, raw=b"", location="/v1/chat/completions")] * 30, "check the base URL"),
        ([Reply(status=302, raw=b"", location="/login"), garbage()], "check the base URL"),
        ([Reply(status=302, raw=b"")], "answered 302: it sends you elsewhere"),
        ([Reply(status=307, raw=b"", location="http://[::1/")], "check the base URL"),
        ([fails(401)], "answered 401"),
        ([fails(402)], "answered 402: there is no credit left"),
        ([fails(405)], "answered 405"),
        ([fails(429)], "answered 429"),
        ([fails(500)], "answered 500"),
        ([Reply(status=500, raw=b"")], "answered 500"),
        ([garbage(b"")], "sent no chat completion"),
        ([garbage(b"[]")], "sent no chat completion"),
        ([garbage(b"null")], "sent no chat completion"),
        ([garbage(b"\xff\xfe\x00")], "sent no chat completion"),
        ([garbage(b"[" * 100_000)], "sent no chat completion"),
        ([garbage(b"data: {}\n\n" * 500_000)], "sent an answer without end"),
        ([says("[]"), says("[1, 2]")], "no usable answer in two tries"),
        ([says("[{}, {}]"), says('{"reason": "\\ud800"}')], "no usable answer in two tries"),
        ([says('{"verdict": ' * 5000), says("null")], "no usable answer in two tries"),
    ],
)
async def test_answers_that_are_none_are_named(
    connect: Connect, settings: Settings, endpoint: ScriptedEndpoint, replies: list[Reply], said: str
) -> None:
    endpoint.enqueue(*replies)
    assert said in await reason(connect, settings, judge_at(endpoint.base_url))


@pytest.mark.anyio
async def test_a_report_that_the_agent_judged_succeeds_where_the_endpoint_cannot_say_what_is_the_same(
    connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    async with connect(judge=judge_at(MEANT)) as client:
        await report(client, task=TASK, judgement=judgement(strategies=[OPEN[0]]))
        told = await report(client, task=REWORDED, judgement=judgement(strategies=[OPEN[1]]))
    assert told["status"] == "learned"
    assert "was not decided, both stay" in told["warnings"][0]
    assert "ALL_PROXY" in told["warnings"][0]


@pytest.mark.anyio
async def test_a_models_name_that_is_not_text_is_stored_as_far_as_it_is(connect: Connect, settings: Settings) -> None:
    judge = make_judge(settings.model_copy(update={"llm_model": "m\udcff", "llm_base_url": "http://[::1/v1"}))
    assert isinstance(judge, EndpointJudge)
    assert judge.name == "endpoint:m?"
    assert "m? at" in await reason(connect, settings, judge)


def test_distill_and_doctor_say_it_in_words(home: Path) -> None:
    shell = Shell(home, {})
    pending = Episode(id="ep_1", scope="s", task="Repair it", trajectory="14 passed", steps=1)
    shell.inside(lambda bank: bank.atomically(lambda: bank.add(pending)))
    broken = {
        "STRATEGY_BANK_LLM_MODEL": "m1", "STRATEGY_BANK_LLM_BASE_URL": "http://[::1/v1", "ALL_PROXY": "socks5://[::1",
    }  # fmt: skip
    for words in (["distill"], ["doctor", "--endpoint"]):
        said = shell(*words, code=1, **broken).output
        assert "check the base URL" in said
        assert "ALL_PROXY" in said
        assert "report this as a bug" not in said
    assert "http://[::1/v1" in shell("config", **broken).stdout
