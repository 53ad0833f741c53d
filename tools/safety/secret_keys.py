"""Finds secrets behind keys: `password = "…"`, `\\"api_key\\": \\"…\\"`, `FOO_TOKEN=…`, `password is …`, `密码：…`.

Key and form together make a value a secret: any quoted word after `password`, but digits and letters after `token`; never a
variable, a path or a `<placeholder>`.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from strategy_bank.tools.safety.rule_file import compiled, contents, word
from strategy_bank.tools.safety.secret_values import FILE, is_mixed, is_random, is_real, is_spoken, is_typed_password

_NAME = re.compile(  # of a constant, a variable, an attribute
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"
)
_SETTING = re.compile(r"[a-z_]{1,16}[=:]")
_VALUE = re.compile(  # everything between the keyword and its value, then the value
    r"s?\d{0,3}(?P<suffix>[_-]\w{1,40}|[A-Z][A-Za-z0-9]{0,40}|)"
    r"(?:\\{0,15}[\"'`\]]|\[\d{0,4}\]){0,3}"
    r"(?:[ \t]{0,2}:[ \t]{0,2}[A-Za-z_][\w.\[\]| ]{0,30}(?=[ \t]{0,2}=[^=]))?"  # password: str = "…"
    r"(?P<op>[ \t\u00a0]{0,8}(?::=|=>|={1,3}|!==?|::?|[：＝])[ \t\u00a0\u3000]{0,8}"
    r"|[ \t]{1,4}(?:is|was|ist|lautet|war|est|es|é|è|jest|это|är|er|on|je|–|—)(?: now| jetzt)?:?[ \t]{1,4}"
    r"|[ \t]{0,2}(?:是|为|為|は|는|은)[ \t:：]{0,3}|>|\((?=[\"'])"
    r"|(?P<far>(?:[\"']?(?:\s|\\n){1,24}|[\"']?,\s{0,12}[\"']?)(?:name=\S{1,40}\s)?\\{0,15}[\"']?value\\{0,15}[\"']?\s{0,2}[:=]\s{0,2}"
    r"|[ \t]{0,24}\|[ \t]{1,8}|[ \t]--(?:body|value|data)[ \t=]|\?[ \t]{1,2}(?:It is|It's|is|→|->)[ \t]"
    r"|(?:[ \t][\w'-]{1,16}){0,5}(?:[ \t]{1,2}(?:is|was|ist|lautet|est|es|é|è|jest|to|as|—|–|→|->|=|:)|:)"
    r"(?: still| now| set to)?[ \t]{1,2})"
    r"|(?<![\]\"'`])[ \t]{1,2})"
    r"(?:[@bfru]?(?P<quote>\\{0,15}[\"'`])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\r\n\\]|\\(?=(?P=quote)))){1,512})(?P=quote)"
    r"|[“„«「『‘](?P<curly>[^”“»」』’\r\n]{1,256})[”“»」』’]"
    r"|\\{0,15}[\"'`]?(?P<bare>[^\s\"'`,;&<>(){}\[\]\\|，。；、！？」』（）”»]{4,512}+)(?![(\[]))"
)


class _Key(NamedTuple):
    """A word that a value follows. It is looked for where its stem occurs; one of `before` must stand before it, if any."""

    means: str
    stem: str
    spelling: str
    before: tuple[str, ...]


ASSIGNED_KINDS = frozenset({"password", "assigned secret"})


def assigned(text: str, lower: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of the secrets behind keys. `lower` is the text in lower case, of the same length."""
    about = word(FILE, "ABOUT", re.IGNORECASE)
    for key in keys():
        for hit in _hits(key, lower) if key.stem in lower else ():
            found = _VALUE.match(text, hit.end())
            if found and not about.search(found["suffix"]):
                start, end = _place(found)
                shouted = text[hit.start() : hit.end()].isupper()
                if _is_secret(text[start:end], found, key, shouted):
                    yield start, end, "password" if key.means == "password" else "assigned secret"


@cache
def keys() -> tuple[_Key, ...]:
    """Return all keys of the file."""
    return tuple(
        _Key(row["means"], stem, spelling, _with_separators(row.get("before", ())))
        for row in contents(FILE)["keys"]
        for stem, spelling in row["words"]
    )


def patterns() -> list[re.Pattern[str]]:
    """Return the patterns of all keys, each as it is used."""
    return [compiled(FILE, key.spelling) for key in keys()]


def _with_separators(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word + separator for word in words for separator in ("", "_", "-", " "))


def _hits(key: _Key, lower: str) -> Iterator[re.Match[str]]:
    hits = compiled(FILE, key.spelling).finditer(lower)
    return (
        (hit for hit in hits if lower[max(0, hit.start() - 24) : hit.start()].endswith(key.before))
        if key.before
        else hits
    )


def _place(found: re.Match[str]) -> tuple[int, int]:
    if found["bare"] is None:
        return found.span("quoted" if found["quoted"] is not None else "curly")
    return found.start("bare"), found.start("bare") + len(found["bare"].rstrip(".,:"))


def _is_secret(value: str, found: re.Match[str], key: _Key, shouted: bool) -> bool:
    """Tell whether a key's value is a secret. `shouted`: the key stands in capitals, as environment variables do."""
    bare = found["bare"] is not None
    explicit = not bare or (shouted and found["op"] == "=")
    value = value.rstrip(".,:;!?") if bare else value
    if not is_real(value) or (not explicit and _NAME.fullmatch(value) and not is_random(value)):
        return False
    if re.search(r"\s", value):
        return key.stem == "passphrase"
    if found["far"] is not None:
        return is_spoken(value) and len(value) >= (8 if key.means == "password" else 16)
    if not found["op"].strip():
        return key.means == "password" and is_spoken(value) and not _SETTING.match(value)
    if key.means == "password":
        return len(value) >= 4 if explicit else is_typed_password(value)
    if key.means == "token":
        return is_mixed(value, 12 if shouted else 16)
    return is_mixed(value, 8) or (explicit and value.isalpha() and len(value) >= 12)
