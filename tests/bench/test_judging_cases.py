"""The cases of bench/judging: valid, decided by a quote that occurs, accepted by the real server; and the bench over them."""

from collections import Counter

import pytest
from mcp import Client

from bench.judging.cases import Case, load_cases
from bench.judging.verdicts import by_the_last_lines, main
from bench.support.figures import share, wilson
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import JudgeFailed
from strategy_bank.tools.judging.evidence import hold_to_evidence
from strategy_bank.tools.judging.judge_requests import REQUEST_CHARS
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.prompting import fence
from strategy_bank.tools.trajectory.normal_form import normalise, observed
from tests.support.samples import call
from tests.support.scripted_endpoint import Reply, Request, ScriptedEndpoint, fails, says

CASES = load_cases()


def named(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


def right_judgement(case: Case) -> dict[str, object]:
    return {"reason": case.why, "verdict": case.verdict, "evidence": [case.decided_by], "strategies": []}


def test_there_are_enough_cases_of_each_kind_and_both_verdicts() -> None:
    groups = Counter(case.group for case in CASES)
    kinds = Counter(case.kind for case in CASES)
    assert groups["looks like success, is failure"] >= 20
    assert groups["looks like failure, is success"] >= 18
    assert min(groups.values()) >= 5
    assert min(kinds.values()) >= 3
    assert 0.4 <= sum(case.verdict == "success" for case in CASES) / len(CASES) <= 0.6
    assert len({case.area for case in CASES}) >= 30
    assert len({case.task for case in CASES}) == len(CASES)


def test_what_is_called_plain_is_what_it_looks_like_and_nothing_else_is() -> None:
    assert [case.name for case in CASES if (case.kind == "plain") != (case.looks == case.verdict)] == []


@pytest.mark.parametrize("case", CASES, ids=named(CASES))
def test_a_case_has_a_realistic_size_and_its_quote_decides_out_of_the_record(case: Case) -> None:
    steps = normalise(case.trajectory).steps
    assert 5 <= steps <= 40 or (isinstance(case.trajectory, str) and steps == 1)
    assert len(case.record) <= REQUEST_CHARS
    assert QuoteFinder(case.record).holds(case.decided_by)
    assert not QuoteFinder(case.task).holds(case.decided_by)
    assert "[redacted" not in case.record


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_server_accepts_the_right_judgement_of_every_case(settings: Settings) -> None:
    async with Client(create_server(settings)) as client:
        for case in CASES:
            told = await call(
                client,
                "report_outcome",
                task=case.task,
                trajectory=case.trajectory,
                judgement=right_judgement(case),
            )
            assert (case.name, told["status"], told["verdict"]) == (case.name, "recorded", case.verdict)
            assert told["warnings"] == []


def test_what_the_agent_says_at_the_end_never_carries_a_success() -> None:
    deceptive = [case for case in CASES if case.looks == "success" and case.verdict == "failure"]
    claims = {case.name: case.record.splitlines()[-1] for case in deceptive if observed(case.record) is not None}
    assert len(claims) >= 20
    for case in deceptive:
        if case.name in claims:
            judgement = Judgement(reason=case.why, verdict="success", evidence=[claims[case.name]])
            with pytest.raises(JudgeFailed, match="only what the agent said itself"):
                hold_to_evidence(judgement, case.record)


def test_the_cases_are_hard_for_a_reader_of_the_last_lines() -> None:
    said = by_the_last_lines(CASES)
    assert sum(one.right for one in said) / len(said) < 0.4
    plain = [one.right for one in said if one.case.kind == "plain"]
    assert sum(plain) / len(plain) > 0.7


def case_of(request: Request) -> Case:
    (case,) = [case for case in CASES if fence("task", case.task) in request.data]
    return case


def environment_of(endpoint: ScriptedEndpoint) -> dict[str, str]:
    return {"STRATEGY_BANK_LLM_BASE_URL": endpoint.base_url, "STRATEGY_BANK_LLM_MODEL": "scripted"}


def test_the_bench_counts_what_an_endpoint_says(capsys: pytest.CaptureFixture[str]) -> None:
    """One false success, one false failure, one verdict without evidence, one endpoint error; all else is right."""
    wrong = {"staging_instead_of_production": "success", "noise_at_shutdown": "failure"}

    def answer(request: Request) -> Reply:
        case = case_of(request)
        assert case.record.splitlines()[-1] in request.data
        if case.name == "dry_run_only":
            return fails(401)
        said = {"reason": case.why, "verdict": wrong.get(case.name, case.verdict), "evidence": [case.decided_by]}
        return says(said | {"evidence": ["never said"]} if case.name == "index_added" else said)

    with ScriptedEndpoint(answer) as endpoint:
        assert main([], environment_of(endpoint)) == 0
        assert set(endpoint.kinds) == {"judge", "judge/repair"}
    baseline, _, judged = capsys.readouterr().out.partition("scripted, ")
    failures = sum(case.verdict == "failure" for case in CASES)
    successes, judged = len(CASES) - failures, " ".join(judged.split())
    assert baseline.startswith("The last lines")
    assert f"right {share(len(CASES) - 4, len(CASES))}" in judged
    assert f"false success, of the failures {share(1, failures)}" in judged
    assert f"false failure, of the successes {share(1, successes)}" in judged
    assert f"verdicts with evidence that held {len(CASES) - 2} of {len(CASES)}" in judged
    assert f"quotes what decides {share(len(CASES) - 2, len(CASES) - 2)}" in judged
    assert "wrong target 2 of 3" in judged
    assert "! noise_at_shutdown: said failure" in judged
    assert "! dry_run_only: scripted at 127.0.0.1" in judged
    assert "never said" in judged


def test_without_an_endpoint_the_bench_prints_the_baseline_and_says_what_to_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--limit", "5"], {}) == 2
    printed = capsys.readouterr()
    assert "The last lines, 5 cases" in printed.out
    assert "STRATEGY_BANK_LLM_MODEL" in printed.err


def test_the_bench_shows_what_an_agent_is_asked_about_a_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--agent-rubric", "old_binary_tested"], {}) == 0
    asked = capsys.readouterr().out
    assert "Judge your attempt" in asked
    assert "ninja: no work to do." in asked
    assert '"evidence"' in asked
    assert main(["--agent-rubric", "nothing_like_it"], {}) == 2
    assert "old_binary_tested" in capsys.readouterr().err


def test_the_interval_of_a_share_is_wilsons() -> None:
    """Against the values of the closed form worked out by hand for 8 of 10 and at the ends."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
