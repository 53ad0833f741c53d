"""Fills in the prompts, Markdown files in `prompts/`, and fences what somebody else wrote.

    prompts/judge.md ── render("judge", task=…, trajectory=fence("trajectory", text)) ──▶ the text to send

`$name` is a placeholder. Placeholders and values must match exactly: a missing value would send the word
`$task` to a model, and an unused one means that the prompt does not say what the caller believes.
"""

import re
from functools import cache
from importlib.resources import files
from string import Template

from strategy_bank.store.errors import StrategyBankError


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


def fence(kind: str, text: str) -> str:
    """Put `text` in a `<kind>` section that it cannot close or open itself: such tags lose their `<`."""
    inner = re.sub(rf"<(?=\s*/?\s*{re.escape(kind)}\b)", "&lt;", text, flags=re.IGNORECASE)
    return f"<{kind}>\n{inner}\n</{kind}>"


@cache
def _template(name: str) -> Template:
    file = files("strategy_bank.tools").joinpath("prompts", f"{name}.md")
    if not file.is_file():
        raise PromptError(f"There is no prompt {name!r}")
    return Template(file.read_text("utf-8").strip())
