"""Tables for the pages of results, and the place of a page where a bench writes them."""

from collections.abc import Sequence


def table(name: str, head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown under its name."""
    marks = ["---"] * len(head)
    return "\n".join([f"{name}:", "", *(f"| {' | '.join(line)} |" for line in [head, marks, *lines])])


def put_between(page: str, begin: str, end: str, text: str) -> str:
    """Return the page with the text between two marks. Raises ValueError where it has no marks."""
    before, after = page.index(begin) + len(begin), page.index(end)
    return f"{page[:before]}\n{text}\n\n{page[after:]}"
