"""`strategy-bank doctor` tells the truth, with what to do, and never fails itself."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from filelock import FileLock

from bench.recall.languages import DATA as LANGUAGES
from strategy_bank.server.cli.main import cli
from strategy_bank.server.doctor.checks import Finding, guarded
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.known_models import available
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance.upkeep import COMPACT_AT
from strategy_bank.store.records import Episode, Recall, Strategy
from tests.support.scripted_endpoint import ScriptedEndpoint, fails, plausible

LESSON = {"title": "Listen", "description": "When it fits.", "content": "Do what it says.", "outcome": "success"}
Findings = dict[str, list[dict[str, str]]]
Doctor = Callable[..., Findings]


@pytest.fixture
def doctor(home: Path) -> Doctor:
    """Runs it on the bank at `home`; findings by what they are about."""

    def run(*words: str, code: int = 0, **changes: str) -> Findings:
        cleared = {name: None for name in os.environ if name.startswith("STRATEGY_BANK_")}
        env = cleared | {"STRATEGY_BANK_HOME": str(home)} | changes
        result = CliRunner().invoke(cli, ["doctor", "--json", *words], env=env)
        assert result.exit_code == code, result.output
        said = json.loads(result.stdout)
        assert said["ok"] == (code == 0)
        findings: Findings = {}
        for finding in said["findings"]:
            findings.setdefault(finding["about"], []).append(finding)
        return findings

    return run


def fill(home: Path, *records: Any) -> None:
    """One commit for each."""

    async def write() -> None:
        bank = await Bank.open(Location(home))
        embedded = await bank.embed([each for each in records if isinstance(each, Strategy)])
        async with bank.lock.hold():
            await bank.add_strategies(embedded)
            for record in records:
                if not isinstance(record, Strategy):
                    await bank.add(record)
        await bank.close()

    anyio.run(write)


def test_on_a_fresh_machine_everything_is_well(doctor: Doctor, home: Path) -> None:
    findings = doctor()
    assert {finding["status"] for found in findings.values() for finding in found} == {"ok"}
    assert "none yet" in findings["bank"][0]["found"]
    assert "sha256 as expected" in findings["model"][0]["found"]
    assert findings["judge"][0]["found"] == "the agent itself"
    assert "found again in a throw-away bank" in findings["write and recall"][0]["found"]
    assert {"python", "strategy-bank", "mcp", "lancedb", "fastembed", "openai"} < findings.keys()
    assert not (home / "bank.lance").exists()


def test_for_a_person_it_prints_one_line_for_each_finding_and_what_to_do(home: Path) -> None:
    fill(home, Episode(id="ep_1", scope="s", task="t", trajectory="x", steps=1, reason="the endpoint was down"))
    result = CliRunner().invoke(cli, ["doctor", "--home", str(home)], env={"STRATEGY_BANK_LLM_MODEL": None})
    assert result.exit_code == 0
    assert "warn pending          1 episodes: the endpoint was down\n" in result.stdout
    assert "→ `strategy-bank distill` has them judged." in result.stdout


def test_it_counts_what_is_in_the_bank_and_warns_of_what_waits_for_a_person(doctor: Doctor, home: Path) -> None:
    pending = Episode(id="ep_1", scope="s", task="t", trajectory="x", steps=1)
    quarantined = Strategy(id="st_2", status="quarantined", **LESSON)
    fill(home, Strategy(id="st_1", **LESSON), quarantined, pending)
    findings = doctor()
    assert findings["bank"][0]["found"] == "1 of 2 strategies active, 1 episodes, 0 runs; 1 wait for a person"
    assert findings["pending"][0]["found"] == "1 episodes: nobody has judged them yet"
    assert findings["recall"][0]["status"] == "ok"
    assert [findings[about][0]["status"] for about in ("bank", "pending", "pieces")] == ["warn", "warn", "ok"]


def test_it_warns_of_a_bank_in_many_pieces(doctor: Doctor, home: Path) -> None:
    fill(home, *(Recall(id=f"rc_{n}", scope="s", task="t") for n in range(COMPACT_AT * 2)))
    assert doctor()["pieces"][0]["status"] == "warn"


def test_it_warns_of_a_folder_that_others_can_read(doctor: Doctor, home: Path) -> None:
    home.chmod(0o755)
    assert doctor()["home"][0]["advice"] == f"chmod 700 '{home}'"


def test_it_warns_when_another_process_holds_the_lock(doctor: Doctor, home: Path) -> None:
    fill(home)
    with FileLock(Location(home).lock_file or ""):
        lock = doctor()["lock"][0]
    assert lock["status"] == "warn"
    assert "another process is writing" in lock["found"]


@pytest.mark.parametrize("damage", ["no tables", "garbage"])
def test_a_damaged_bank_is_a_finding_with_advice(doctor: Doctor, home: Path, damage: str) -> None:
    fill(home, Strategy(id="st_1", **LESSON))
    strategies = home / "bank.lance" / "strategies.lance" / "_versions"
    for file in strategies.iterdir():
        file.write_text("garbage") if damage == "garbage" else file.unlink()
    found = doctor(code=1)
    assert found["bank"][0]["status"] == "fail"
    assert "strategy-bank restore FILE" in found["bank"][0]["found"]
    assert found["write and recall"][0]["status"] == "ok"


def test_a_home_that_cannot_be_used_is_a_finding(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    findings = doctor("--home", str(tmp_path / "file" / "home"), code=1)
    assert findings["home"][0]["status"] == "fail"
    assert findings["model"][0]["status"] == "fail"
    assert "STRATEGY_BANK_HOME" in findings["home"][0]["found"]


def test_a_wrong_setting_is_a_finding_and_an_unknown_one_a_warning(doctor: Doctor) -> None:
    wrong = doctor(code=1, STRATEGY_BANK_LLM_TIMEOUT="soon")["settings"][0]
    assert "STRATEGY_BANK_LLM_TIMEOUT" in wrong["found"]
    unknown = doctor(STRATEGY_BANK_HOM="/tmp")["settings"][1]
    assert (unknown["status"], unknown["found"]) == ("warn", "STRATEGY_BANK_HOM is unknown and ignored")


def test_neither_the_key_nor_a_password_is_shown(doctor: Doctor) -> None:
    findings = doctor(
        STRATEGY_BANK_LLM_MODEL="some-model",
        STRATEGY_BANK_LLM_API_KEY="very-secret",
        STRATEGY_BANK_LLM_BASE_URL="http://user:also-secret@127.0.0.1:9/v1",
    )
    assert "secret" not in json.dumps(findings)
    assert "llm_api_key=(set)" in findings["settings"][0]["found"]
    assert "not asked now" in findings["judge"][0]["found"]


def test_the_endpoint_is_asked_only_when_told_to_and_what_it_says_is_a_finding(doctor: Doctor) -> None:
    with ScriptedEndpoint(plausible) as endpoint:
        settings = {"STRATEGY_BANK_LLM_MODEL": "m", "STRATEGY_BANK_LLM_BASE_URL": endpoint.base_url}
        doctor(**settings)
        assert endpoint.kinds == []
        assert "success" in doctor("--endpoint", **settings)["judge"][0]["found"]
        assert endpoint.kinds == ["judge"]
    with ScriptedEndpoint(lambda request: fails(401)) as endpoint:
        settings["STRATEGY_BANK_LLM_BASE_URL"] = endpoint.base_url
        assert "API key" in doctor("--endpoint", code=1, **settings)["judge"][0]["found"]


def test_asking_an_endpoint_that_is_not_configured_says_what_to_set(doctor: Doctor) -> None:
    assert "STRATEGY_BANK_LLM_MODEL" in doctor("--endpoint", code=1)["judge"][0]["advice"]


@pytest.mark.anyio
async def test_a_check_that_fails_in_an_unforeseen_way_is_a_finding_too() -> None:
    async def check(tell: Callable[[Finding], None]) -> None:
        tell(Finding("disk", "ok", "fine"))
        raise KeyError("surprise")

    found: list[Finding] = []
    await guarded("disk", found.append, check)
    assert [finding.status for finding in found] == ["ok", "fail"]
    assert "KeyError: 'surprise'" in found[1].found


def test_the_scope_in_force_is_named_with_a_bank_and_without_one(
    doctor: Doctor, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "shop")
    assert doctor()["scope"][0]["found"].startswith("shop, in this folder")
    fill(home, Episode(id="ep_1", scope="s", task="t", trajectory="x", steps=1))
    assert doctor()["scope"][0]["found"].startswith("shop, in this folder")
    assert doctor(STRATEGY_BANK_SCOPE="named")["scope"][0]["found"].startswith("named, in this folder")


def test_a_bank_whose_lessons_the_model_cannot_read_is_told_what_helps(doctor: Doctor, home: Path) -> None:
    german = json.loads((LANGUAGES / "de.json").read_text("utf-8"))["lessons"]
    fill(home, *(Strategy(id=f"st_{n:016x}", outcome="success", **lesson) for n, lesson in enumerate(german[:3])))
    fill(home, *(Strategy(id=f"st_e{n:015x}", **LESSON | {"title": f"Listen {n}"}) for n in range(2)))
    (finding,) = doctor()["languages"]
    assert finding["status"] == "warn"
    assert "2 of 5 active strategies" in finding["found"]
    (model,) = re.findall(r"models use (\S+?)`", finding["advice"])
    assert model in {known.name for known in available(home / "models")}
    fill(home, Strategy(id="st_e00000000000000f", **LESSON))
    assert doctor()["languages"][0]["status"] == "ok"


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_token_or_tables_that_are_open_to_the_wrong_ones_are_named(doctor: Doctor, home: Path) -> None:
    tables, token = home / "bank.lance", home / "http-token"
    tables.mkdir(mode=0o700)
    token.touch(0o600)
    assert not {"token", "tables"} & set(doctor())
    token.chmod(0o644)
    assert str(token) in doctor()["token"][0]["found"]
    home.chmod(0o2770)
    tables.chmod(0o2755)
    assert "the team cannot write" in doctor()["tables"][0]["found"]
    tables.chmod(0o2770)
    assert "tables" not in doctor()
    assert doctor()["home"][0]["status"] == "ok"
