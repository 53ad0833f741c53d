"""recall_strategies: the few lessons that matter for a task, and a menu of those that may, or none.

An embedding model tells among a project's lessons which eight may fit, not which three do; the agent can tell. So it gets in
full what surely fits, one line for each of the others, and opens those that it wants.
"""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import RECALLED_TASK_CHARS, SURE, Hit, LessonOutcome, Menu, Recall, Strategy
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.named_ids import known_strategies
from strategy_bank.tools.prompting import plain_id, quoted, render, section
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.sharing.describe import ORIGINS

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.scopes.registry import Scope


MENU_CHARS = 1_700  # of both lists: about 420 tokens, what three strategies in full come to
_MOST = 10  # strategies that a recall looks for
SURE_WHEN_STUCK = 0.6  # the least chance that a strategy fits for which work is interrupted
_TASK_CHARS = 200  # of the task beside the state of somebody who is stuck
_LINE_CHARS = 120  # of a description in a line
_ID_CHARS = 30  # of the id, the record and the marks beside a strategy's words
_FRAME_CHARS, CHARS_A_TOKEN = 450, 4  # of the guidance and the ids around the lists; of English text


class OtherStrategy(BaseModel):
    """A strategy that may fit, as a line: what is needed to decide whether to open it."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    description: str
    outcome: LessonOutcome
    helped: int
    hurt: int
    caution: SkipJsonSchema[str] = Field("", exclude_if=lambda why: not why)


class RecallResult(BaseModel):
    """The reply of recall_strategies. Two empty lists mean that nothing fits, or what `guidance` says."""

    model_config = ConfigDict(frozen=True)

    recall_id: str
    scope: str
    strategies: list[Hit]
    others: list[OtherStrategy]
    guidance: str

    def as_text(self) -> str:
        """Return the guidance, then the strategies fenced as data."""
        under = f"recall_id: {self.recall_id}, " if self.recall_id else ""
        head = f"{self.guidance}\n{under}scope: {folded(self.scope)}"
        return "\n".join([head, *fences(self.strategies, self.others)])


async def recall(bank: "Bank", task: str, limit: int, scope: "Scope", hold_out: int = 0) -> RecallResult:
    """Return the strategies of the scope and of `global` that fit the task, with guidance. Writes nothing before that."""
    recall_id, menu = await fitting(bank, task, limit, scope, hold_out)
    return await reply(bank, recall_id, task, scope, menu)


async def reply(bank: "Bank", recall_id: str, task: str, scope: "Scope", menu: Menu) -> RecallResult:
    """Return what an agent gets that asked for the task and for which this was found."""
    others = [OtherStrategy.model_validate(hit.model_dump()) for hit in menu.others]
    unread = not (menu.full or others) and await is_unread(bank, task, scope)
    guidance = render("ask_in_english") if unread else guidance_for(menu.full, others)
    return RecallResult(recall_id=recall_id, scope=scope.name, strategies=menu.full, others=others, guidance=guidance)


async def recall_when_stuck(bank: "Bank", task: str, stuck_on: str, limit: int, scope: "Scope") -> RecallResult:
    """Return what surely fits the state of a task: its last error and what is tried. Others are not listed.

    What was shown for the task already is left out; without a task, it is that of the newest recall of the scope. Somebody in
    the middle of work is best left alone, unless there is something new to say.
    """
    noted = _told(task) or bank.recalls.newest_task(scope.name)
    shown = bank.recalls.shown(scope.name, noted)
    sought = sought_when_stuck(task or noted, stuck_on)
    menu = await bank.menu(sought, scope.readable, min(_MOST, limit + len(shown)))
    new = [hit for hit in menu.full if hit.id not in shown and hit.relevance >= SURE_WHEN_STUCK][:limit]
    if not new:
        return nothing_when_stuck(scope)
    return reply_when_stuck(_noted(bank, noted, scope, Menu(new, []), stuck=1), scope, new)


def sought_when_stuck(task: str, stuck_on: str) -> str:
    """Return what is looked for when somebody is stuck in a task."""
    return f"{stuck_on}\n{task[:_TASK_CHARS]}".strip()


def reply_when_stuck(recall_id: str, scope: "Scope", full: list[Hit]) -> RecallResult:
    """Return the reply to somebody who is stuck."""
    guidance = render("recalled_when_stuck")
    return RecallResult(recall_id=recall_id, scope=scope.name, strategies=full, others=[], guidance=guidance)


def nothing_when_stuck(scope: "Scope") -> RecallResult:
    """Return the reply to somebody who is stuck and for whom there is nothing. It is noted nowhere."""
    return RecallResult(recall_id="", scope=scope.name, strategies=[], others=[], guidance=render("nothing_when_stuck"))


def guidance_for(full: Sequence[Hit], others: Sequence[OtherStrategy]) -> str:
    """Return what an agent is told about the strategies that it gets."""
    return render(_GUIDANCE[bool(full), bool(others)])


_GUIDANCE = {
    (True, False): "recalled",
    (True, True): "recalled_with_others",
    (False, True): "others_recalled",
    (False, False): "nothing_recalled",
}
"""By whether there are strategies in full, and others."""


async def open_strategies(bank: "Bank", named: Sequence[str], scope: "Scope") -> RecallResult:
    """Return strategies in full that a recall listed, and note with it that they were opened. Runs no model.

    The reply has the id of that recall where this process knows it, so that there are not two for one task.
    Raises InvalidInput where none of them can be recalled in this scope.
    """
    ids, warnings = await known_strategies(bank, "ids", named, scope.readable)
    there = {each.id: each for each in await bank.all(Strategy, id=ids, status="active")} if ids else {}
    if not there:
        raise InvalidInput(
            "None of these ids can be opened: give ids as a recall listed them, st_ and 16 of 0-9 and a-f."
        )
    opened = [Hit.model_validate({"relevance": 1.0, **dict(there[id])}) for id in ids if id in there]
    recall_id = bank.recalls.note_opened(scope.name, list(there))
    if not recall_id:  # another process has listed them, and the agent has its id
        _noted(bank, "", scope, Menu(opened, []), opened_ids=list(there), sure_ids=[])
    guidance = " ".join([render("opened"), *warnings])
    return RecallResult(recall_id=recall_id, scope=scope.name, strategies=opened, others=[], guidance=guidance)


async def is_unread(bank: "Bank", task: str, scope: "Scope") -> bool:
    """Tell whether nothing was looked for because the model cannot read the task, though there are strategies to find."""
    return not await bank.can_read(task) and await bank.count(Strategy, status="active", scope=scope.readable) > 0


async def fitting(
    bank: "Bank", task: str, limit: int, scope: "Scope", hold_out: int = 0, *, least: float = 0.0
) -> tuple[str, Menu]:
    """Return the id under which the recall is noted, and the strategies of the scope and of `global` that fit the task.

    `least` is the chance of fitting from which one is listed by title. With `hold_out` = n, one recall in n goes without one
    strategy that fits, so that what comes of such tasks can be compared.
    """
    found = await bank.menu(task, scope.readable, limit)
    menu = short(Menu(found.full, [hit for hit in found.others if hit.relevance >= least]))
    if not (hold_out and menu.full and secrets.randbelow(hold_out) == 0):
        return _noted(bank, task, scope, menu), menu
    held = secrets.choice(menu.full)
    left = Menu([hit for hit in menu.full if hit is not held], menu.others)
    return _noted(bank, task, scope, left, held_out_ids=[held.id]), left


def short(menu: Menu) -> Menu:
    """Leave out the others that would make the reply longer than strategies in full made it.

    A third is theirs however long those in full are, and a long one makes room for the next: whoever teaches long lessons would
    keep others' from being listed.
    """
    room, others = max(MENU_CHARS - sum(map(_chars, menu.full)), MENU_CHARS // 3), list[Hit]()
    for hit in menu.others:
        if (chars := _chars_as_line(hit)) <= room:
            room -= chars
            others.append(hit)
    return Menu(menu.full, others)


def _chars(hit: Hit) -> int:
    """Return about how many characters a strategy has in a reply, without rendering it: every recall counts them."""
    return _ID_CHARS + len(hit.title) + len(hit.description) + len(hit.content)


def _chars_as_line(hit: Hit) -> int:
    return _ID_CHARS + len(hit.title) + min(len(hit.description), _LINE_CHARS)


def _told(task: str) -> str:
    """Return a task as a recall keeps it."""
    return redact(task[:RECALLED_TASK_CHARS]).text


def _noted(bank: "Bank", task: str, scope: "Scope", menu: Menu, **more: list[str] | int) -> str:
    full, listed = ([hit.id for hit in hits] for hits in menu)
    shown = sum(map(_chars, menu.full)) + sum(map(_chars_as_line, menu.others))
    note = Recall(
        id=f"rc_{secrets.token_hex(8)}",
        scope=scope.name,
        task=_told(task),
        strategy_ids=full,
        listed_ids=listed,
        sure_ids=[hit.id for hit in menu.full if hit.relevance >= SURE],
        tokens=(shown + _FRAME_CHARS) // CHARS_A_TOKEN,
    )
    bank.recalls.note(note.model_copy(update=more))
    return note.id


def fences(full: Sequence[Hit], others: Sequence[OtherStrategy]) -> list[str]:
    """Return a section for the strategies in full and one for the others, each where there are any."""
    return [*([fence_strategies(full)] if full else []), *([fence_others(others)] if others else [])]


def fence_strategies(hits: Sequence[Hit]) -> str:
    """Return strategies as a section: a line of ours for each, and under it what an agent wrote.

    It names no tool, since that makes weak models call the tool again.
    """
    shown = {hit.id for hit in hits}
    return section(
        "strategies", "\n\n".join(_entry(hit, [id for id in hit.contradicts if id in shown]) for hit in hits)
    )


def fence_others(others: Sequence[OtherStrategy]) -> str:
    """Return strategies by title, two lines each: one of ours, and under it what an agent wrote."""
    return section("others", "\n".join(map(_line, others)))


def _line(hit: Hit | OtherStrategy) -> str:
    when = folded(hit.description)
    short = when if len(when) <= _LINE_CHARS else f"{when[:_LINE_CHARS].rstrip()}…"
    caution = ", with a caution" if hit.caution else ""
    return f"[{plain_id(hit.id)}]{_record(hit)}{caution}\n{quoted(f'{folded(hit.title)}: {short}')}"


def _record(hit: Hit | OtherStrategy) -> str:
    return f", used well {hit.helped} of {hit.helped + hit.hurt} times" if hit.helped + hit.hurt else ""


def _entry(hit: Hit, opposites: list[str]) -> str:
    ids = ", ".join(map(plain_id, opposites))
    caution = f"\nCaution: {folded(hit.caution)}. Check it before you follow it." if hit.caution else ""
    against = f"\nAdvises the opposite of [{ids}]; weigh them by their outcomes." if opposites else ""
    lesson = quoted(f"{folded(hit.title)}\n{folded(hit.description)}\n{hit.content}")
    return f"[{plain_id(hit.id)}] from {ORIGINS[hit.outcome]}{_record(hit)}{caution}{against}\n{lesson}{_proposed(hit)}"


def _proposed(hit: Hit) -> str:
    """Return the newest correction that waits under a lesson; empty without one."""
    seen = [each for each in hit.proposals if not each.waits]
    if not seen:
        return ""
    words = seen[-1]
    correction = quoted(f"{folded(words.title)}\n{folded(words.description)}\n{words.content}")
    return f"\nProposed correction of it, not yet confirmed by another task:\n{correction}"
