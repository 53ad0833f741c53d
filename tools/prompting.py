"""Fills in the prompts, Markdown files in `prompts/`, and fences what somebody else wrote.

    prompts/judge.md ── render("judge", task=…, trajectory=fence("trajectory", text)) ──▶ the text to send

Every line of a foreign text begins with `> `, and no line of ours does. So nothing in it can pass for a heading, an entry, an
id or the end of a section, however it is disguised. What stands beside our words in one line, such as a title, is folded.

`$name` is a placeholder. Placeholders and values must match exactly: a missing value would send the word
`$task` to a model, and an unused one means that the prompt does not say what the caller believes.
"""

import re
from functools import cache
from importlib.resources import files
from string import Template
from typing import Literal, get_args

from strategy_bank.store.errors import StrategyBankError
from strategy_bank.tools.safety.disguise import undisguised

Section = Literal[
    "task",
    "trajectory",
    "strategies",
    "others",
    "brief",
    "attempt",
    "previous_attempt",
    "reason",
    "problems",
    "known_lesson",
    "lesson_one",
    "lesson_two",
]
MARK = "> "
# what may stand for the `<` of a tag: the sign, letters that look like it, and its entities
_OPENING = re.compile(r"[<＜﹤‹〈⟨❬❰˂ᐸ≺《«]|&(?=lt;|#0*60;|#x0*3c;)", re.IGNORECASE)
_TAG = re.compile(rf"(?:lt;|#0*60;|#x0*3c;)?[\s/\\⁄∕]*(?:{'|'.join(get_args(Section))})(?![^\W\d_])", re.IGNORECASE)
_TAG_CHARS = 60


class PromptError(StrategyBankError):
    """There is no such prompt, or its placeholders and the values differ."""


def render(name: str, /, **values: str) -> str:
    """Return the prompt `name` with its placeholders filled in. Values are inserted as they are, `$` included."""
    template = _template(name)
    wanted = set(template.get_identifiers())
    if missing := wanted - values.keys():
        raise PromptError(f"Prompt {name!r} needs a value for: {', '.join(sorted(missing))}")
    if unused := values.keys() - wanted:
        raise PromptError(f"Prompt {name!r} has no place for: {', '.join(sorted(unused))}")
    return template.substitute(values)


def load_prompts() -> None:
    """Read all prompts, so that none of another version is read later."""
    for file in files("strategy_bank.tools").joinpath("prompts").iterdir():
        _template(file.name.removesuffix(".md"))


def fence(kind: Section, text: str, number: int | None = None) -> str:
    """Put a foreign text in a section: its lines are marked, and tags of sections in it lose their `<`."""
    return section(kind, quoted(text), number)


def section(kind: Section, text: str, number: int | None = None) -> str:
    """Put lines that are ours, or marked already, between the tags of a section; with a number `<kind_number>`."""
    name = kind if number is None else f"{kind}_{number}"
    return f"<{name}>\n{text}\n</{name}>"


def quoted(text: str) -> str:
    """Return a foreign text with every line marked, whatever breaks its lines."""
    return "\n".join(f"{MARK}{line}" for line in _without_tags(text).splitlines() or [""])


def plain_id(id: str) -> str:
    """Return an id for a line of ours: an imported one may hold anything."""
    return re.sub(r"[^\w.:-]", "?", id)


def _without_tags(text: str) -> str:
    return _OPENING.sub(lambda found: _bare(found, text), text)


def _bare(found: re.Match[str], text: str) -> str:
    """Return the sign escaped where it opens a tag of a section, else as it is."""
    following = text[found.end() : found.end() + _TAG_CHARS]
    if not _TAG.match(following if following.isascii() else undisguised(following)):
        return found[0]
    return "&amp;" if found[0] == "&" else "&lt;"


@cache
def _template(name: str) -> Template:
    file = files("strategy_bank.tools").joinpath("prompts", f"{name}.md")
    if not file.is_file():
        raise PromptError(f"There is no prompt {name!r}")
    return Template(file.read_text("utf-8").strip())
