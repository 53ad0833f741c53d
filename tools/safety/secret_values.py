"""Tells secrets from placeholders, references, names and plain words."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable

from strategy_bank.tools.safety.rule_file import word

FILE = "secret_rules.toml"
_PATH = re.compile(r"(?:~|\.{0,2})(?:/[A-Z]?[a-z0-9_.-]*)+")
_CLASSES = re.compile(r"[a-z]+|[A-Z]+|\d+")
# prefixes of what is public or only names something
_NO_KEY = re.compile(
    r"(?:sha\d*|md5|pk|pub|public|publishable|phc|cs|id|ids|file|etag|rev|nonce|h\d)(?:[_-]|$)", re.IGNORECASE
)
# what a sentence about passwords names: digests, encodings, versions
_TRADE_WORD = re.compile(
    r"(?i:openid|saml|sha|md|utf|base|oauth|argon|bcrypt|scrypt|pbkdf|aes|rsa|v|version|step|page|level|tls|http|ipv|python|node)"
    r"-?\d{1,4}[a-z]{0,4}(?:[-_.][a-z0-9]{1,8}){0,3}"
)
_NO_SEED_WORD = re.compile(r"\b(?:the|and|for|not|but|are|was|its|has|all|our|your|they|from|with|which|into|then)\b")


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


def has_several_kinds(value: str) -> bool:
    """Tell whether capitals, small letters and digits are mixed, as in no word and no hash."""
    return all(any(map(test, value)) for test in (str.isupper, str.islower, str.isdigit)) and "EXAMPLE" not in value


def is_random(value: str) -> bool:
    """Tell whether the kinds of letters change as often as in no name."""
    return has_several_kinds(value) and len(_CLASSES.findall(value)) * 5 >= len(value) * 2


def decoded(value: str) -> str | None:
    """Return what a value says in base64, of either alphabet, if that is printable text; else None."""
    value = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = b64decode(value + "=" * (-len(value) % 4)).decode("ascii")
    except (NotBase64, ValueError):
        return None
    return text if text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() else None


def is_spoken(value: str) -> bool:
    """Tell whether a word in a sentence about a password is one: digits and letters, and no name of a method or place."""
    value = value.rstrip(".,:;!?")
    return (
        is_mixed(value, 6)
        and is_real(value)
        and not _TRADE_WORD.fullmatch(value)
        and "/" not in value
        and "(" not in value
    )


def _is_key_with_lines(value: str) -> bool:
    """Tell a private key from the mention of its first line."""
    return re.search(r"[A-Za-z0-9+/]{16}", re.sub(r"-{4,5}[A-Z0-9 ]{1,60}-{4,5}", "", value)) is not None


def _holds_secret_cookie(value: str) -> bool:
    """Tell whether one of the cookies may be a session: long and mixed, and none that counts visitors."""
    pairs = (pair.strip().partition("=") for pair in value.split(";"))
    return any(
        is_mixed(said, 10) and is_real(said) and not name.lower().startswith(("_g", "expires"))
        for name, _, said in pairs
    )


def _is_typed_in(value: str) -> bool:
    return is_real(value) and (has_several_kinds(value) or (is_mixed(value, 8) and re.search(r"\W", value) is not None))


def _is_random_behind_prefix(value: str) -> bool:
    body = re.split("[_-]", value)[-1]
    runs = _CLASSES.findall(body)
    digits = sum(run.isdigit() for run in runs)
    return has_several_kinds(body) and digits >= 3 and len(runs) * 5 >= len(body) * 2 and not _NO_KEY.match(value)


def _is_aws_key(value: str) -> bool:
    return (
        "EXAMPLE" not in value and len(set(value)) >= 8 and (value.startswith("AKIA") or any(map(str.isdigit, value)))
    )


def _is_base64_value(value: str) -> bool:
    return len(value) % 4 == 0 and (value.endswith("=") or has_several_kinds(value)) and is_real(value)


def _is_seed(value: str) -> bool:
    return len(re.findall(r"[a-z]{3,8}", value)) in range(12, 25, 3) and not _NO_SEED_WORD.search(value)


ACCEPT: dict[str, Callable[[str], bool]] = {
    "all": bool,
    "real": is_real,
    "mixed": lambda value: is_mixed(value, 8),
    "authorization": lambda value: is_real(value) and not (value.isalpha() and value.islower()),
    "bearer": lambda value: is_mixed(value, 16) and is_real(value),
    "typed password": is_typed_password,
    "spoken password": is_spoken,
    "several kinds": has_several_kinds,
    "typed in": _is_typed_in,
    "cookies with a secret": _holds_secret_cookie,
    "key with lines": _is_key_with_lines,
    "random behind a prefix": _is_random_behind_prefix,
    "aws key": _is_aws_key,
    "user and password in base64": lambda value: ":" in (decoded(value) or ""),
    "base64 value": _is_base64_value,
    "seed words": _is_seed,
}
