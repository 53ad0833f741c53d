"""The endpoint judge: a model behind an OpenAI-compatible endpoint gives a verdict, then writes strategies.

    judge    judge.md (T=0) ─▶ verdict ─▶ extract_success.md or extract_failure.md (T=1) ─▶ Judgement
    compare  contrast.md (T=0.7), best_of_n.md (T=0) ─▶ Comparison

The temperatures are those of ReasoningBank (arXiv 2509.25140). Every reply is validated and held to the rules. A wrong one is
sent back once, with what is wrong; if that does not help, JudgeFailed is raised, and no verdict is made up.
"""

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Trust, Verdict, wording
from strategy_bank.tools.judging.evidence import Evidence
from strategy_bank.tools.judging.judge_replies import (
    BestReply,
    ContrastReply,
    LessonsReply,
    Reply,
    SameReply,
    VerdictReply,
    read_reply,
)
from strategy_bank.tools.judging.judgement import AttemptView, Comparison, Judgement, StrategyDraft
from strategy_bank.tools.judging.openai_client import Endpoint, EndpointSettings, Message, excerpt
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.trajectory.condense import condense

WithStrategies = TypeVar("WithStrategies", bound=LessonsReply)


class EndpointJudge:
    """Judges through one endpoint; each method raises JudgeFailed, with what to check. Close it with `aclose`."""

    def __init__(self, settings: EndpointSettings, trust: Trust = "flagged") -> None:
        self.name = f"endpoint:{settings.model}"
        self.trust: Trust = trust
        self._settings = settings
        self._endpoint = Endpoint(settings)

    async def judge(self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True) -> Judgement:
        """Return the judge's own verdict, with quotes that occur, and strategies for `outcome` where the world decided."""
        shown = condense(trajectory, self._settings.trajectory_chars)
        sections = {"task": fence("task", task), "trajectory": fence("trajectory", shown)}
        evidence, decided = Evidence(trajectory), outcome is not None
        reply = await self._ask(
            render("judge", **sections), VerdictReply, 0.0, lambda reply: _unfounded(reply, evidence, decided)
        )
        judgement = Judgement(
            reason=reply.reason, verdict=reply.verdict, evidence=evidence.look_up(reply.evidence).held
        )
        if not distill:
            return judgement
        counts = outcome or reply.verdict
        prompt = render(f"extract_{counts}", **sections, reason=fence("reason", _reason(reply, counts)))
        lessons = await self._learn(prompt, LessonsReply, 1.0, f"{task}\n{trajectory}")
        return judgement.model_copy(update={"strategies": _drafts(lessons)})

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> Comparison:
        """Return the contrast over all attempts, and which of them was best. Raises InvalidInput where there are none."""
        if not attempts:
            raise InvalidInput("There is no attempt to compare; report one first")
        numbers = sorted(view.attempt for view in attempts)
        share = self._settings.trajectory_chars // len(attempts)
        views = "\n\n".join(_section(view, share) for view in attempts)
        sections = {"task": fence("task", task), "attempts": views}
        seen = "\n".join([task, *(view.trajectory for view in attempts)])
        contrast = await self._learn(render("contrast", **sections), ContrastReply, 0.7, seen)
        best = await self._ask(
            render("best_of_n", **sections), BestReply, 0.0, lambda reply: _out_of_range(reply, numbers)
        )
        analysis = f"{contrast.analysis}\n\nBest is attempt {best.best_attempt}: {best.analysis}"[:2000]
        return Comparison(analysis=analysis, best_attempt=best.best_attempt, strategies=_drafts(contrast))

    async def same(self, one: str, other: str) -> bool:
        """Return whether two strategies say the same, so that keeping one of them loses nothing."""
        prompt = render("same_lesson", one=fence("lesson_one", one), other=fence("lesson_two", other))
        return (await self._ask(prompt, SameReply, 0.0, lambda reply: [])).same

    async def aclose(self) -> None:
        await self._endpoint.aclose()

    async def _learn(self, prompt: str, form: type[WithStrategies], temperature: float, seen: str) -> WithStrategies:
        """Ask for strategies, and once more for general ones if they hold literals. Those left then are no error here."""
        return await self._ask(prompt, form, temperature, lambda reply: _literal(reply, seen), insist=False)

    async def _ask(
        self,
        prompt: str,
        form: type[Reply],
        temperature: float,
        problems_of: Callable[[Reply], list[str]],
        *,
        insist: bool = True,
    ) -> Reply:
        """Return a valid reply without problems, corrected once if need be. Without `insist`, any valid reply will do."""
        talk, valid, problems = _opening(prompt), None, list[str]()
        for _ in range(2):
            text = await self._endpoint.complete(talk, form, temperature)
            reply, problems = read_reply(text, form, problems_of)
            if reply is not None and not problems:
                return reply
            valid = reply or valid
            repair = render("repair", problems=fence("problems", "\n".join(f"- {each}" for each in problems)))
            talk = [*talk, {"role": "assistant", "content": text}, {"role": "user", "content": repair}]
        if insist or valid is None:
            why = excerpt("; ".join(problems))
            raise JudgeFailed(f"{self._settings.model} gave no usable answer in two tries: {why}")
        return valid


def _drafts(reply: LessonsReply) -> list[StrategyDraft]:
    """Return new lessons: an endpoint is shown none that it could amend."""
    return [StrategyDraft.model_validate(each.model_dump()) for each in reply.strategies]


def _unfounded(reply: VerdictReply, evidence: Evidence, decided: bool) -> list[str]:
    quotes = evidence.look_up(reply.evidence)
    return [f"evidence: {problem}" for problem in evidence.problems(reply.verdict, quotes, decided=decided)]


def _literal(reply: LessonsReply, seen: str) -> list[str]:
    return [
        f"strategies.{number}: {json.dumps(literal, ensure_ascii=False)} belongs to this episode alone; say it in general words"
        for number, item in enumerate(reply.strategies)
        for literal in find_literals(wording(item.title, item.description, item.content), seen)
        if item.holds == "generally"
    ]


def _out_of_range(reply: BestReply, numbers: list[int]) -> list[str]:
    return [] if reply.best_attempt in numbers else [f"best_attempt: it must be one of {numbers}"]


def _reason(reply: VerdictReply, counts: Verdict) -> str:
    if reply.verdict == counts:
        return reply.reason
    return f"The tests or the user decided: {counts}. A judge had taken it for a {reply.verdict}: {reply.reason}"


def _section(view: AttemptView, limit: int) -> str:
    verdict = f"judged a {view.verdict}" if view.verdict else "not judged"
    shown = fence("attempt", condense(view.trajectory, limit), view.attempt)
    return f"Attempt {view.attempt}, {verdict}:\n{shown}"


def _opening(prompt: str) -> list[Message]:
    """Split a prompt at its first rule (---): the orders stand above it, the data below."""
    orders, _, data = prompt.partition("\n---\n")
    return [{"role": "system", "content": orders.strip()}, {"role": "user", "content": data.strip()}]
