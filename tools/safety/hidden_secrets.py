"""Finds secrets that do not stand in one piece: in base64, put together from quoted parts, wrapped over lines.

Each hidden place is read in the plain form by the same rules (`plain`), and only where its parts look like those of a token: a
text without such places costs one pass.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

from strategy_bank.tools.safety.secret_values import decoded, is_mixed

Found = tuple[int, int, str]  # start, end, kind
Plain = Callable[[str], list[Found]]

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}+={0,2}(?![A-Za-z0-9])")
_PERCENT_SIGNS = re.compile(r"(?<![\w.%~-])[\w.~-]{0,40}(?:%[0-9A-Fa-f]{2}[\w.~-]{0,200}){1,40}")
_TOKEN_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.~"
_LONGEST = 400  # of a part, in characters
_PARTS = 8
# What stands between two parts: a quote, perhaps an operator, a quote; or a line's end with what wraps put there. Each begins
# with a letter that can be looked for quickly.
_QUOTES = re.compile(
    r"[\"'`](?:\s|\\[nrt]?){0,40}(?:(?:\+|\.\.?|&|\|\||<>)(?:\s|\\[nrt]?){0,40})?[bfru]?\\{0,15}[\"'`](?=[\w+/=.~-])"
)
_LINE_END = re.compile(r"\n[ \t>|#*]{0,24}(?=[\w+/=.~-]{0,24}[\dA-Z])")
_ESCAPED_LINE_END = re.compile(r"\\n[ \t>|#*]{0,24}(?=[\w+/=.~-]{0,24}[\dA-Z])")
_JOINTS = (_QUOTES, _LINE_END, _ESCAPED_LINE_END)


def in_base64(text: str, plain: Plain) -> Iterator[Found]:
    """Yield the base64 of texts that hold a secret; the kind is that of the secret."""
    for run in _BASE64.finditer(text):
        said = decoded(run[0])
        found = plain(said) if said else []
        if found:
            yield run.start(), run.end(), found[0][2]


def in_percent_signs(text: str, plain: Plain) -> Iterator[Found]:
    """Yield secrets that are written with the percent signs of addresses."""
    for run in _PERCENT_SIGNS.finditer(text) if "%" in text else ():
        found = plain(unquote(run[0]))
        if found:
            yield run.start(), run.end(), found[0][2]


def in_parts(text: str, plain: Plain) -> Iterator[Found]:
    """Yield secrets that go over a joint, with the quotes, operators and line ends between their parts."""
    for joints in _JOINTS:
        read_to = 0
        for joint in joints.finditer(text):
            parts = _parts(text, joint) if joint.start() >= read_to else []
            if len(parts) > 1:
                read_to = parts[-1][1]
                yield from _over_joints(text, parts, plain)


def _over_joints(text: str, parts: list[tuple[int, int]], plain: Plain) -> Iterator[Found]:
    begin = parts[0][0]
    before = text[max(0, begin - 60) : begin]
    before = before[before.rfind("\n") + 1 :]
    whole = before + "".join(text[start:end] for start, end in parts)
    first_joint = len(before) + parts[0][1] - begin
    for start, end, kind in plain(whole):
        if start < first_joint < end:
            yield begin + start - len(before), _place(parts, end - len(before)), kind


def _parts(text: str, joint: re.Match[str]) -> list[tuple[int, int]]:
    """Return where the parts around this joint and those that follow it stand; one or none where they are no token's."""
    wrapped = joint.re is not _QUOTES
    left = text[max(0, joint.start() - _LONGEST) : joint.start()]
    left = left.rstrip(" \t\r\\" if wrapped else "\\")
    end = max(0, joint.start() - _LONGEST) + len(left)
    left = left[len(left.rstrip(_TOKEN_CHARS)) :]
    if not left or (wrapped and not _could_be_cut(left)):
        return []
    parts = [(end - len(left), end)]
    next_joint: re.Match[str] | None = joint
    while next_joint is not None and len(parts) <= _PARTS:
        right = text[next_joint.end() : next_joint.end() + _LONGEST]
        right = right[: len(right) - len(right.lstrip(_TOKEN_CHARS))]
        end = next_joint.end() + len(right)
        if not right or (wrapped and not (_goes_on(right) and text[end : end + 1] not in (":", "("))):
            break
        parts.append((next_joint.end(), end))
        spaces = len(text[end : end + 16]) - len(
            text[end : end + 16].lstrip(" \t\r\\" if joint.re is not _ESCAPED_LINE_END else " \t")
        )
        next_joint = joint.re.match(text, end + spaces)
    return parts


def _could_be_cut(part: str) -> bool:
    return len(part) >= 8 and (is_mixed(part, 8) or "_" in part or "-" in part)


def _goes_on(part: str) -> bool:
    """Tell whether the beginning of a line looks like the rest of a token and not like a word or an assignment."""
    inner = part[1:]
    mixed_case = any(map(str.isupper, inner)) and any(map(str.islower, part))
    return len(part) >= 4 and (is_mixed(part, 4) or mixed_case) and "=" not in part.rstrip("=")


def _place(parts: list[tuple[int, int]], length: int) -> int:
    """Return where in the text so many characters of the joined parts end."""
    for start, end in parts:
        if length <= end - start:
            return start + length
        length -= end - start
    return parts[-1][1]
