"""A lesson as a small text in the user's editor."""

import os
import re
import sys

import click

from strategy_bank.server.cli.console import say
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.visible_text import folded, visible
from strategy_bank.tools.curation.words import checked_words
from strategy_bank.tools.judging.judgement import DraftWords
from strategy_bank.tools.prompting import quoted

_FORM = re.compile(r"\s*title:(?P<title>[^\n]*)\n\s*when:(?P<description>[^\n]*)\n(?P<content>.*)", re.I | re.S)


def written(title: str, description: str, content: str, notes: list[str]) -> DraftWords | None:
    """Let the user write a lesson in $VISUAL or $EDITOR, with notes above it; None where it was not changed or is empty.

    Raises InvalidInput where it is not of the form, after the text was printed, so that it is not lost.
    """
    if not sys.stdin.isatty() and not (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        raise click.UsageError("There is no terminal for an editor, and neither $VISUAL nor $EDITOR names one.")
    above = "".join(f"# {line}\n" for note in notes for line in note.splitlines())
    given = visible(f"{above}Title: {folded(title)}\nWhen: {folded(description)}\n\n{content}\n")
    text = click.edit(given, extension=".md")
    words = _below_notes(text or "")
    if not words or words == _below_notes(given):
        return None
    form = _FORM.fullmatch(words)
    try:
        if not form:
            raise InvalidInput("The text begins with a line `Title:` and a line `When:`. Nothing was changed.")
        return checked_words(**form.groupdict())
    except InvalidInput:
        say("This is what you wrote:")
        for line in quoted(words).splitlines():
            say(line)
        raise


def _below_notes(text: str) -> str:
    """Return the text without the lines of notes above it."""
    lines = text.splitlines()
    while lines and lines[0].startswith("#"):
        del lines[0]
    return "\n".join(lines).strip()
