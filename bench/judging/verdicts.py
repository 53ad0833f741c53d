"""How well a judge sees through ends that mislead: the configured endpoint over all cases of `judging/`.

    STRATEGY_BANK_LLM_MODEL=… STRATEGY_BANK_LLM_BASE_URL=… STRATEGY_BANK_LLM_API_KEY=… python -m bench.judging.verdicts
    python -m bench.judging.verdicts --agent-rubric NAME     what a connected agent is asked about one case; needs no endpoint

The endpoint is asked through the project's own judge, so with the prompts of daily use, and without being told the outcome.
Beside it stands what a reader of the last lines would say. Exit code 2 when no endpoint is configured.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import anyio

from bench.judging.cases import Case, Verdict, load_cases, verdict_of_the_last_lines
from bench.support.figures import share
from strategy_bank.server.judges import with_endpoint
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judge_requests import judgement_request
from strategy_bank.tools.judging.quotes import QuoteFinder

AT_ONCE = 4
K = TypeVar("K")


@dataclass(frozen=True)
class Said:
    """What was said of a case: a verdict, or None with the reason why there is none."""

    case: Case
    verdict: Verdict | None
    evidence: Sequence[str] = ()
    problem: str = ""

    @property
    def right(self) -> bool:
        return self.verdict == self.case.verdict

    @property
    def names_what_decides(self) -> bool:
        decided_by = self.case.decided_by
        return any(
            QuoteFinder(decided_by).holds(quote) or QuoteFinder(quote).holds(decided_by) for quote in self.evidence
        )


async def judge_all(settings: Settings, cases: Sequence[Case]) -> list[Said]:
    """Ask the endpoint of the settings about each case. Raises InvalidInput when there is none."""
    return await with_endpoint(settings, lambda judge: _ask_all(judge, cases))


async def _ask_all(judge: Judge, cases: Sequence[Case]) -> list[Said]:
    said: dict[str, Said] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def ask(case: Case) -> None:
        async with limit:
            said[case.name] = await _ask(judge, case)

    async with anyio.create_task_group() as tasks:
        for case in cases:
            tasks.start_soon(ask, case)
    return [said[case.name] for case in cases]


async def _ask(judge: Judge, case: Case) -> Said:
    try:
        judgement = await judge.judge(case.task, case.record, None, distill=False)
    except JudgeFailed as exc:
        return Said(case, None, problem=str(exc))
    assert judgement is not None
    return Said(case, judgement.verdict, judgement.evidence)


def by_the_last_lines(cases: Sequence[Case]) -> list[Said]:
    return [Said(case, verdict_of_the_last_lines(case.record)) for case in cases]


def show(name: str, said: Sequence[Said]) -> None:
    """Accuracy, both kinds of errors, and accuracy by group and by kind, as a table."""
    failures = [one for one in said if one.case.verdict == "failure"]
    successes = [one for one in said if one.case.verdict == "success"]
    print(f"{name}, {len(said)} cases")
    _row("right", said, lambda one: one.right)
    _row("false success, of the failures", failures, lambda one: one.verdict == "success")
    _row("false failure, of the successes", successes, lambda one: one.verdict == "failure")
    for group, ones in sorted(_grouped(said, lambda one: one.case.group).items()):
        _row(f"right where it {group}", ones, lambda one: one.right)
    for kind, ones in sorted(_grouped(said, lambda one: one.case.kind).items()):
        print(f"    {kind:32}{sum(one.right for one in ones)} of {len(ones)}")


def show_evidence(said: Sequence[Said]) -> None:
    judged = [one for one in said if one.verdict]
    print(f"  verdicts with evidence that held  {len(judged)} of {len(said)}")
    print(f"  quotes that held                  {sum(len(one.evidence) for one in judged)}")
    _row("quotes what decides", judged, lambda one: one.names_what_decides)
    for one in said:
        if not one.right:
            why = one.problem or f"said {one.verdict}: {one.case.why}"
            print(f"  ! {one.case.name}: {why}")


def _row(name: str, said: Sequence[Said], counts: Callable[[Said], bool]) -> None:
    print(f"  {name:48}{share(sum(map(counts, said)), len(said))}")


def _grouped(said: Iterable[Said], key: Callable[[Said], K]) -> dict[K, list[Said]]:
    groups: dict[K, list[Said]] = {}
    for one in said:
        groups.setdefault(key(one), []).append(one)
    return groups


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="only so many cases (default: all)")
    parser.add_argument("--agent-rubric", metavar="NAME", help="print what an agent is asked about this case")
    options = parser.parse_args(arguments)
    cases = load_cases()
    if options.agent_rubric:
        return _show_request(cases, options.agent_rubric)
    cases = cases[: options.limit]
    show("The last lines", by_the_last_lines(cases))
    settings = Settings.read(os.environ if environment is None else environment)
    try:
        said = anyio.run(judge_all, settings, cases)
    except InvalidInput as exc:
        print(exc, file=sys.stderr)
        return 2
    show(settings.llm_model, said)
    show_evidence(said)
    return 0


def _show_request(cases: Sequence[Case], name: str) -> int:
    case = next((case for case in cases if case.name == name), None)
    if case is None:
        print(f"There is no case {name!r}; these are: {', '.join(case.name for case in cases)}", file=sys.stderr)
        return 2
    request = judgement_request(case.task, None, case.record)
    print(
        f"{request['rubric']}\n\nAnswer with one JSON object of this schema and nothing else:\n{json.dumps(request['schema'])}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
