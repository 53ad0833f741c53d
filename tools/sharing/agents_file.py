"""Writes a scope's best strategies for agents without this server: a section of AGENTS.md, a SKILL.md, plain Markdown.

Strategies were written by agents that read untrusted pages. Each becomes one list item in one line, with what we know of it
right after its bold title, and nothing in it can end the item or mean anything to a reader of Markdown or HTML. What reads as
orders is left out, whatever its status says, because no fence stands around it here.
"""

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import GLOBAL_SCOPE, OwnAndGiven, Strategy
from strategy_bank.store.retrieval.ranking import utility
from strategy_bank.tools.prompting import render
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.sharing.describe import ORIGINS

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

# Lines of their own around the section that is replaced in place.
BEGIN, END = "<!-- strategy-bank: begin -->", "<!-- strategy-bank: end -->"
WRITTEN = "<!-- Written by strategy-bank; changes here are lost when it is written again. -->"
NONE_YET = "None yet."
_BATCH = 64
_NAME_CHARS, _DESCRIPTION_CHARS = 64, 1024  # of a skill, as the Agent Skills specification limits them
# What Markdown may read as emphasis, code, a link, a table or a heading; `snake_case` stays readable.
_SPECIAL = re.compile(r"[\\`*\[\]|~#$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=\bwww)\.|@(?=\w)", re.IGNORECASE)


async def best(bank: "Bank", scopes: Sequence[str] | OwnAndGiven, limit: int) -> tuple[list[Strategy], list[str]]:
    """Return the active strategies of the scopes that are worth most, best first, and the ids of those that read as orders.

    Those that need a caution are left out.
    """
    columns = ["title", "support", "helped", "hurt", "caution"]
    rows = [row for row in await bank.cells(Strategy, columns, status="active", scope=scopes) if not row["caution"]]
    rows.sort(key=_order)
    chosen: list[Strategy] = []
    commanding: list[str] = []
    for start in range(0, len(rows), _BATCH):
        ids = [row["id"] for row in rows[start : start + _BATCH]]
        found = {strategy.id: strategy for strategy in await bank.all(Strategy, id=ids, status="active")}
        for strategy in (found[id] for id in ids if id in found):
            if len(chosen) == limit:
                return chosen, commanding
            if read_as_orders(strategy.wording):
                commanding.append(strategy.id)
            else:
                chosen.append(strategy)
    return chosen, commanding


def worth(support: int, helped: int, hurt: int) -> float:
    """Return the smoothed share of uses that went well, times the logarithm of the support; at least 0."""
    return utility(helped, hurt) * math.log2(1 + support)


def _order(row: Mapping[str, Any]) -> tuple[float, str, str]:
    return -worth(row["support"], row["helped"], row["hurt"]), row["title"], row["id"]


def markdown(strategies: Sequence[Strategy], scopes: Sequence[str]) -> str:
    return f"{WRITTEN}\n\n{_listed(strategies, scopes)}\n"


def skill(strategies: Sequence[Strategy], scopes: Sequence[str], folder: str = "") -> str:
    """Return a SKILL.md. Its name has to match that of the `folder` it is for, where that is a name for skills."""
    name = folder if _is_skill_name(folder) else _skill_name(scopes)
    header = f"---\nname: {name}\ndescription: {json.dumps(_about(strategies, scopes), ensure_ascii=False)}\n---\n"
    return f"{header}\n{markdown(strategies, scopes)}"


def section(strategies: Sequence[Strategy], scopes: Sequence[str], around: str) -> str:
    """Return the text `around` with the section between the markers replaced, or added at the end.

    Everything outside stays as it is. Raises InvalidInput where the markers are not one pair.
    """
    newline = "\r\n" if "\r\n" in around else "\n"
    ours = f"{BEGIN}\n{_listed(strategies, scopes)}\n{END}".replace("\n", newline)
    begins, ends = ([*re.finditer(rf"^[ \t]*{mark}[ \t]*\r?$", around, re.MULTILINE)] for mark in (BEGIN, END))
    if not begins and not ends:
        return around + _gap(around, newline) + ours + newline
    if len(begins) != 1 or len(ends) != 1 or begins[0].start() > ends[0].start():
        lines = sorted(around.count("\n", 0, mark.start()) + 1 for mark in [*begins, *ends])
        where = ", ".join(map(str, lines))
        raise InvalidInput(
            f"The markers of strategy-bank (line {where}) are not one pair, begin before end. Fix them and try again."
        )
    tail = around[ends[0].end() - ends[0][0].endswith("\r") :]
    return around[: begins[0].start()] + ours + tail


def _gap(around: str, newline: str) -> str:
    """Return what the text lacks to end in an empty line."""
    if not around or around.endswith(newline * 2):
        return ""
    return newline if around.endswith(newline) else newline * 2


def _listed(strategies: Sequence[Strategy], scopes: Sequence[str]) -> str:
    named = " and ".join("any project" if scope == GLOBAL_SCOPE else inert(scope) for scope in scopes)
    return render("lessons", scopes=named, lessons="\n".join(map(_item, strategies)) or NONE_YET)


def _item(strategy: Strategy) -> str:
    uses = strategy.helped + strategy.hurt
    used = f"; helped {strategy.helped} of {uses} times" if uses else ""
    title, description, content = map(inert, (strategy.title, strategy.description, strategy.content))
    return f"- **{title}** (from {ORIGINS[strategy.outcome]}{used}): {description} {content}"


def inert(text: str) -> str:
    """Return the text in one line of visible characters, with nothing in it that Markdown or HTML would act upon."""
    escaped = _SPECIAL.sub(r"\\\g<0>", visible(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def visible(text: str) -> str:
    """Return the text in one line, without characters that show nothing, turn the reading direction or are halves of others."""
    return " ".join("".join(char for char in text if char.isspace() or not _is_hidden(char)).split())


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char)[0] == "C" or unicodedata.name(char, "").startswith("VARIATION SELECTOR")


def _about(strategies: Sequence[Strategy], scopes: Sequence[str]) -> str:
    """Return when to use the skill, with as many titles as there is room for: a client chooses skills by this alone."""
    named = " and ".join("any project" if scope == GLOBAL_SCOPE else _untagged(scope)[:100] for scope in scopes)
    about = f"Lessons from earlier tasks in {named}. Use before a task of more than one step, and after a failure."
    for number, strategy in enumerate(strategies):
        longer = f"{about}{'; ' if number else ' Among them: '}{_untagged(strategy.title)}"
        if len(longer) > _DESCRIPTION_CHARS:
            break
        about = longer
    return about


def _untagged(text: str) -> str:
    """Return the text for the front matter, where tags are not allowed."""
    return visible(re.sub("[<>]", "", text))


def _skill_name(scopes: Sequence[str]) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", " ".join(scopes[:1]).lower()).strip("-")
    return f"lessons-{words}"[:_NAME_CHARS].strip("-")


def _is_skill_name(name: str) -> bool:
    return len(name) <= _NAME_CHARS and bool(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", name))
