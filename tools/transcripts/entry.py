"""What one record of a transcript says, in one form for every client. Imports little: hooks read through here."""

from typing import Any, Literal, NamedTuple, cast

REQUEST = "strategy-bank: the work of this turn has not been reported"
"""How the request of the stop hook begins; what answers it in a transcript is no part of the work."""
Kind = Literal["prompt", "command", "local", "aside", "interrupt", "agent", "result", "request"]
"""command: a slash command; local: its output, so that it was none for the agent; aside: the user's words while the agent
worked; request: of the stop hook."""
_OWN_TOOLS = ("recall_strategies", "report_outcome", "scale_attempts")


class Entry(NamedTuple):
    """What one record says. `text` is the user's words or a tool's output."""

    kind: Kind
    message: dict[str, Any]
    """In a form that `trajectory.normalise` reads."""
    text: str = ""
    ident: str = ""
    """Pieces of one message that stand in several records share it."""
    worked: bool = False
    """A tool was called that is not ours."""
    reported: bool = False
    """It is the answer to a report."""
    failed: bool = False
    """A tool's output that the client marked as an error."""
    at: str = ""
    """ISO 8601, as the client wrote it."""
    cwd: str = ""


def is_ours(tool: str) -> bool:
    """Whether a tool is one of this server, under whatever prefix the client gives it."""
    return tool.endswith(_OWN_TOOLS)


def word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def fields(value: Any) -> dict[str, Any]:
    """An object; an empty one where it is none."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where it is no list."""
    return (
        [fields(part) for part in cast(list[Any], value) if isinstance(part, dict)] if isinstance(value, list) else []
    )


def plain(content: Any) -> str:
    """Text, or the text of content blocks."""
    return word(content) or "\n".join(text for block in objects(content) if (text := word(block.get("text"))))
