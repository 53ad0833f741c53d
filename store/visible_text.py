r"""Shows what a text hides: characters that show nothing, steer a terminal or turn the reading direction become escapes.

`\u{202e}` stands for one such character. What people write stays as it is: every script, combining marks, and the joiners and
variation selectors where they belong, inside emoji and inside the words of scripts that join their letters.
"""

import re

# control, format and invisible characters, separators of lines, and halves of characters; a test compares it with Unicode
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U00013430-\U00013455\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_JOINING = "\u0620-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18aa\ua840-\uabff"
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_HARMLESS = (
    f"(?<=[{_EMOJI}\ufe0f])\u200d(?=[\u2190-\u2bff{_EMOJI}])"
    f"|(?<=[0-9#*\xa9\xae\u203c-\u2b55\u3030-\u3299{_EMOJI}])[\ufe0e\ufe0f]"
    f"|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
)
_IN_LINE = re.compile(f"(?P<harmless>{_HARMLESS})|[{_HIDDEN}]")
_IN_BLOCK = re.compile(f"(?P<harmless>{_HARMLESS})|(?![\n\t])[{_HIDDEN}]")
_NAMED = {"\n": "\\n", "\t": "\\t"}


def visible(text: str) -> str:
    """Return a text of several lines with every other hidden character as an escape."""
    return _IN_BLOCK.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Return the text as one line: line breaks and tabs are escapes too."""
    return _IN_LINE.sub(_escape, text)


def folded(text: str) -> str:
    """Return the text as one line in which any white space is one space, and other hidden characters are escapes."""
    return visible_line(" ".join(text.split()))


def visible_json(text: str) -> str:
    """Return JSON text with its hidden characters as JSON's own escapes, so that it still says the same."""
    return _IN_BLOCK.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return character if found["harmless"] else _NAMED.get(character, f"\\u{{{ord(character):x}}}")


def _json_escape(found: re.Match[str]) -> str:
    if found["harmless"]:
        return found[0]
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
