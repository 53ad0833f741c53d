"""The endpoint judge: a model behind an OpenAI-compatible endpoint gives a verdict, then writes strategies.

    judge    judge.md (T=0) ─▶ verdict ─▶ extract_success.md or extract_failure.md (T=1) ─▶ Judgement
    compare  contrast.md (T=0.7), best_of_n.md (T=0) ─▶ Comparison

Temperatures as in ReasoningBank (arXiv 2509.25140). Every reply is validated and held to the rules; a wrong
one is sent back once, with what is wrong. If that does not help, JudgeFailed: a verdict is never made up.
"""

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, Field, ValidationError

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Verdict, wording
from strategy_bank.tools.judging.evidence import Evidence
from strategy_bank.tools.judging.models import AttemptView, Comparison, Judgement, Passage, Quote, StrategyDraft
from strategy_bank.tools.judging.openai_client import Endpoint, EndpointSettings, Message, shorten
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.trajectory.condense import condense


class VerdictReply(BaseModel):
    reason: Passage = Field(description="What decides it, compared with what was asked")
    verdict: Verdict = Field(description="When unsure: failure")
    evidence: list[Quote] = Field(min_length=1, max_length=5, description="1-5 verbatim quotes out of the trajectory")


class LessonsReply(BaseModel):
    analysis: Passage = Field(description="Why it ended as it did")
    strategies: list[StrategyDraft] = Field(max_length=3, description="At most 3 general lessons; none is fine")


class ContrastReply(LessonsReply):
    strategies: list[StrategyDraft] = Field(max_length=5, description="At most 5 general lessons; none is fine")


class SameReply(BaseModel):
    reason: Passage = Field(description="What would be lost if only one of them were kept")
    same: bool = Field(description="When unsure: false")


class BestReply(BaseModel):
    analysis: Passage = Field(description="Strong and weak points that decide it")
    best_attempt: int = Field(description="Number of the best attempt")


Reply = TypeVar("Reply", bound=BaseModel)
Lessons = TypeVar("Lessons", bound=LessonsReply)


class EndpointJudge:
    """Judges trajectories and compares attempts through one endpoint. Close it with `aclose`."""

    def __init__(self, settings: EndpointSettings) -> None:
        self.name = f"endpoint:{settings.model}"
        self._settings = settings
        self._endpoint = Endpoint(settings)

    async def judge(self, task: str, trajectory: str, outcome: Verdict | None, *, distill: bool = True) -> Judgement:
        """The judge's own verdict, with quotes that occur; strategies for `outcome` where the world decided.

        Raises:
            JudgeFailed: no usable answer, with what to check.
        """
        shown = condense(trajectory, self._settings.trajectory_chars)
        sections = {"task": fence("task", task), "trajectory": fence("trajectory", shown)}
        evidence, decided = Evidence(trajectory), outcome is not None
        reply = await self._ask(
            render("judge", **sections), VerdictReply, 0.0, lambda reply: _unfounded(reply, evidence, decided)
        )
        judgement = Judgement(reason=reply.reason, verdict=reply.verdict, evidence=evidence.held(reply.evidence))
        if not distill:
            return judgement
        counts = outcome or reply.verdict
        prompt = render(f"extract_{counts}", **sections, reason=fence("reason", _reason(reply, counts)))
        lessons = await self._learn(prompt, LessonsReply, 1.0, f"{task}\n{trajectory}")
        return judgement.model_copy(update={"strategies": lessons.strategies})

    async def compare(self, task: str, attempts: Sequence[AttemptView]) -> Comparison:
        """The self-contrast over all attempts, and which of them was best.

        Raises:
            InvalidInput: there are no attempts.
            JudgeFailed: no usable answer, with what to check.
        """
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
        return Comparison(analysis=analysis, best_attempt=best.best_attempt, strategies=contrast.strategies)

    async def same(self, one: str, other: str) -> bool:
        """Whether two lessons say the same, so that keeping one of them loses nothing. Raises JudgeFailed."""
        prompt = render("same_lesson", one=fence("lesson_one", one), other=fence("lesson_two", other))
        return (await self._ask(prompt, SameReply, 0.0, lambda reply: [])).same

    async def aclose(self) -> None:
        await self._endpoint.aclose()

    async def _learn(self, prompt: str, form: type[Lessons], temperature: float, seen: str) -> Lessons:
        """Lessons, asked once to be more general; the caller flags what is literal even then."""
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
        """A valid reply without problems, corrected once if need be; without `insist` a valid one will do."""
        talk, valid, problems = _opening(prompt), None, list[str]()
        for _ in range(2):
            text = await self._endpoint.complete(talk, form, temperature)
            reply, problems = _read(text, form, problems_of)
            if reply is not None and not problems:
                return reply
            valid = reply or valid
            repair = render("repair", problems=fence("problems", "\n".join(f"- {each}" for each in problems)))
            talk = [*talk, _message("assistant", text), _message("user", repair)]
        if insist or valid is None:
            why = shorten("; ".join(problems))
            raise JudgeFailed(f"{self._settings.model} gave no usable answer in two tries: {why}")
        return valid


def json_part(text: str) -> str:
    """The JSON object in a model's reply, without thoughts, code fences and words around it."""
    if not text.lstrip().startswith(("{", "```")):
        text = text.partition("</think>")[2] or text
    return text[text.find("{") : text.rfind("}") + 1]


def problems_in(error: ValidationError) -> list[str]:
    """What is wrong where, without the input."""
    return [f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in error.errors()]


def _read(text: str, form: type[Reply], problems_of: Callable[[Reply], list[str]]) -> tuple[Reply | None, list[str]]:
    try:
        reply = form.model_validate_json(json_part(text))
    except ValidationError as exc:
        return None, problems_in(exc)
    return reply, problems_of(reply)


def _unfounded(reply: VerdictReply, evidence: Evidence, decided: bool) -> list[str]:
    return [f"evidence: {problem}" for problem in evidence.problems(reply.verdict, reply.evidence, decided=decided)]


def _literal(reply: LessonsReply, seen: str) -> list[str]:
    return [
        f"strategies.{number}: {_quoted(literal)} belongs to this episode alone; say it in general words"
        for number, item in enumerate(reply.strategies)
        for literal in find_literals(wording(item.title, item.description, item.content), seen)
    ]


def _out_of_range(reply: BestReply, numbers: list[int]) -> list[str]:
    return [] if reply.best_attempt in numbers else [f"best_attempt: it must be one of {numbers}"]


def _reason(reply: VerdictReply, counts: Verdict) -> str:
    if reply.verdict == counts:
        return reply.reason
    return f"The tests or the user decided: {counts}. A judge had taken it for a {reply.verdict}: {reply.reason}"


def _section(view: AttemptView, limit: int) -> str:
    verdict = f"judged a {view.verdict}" if view.verdict else "not judged"
    shown = fence(f"attempt_{view.attempt}", condense(view.trajectory, limit))
    return f"Attempt {view.attempt}, {verdict}:\n{shown}"


def _opening(prompt: str) -> list[Message]:
    """What stands above a prompt's first rule (---) are the orders, below it the data."""
    orders, _, data = prompt.partition("\n---\n")
    return [_message("system", orders.strip()), _message("user", data.strip())]


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
