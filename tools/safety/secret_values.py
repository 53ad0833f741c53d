"""Tells secrets from placeholders, and finds them behind keys such as `password`.

`password = "…"`, `\\"api_key\\": \\"…\\"`, `FOO_TOKEN=…`, `password is …`. Key and form together make a value a secret: any
quoted word after `password`, but digits and letters after `token`; never a variable, a path or a `<placeholder>`.
"""

import re
from collections.abc import Iterable, Iterator

from strategy_bank.tools.safety.rule_file import contents, word

FILE = "secret_rules.toml"
_PATH = re.compile(r"(?:~|\.{0,2})(?:/[A-Z]?[a-z0-9_.-]*)+")
_NAME = re.compile(  # of a constant, a variable, an attribute
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"
)

_PASSWORDS = ("passw", "passphrase", "pwd", "contrase")
_VALUE = re.compile(  # everything between the keyword and its value, then the value
    r"s?\d{0,3}(?P<suffix>[_-]\w{1,40}|[A-Z][A-Za-z0-9]{0,40}|)"
    r"(?:\\{0,6}[\"'`\]]|\[\d{0,4}\]){0,3}"
    r"(?:[ \t]{0,2}:[ \t]{0,2}[A-Za-z_][\w.\[\]| ]{0,30}(?=[ \t]{0,2}=[^=]))?"  # password: str = "…"
    r"(?P<op>[ \t]{0,8}(?::=|=>|={1,3}|!==?|::?)[ \t]{0,8}|[ \t]{1,4}(?:is|was):?[ \t]{1,4}|>|\((?=[\"']))"
    r"(?:[@bfru]?(?P<quote>\\{0,6}[\"'`])(?P<quoted>(?:(?!(?P=quote))(?:\\.|[^\r\n\\]|\\(?=(?P=quote)))){1,512})(?P=quote)"
    r"|\\{0,6}[\"'`]?(?P<bare>[^\s\"'`,;&<>(){}\[\]\\|]{4,512}+)(?![(\[]))"
)


ASSIGNED_KINDS = frozenset({"password", "assigned secret"})


def is_real(value: str) -> bool:
    """Tell a value from placeholders, references in code, paths and URLs."""
    placeholder = word(FILE, "PLACEHOLDER", re.IGNORECASE | re.DOTALL)
    return not (placeholder.fullmatch(value) or _PATH.fullmatch(value))


def is_mixed(value: str, least: int) -> bool:
    """Tell whether the value has digits, letters and at least so many characters."""
    return len(value) >= least and any(map(str.isdigit, value)) and any(map(str.isalpha, value))


def is_typed_password(value: str) -> bool:
    """Tell whether a value without quotes after `password` is one: in prose a plain word is not."""
    value = value.rstrip(".,:;!?")
    return len(value) >= 6 and is_real(value) and re.search(r"[\d!@#$%^*?+~]", value) is not None


def keyword_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return one pattern of detect-secrets' keywords and ours, for lower-cased text."""
    theirs = (re.sub("pass$", "pass(?!w|phrase)", word.replace("_?", "[_-]?")) for word in words)
    return re.compile("|".join([*theirs, *contents(FILE)["detect_secrets"]["keywords"]]))


def assigned(text: str, lower: str, keywords: re.Pattern[str]) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and kind of the secrets behind keys. `lower` is the text in lower case, of the same length."""
    for hit in keywords.finditer(lower):
        found = _VALUE.match(text, hit.end())
        if found and _is_secret(found, hit[0], text[hit.start() : hit.end()].isupper()):
            start, end = found.span("quoted" if found["bare"] is None else "bare")
            end -= 0 if found["bare"] is None else len(found["bare"]) - len(found["bare"].rstrip(".,:"))
            yield start, end, "password" if _is_password(hit[0]) else "assigned secret"


def _is_password(keyword: str) -> bool:
    return keyword.startswith(_PASSWORDS) or keyword.endswith("pass")


def _is_secret(found: re.Match[str], keyword: str, shouted: bool) -> bool:
    """Tell whether a key's value is a secret. `shouted`: the key stands in capitals, as environment variables do."""
    bare: str | None = found["bare"]
    value: str = found["quoted"] if bare is None else bare.rstrip(".,:;!?")
    explicit = bare is None or (shouted and found["op"] == "=")
    about = word(FILE, "ABOUT", re.IGNORECASE)
    if about.search(found["suffix"]) or not is_real(value) or (not explicit and _NAME.fullmatch(value)):
        return False
    if re.search(r"\s", value):
        return keyword == "passphrase"
    if _is_password(keyword):
        return len(value) >= 4 if explicit else is_typed_password(value)
    if keyword == "token":
        return is_mixed(value, 12 if shouted else 16)
    return is_mixed(value, 8) or (explicit and value.isalpha() and len(value) >= 12)
