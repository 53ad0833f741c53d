"""recall_strategies: the few lessons that matter for a task, or none."""

import secrets
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from strategy_bank.store.records import Hit, Recall
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.prompting import plain_id, quoted, render, section
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.sharing.describe import ORIGINS

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.scopes.registry import Scope


class RecallResult(BaseModel):
    """The reply of recall_strategies. An empty list means that nothing fits, which is an answer too."""

    model_config = ConfigDict(frozen=True)

    recall_id: str
    scope: str
    strategies: list[Hit]
    guidance: str

    def as_text(self) -> str:
        """Return the guidance, then the strategies fenced as data."""
        head = f"{self.guidance}\nrecall_id: {self.recall_id}, scope: {folded(self.scope)}"
        return f"{head}\n{fence_strategies(self.strategies)}" if self.strategies else head


async def recall(bank: "Bank", task: str, limit: int, scope: "Scope") -> RecallResult:
    """Return the strategies of the scope and of `global` that fit the task, with guidance. Writes nothing before that."""
    recall_id, hits = await fitting(bank, task, limit, scope)
    guidance = render("recalled") if hits else render("nothing_recalled")
    return RecallResult(recall_id=recall_id, scope=scope.name, strategies=hits, guidance=guidance)


async def fitting(bank: "Bank", task: str, limit: int, scope: "Scope") -> tuple[str, list[Hit]]:
    """Return the id under which the recall is noted, and the strategies of the scope and of `global` that fit the task."""
    hits = await bank.search(task, scope.readable, limit)
    recall_id = f"rc_{secrets.token_hex(8)}"
    shown = [hit.id for hit in hits]
    bank.note_recall(Recall(id=recall_id, scope=scope.name, task=redact(task[:2000]).text, strategy_ids=shown))
    return recall_id, hits


def fence_strategies(hits: list[Hit]) -> str:
    """Return strategies as a section: a line of ours for each, and under it what an agent wrote.

    It names no tool, since that makes weak models call the tool again.
    """
    shown = {hit.id for hit in hits}
    return section(
        "strategies", "\n\n".join(_entry(hit, [id for id in hit.contradicts if id in shown]) for hit in hits)
    )


def _entry(hit: Hit, opposites: list[str]) -> str:
    used = f", used well {hit.helped} of {hit.helped + hit.hurt} times" if hit.helped + hit.hurt else ""
    ids = ", ".join(map(plain_id, opposites))
    against = f"\nAdvises the opposite of [{ids}]; weigh them by their outcomes." if opposites else ""
    lesson = quoted(f"{folded(hit.title)}\n{folded(hit.description)}\n{hit.content}")
    return f"[{plain_id(hit.id)}] from {ORIGINS[hit.outcome]}{used}{against}\n{lesson}"
