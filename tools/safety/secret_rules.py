"""Adds rules for secrets of our own: formats and contexts that detect-secrets lacks or matches too slowly.

Every quantifier is bounded, so that one line of 2 MB takes no longer than many short ones.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from strategy_bank.tools.safety.secret_values import is_mixed, is_real, is_typed_password


@dataclass(frozen=True)
class Rule:
    """Finds one kind of secret: the group `secret` of the pattern, or all of the match where it has no such group."""

    kind: str
    pattern: re.Pattern[str]
    cues: tuple[str, ...] = ()  # in lower case; a text with none of them is not searched
    accept: Callable[[str], bool] = bool


PEM_END = re.compile(r"-----END[A-Z0-9 ]{1,40}PRIVATE KEY[A-Z ]{0,8}-----")
PEM_LINES_BEFORE_END = re.compile(  # for reversed text: the lines of a key whose beginning was cut off
    r"[\s\\nr]{0,8}={0,2}[A-Za-z0-9+/]{0,80}(?:[^A-Za-z+/=]{0,16}[A-Za-z0-9+/]{16,}){1,400}"
)
_PEM_BEGIN = r"-----BEGIN[A-Z0-9 ]{1,40}PRIVATE KEY[A-Z ]{0,8}-----"
_PEM_HEADERS = r"(?:[^A-Za-z]{0,8}n?(?:Proc-Type|DEK-Info|Comment|Version):[^\r\n\\]{0,80}){0,4}"
_PEM_LINES = r"(?:[^A-Za-z+/=]{0,16}[A-Za-z0-9+/]{16,}={0,2}){0,400}(?:[^A-Za-z+/=]{0,4}[A-Za-z0-9+/]{0,15}={1,2})?"
_OPEN = r"\\{0,6}[\"']?"  # an optional quote, escaped as often as JSON in JSON does
_COLON = _OPEN + r"[ \t]{0,4}[:=][ \t]{0,4}" + _OPEN


@cache
def contexts() -> tuple[Rule, ...]:
    """Return the rules that know a secret by the words around it; the private key, which may hold anything, comes first."""
    return (
        Rule(
            "private key",
            re.compile(
                f"{_PEM_BEGIN}(?:(?:(?!-----)[\\s\\S]){{0,16384}}{PEM_END.pattern}|{_PEM_HEADERS}{_PEM_LINES})"
                rf"|Private-Lines: \d{{1,3}}{_PEM_LINES}"
            ),
            ("private key", "private-lines"),
        ),
        Rule(
            "cookie",
            re.compile(rf"(?i:cookie){_COLON}(?P<secret>[\w.-]{{1,64}}=[^\r\n\"'\\]{{6,4096}})"),
            ("cookie",),
        ),
        Rule(
            "password in URL",
            re.compile(r"://[^\s/:@\"'`<>]{0,64}:(?P<secret>[^\s/\"'`<>]{1,256})@(?!sha\d)(?=[\w\[{$-])"),
            ("://",),
            is_real,
        ),
        Rule(
            "authorization header",
            re.compile(
                rf"(?i:authorization){_COLON}(?:(?i:bearer|basic|token|bot)[ \t]{{1,4}})?"
                r"(?P<secret>[\w.~+/=-]{8,4096})"
            ),
            ("authorization",),
            lambda value: is_real(value) and not (value.isalpha() and value.islower()),
        ),
        Rule(
            "bearer token",
            re.compile(r"(?i:bearer)[ \t]{1,4}(?P<secret>[\w.~+/=-]{16,4096})"),
            ("bearer",),
            lambda value: is_mixed(value, 16) and is_real(value),
        ),
        Rule(
            "password",
            re.compile(
                r"--(?:[a-z]{1,16}-){0,3}(?:password|passwd|pass|passphrase|secret|token|api-?key|key)"
                rf"(?:=|[ \t]{{1,4}}){_OPEN}(?P<secret>[^\s\"'\\`-][^\s\"'\\`]{{5,511}})"
            ),
            ("--",),
            is_typed_password,
        ),
        Rule(
            "password",
            re.compile(
                rf"\b(?:curl\b[^\n]{{0,200}}?[ \t](?:-u|--user)[ =]{_OPEN}[^\s:\"']{{1,64}}:"
                r"|(?:mysql\w{0,8}|mariadb)\b[^\n]{0,200}?[ \t]-p|sshpass[ \t]{1,4}-p[ \t]{0,4})"
                rf"{_OPEN}(?P<secret>[^\s\"'\\]{{4,256}})"
            ),
            ("curl", "mysql", "mariadb", "sshpass"),
            is_typed_password,
        ),
        Rule(
            "password",
            re.compile(r"([\"'])(?P<secret>[^\s\"'\\]{4,128})\1[ \t]{0,4}[!=]==?[ \t]{0,4}[\w.]{0,40}(?i:passw)"),
            ("passw",),
            is_real,
        ),
    )


@cache
def formats() -> tuple[Rule, ...]:
    """Return the rules that know a secret by its own form."""
    return tuple(
        # a secret starts at an edge, and an escaped line break is one
        Rule(kind, re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))" + pattern), (cue,))
        for kind, cue, pattern in (
            ("Anthropic key", "sk-ant-", r"sk-ant-[\w-]{8,256}"),
            ("OpenAI key", "sk-", r"sk-(?:(?:proj|svcacct|admin|or-v1)-[\w-]{16,256}|[A-Za-z0-9]{20,128})"),
            ("GitHub token", "github_pat_", r"github_pat_\w{20,255}"),
            ("GitHub token", "gh", r"gh[opsur]_[A-Za-z0-9]{20,255}"),
            ("Google key", "aiza", r"AIza[\w-]{30,64}"),
            ("Google key", "ya29.", r"ya29\.[\w-]{20,512}"),
            ("Google key", "gocspx-", r"GOCSPX-[\w-]{20,64}"),
            ("Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,64}"),
            ("npm token", "npm_", r"npm_[A-Za-z0-9]{30,64}"),
            ("Stripe key", "k_", r"[rs]k_(?:live|test)_[0-9A-Za-z]{16,128}"),
            ("Stripe key", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,64}"),
            ("Slack token", "xox", r"xox[a-z]-[0-9A-Za-z-]{10,256}"),
            ("Slack token", "xapp-", r"xapp-\d-[0-9A-Za-z-]{10,256}"),
            ("JSON web token", "eyj", r"(?<![_-])eyJ[\w-]{8,4096}\.[\w-]{8,16384}\.[\w-]{4,4096}"),
            ("DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{32,64}"),
            ("Databricks token", "dapi", r"dapi[a-f0-9]{32}"),
            ("Groq key", "gsk_", r"gsk_[A-Za-z0-9]{40,64}"),
            ("xAI key", "xai-", r"xai-[A-Za-z0-9]{40,128}"),
            ("Vault token", "hv", r"hv[sbr]\.[\w-]{24,256}"),
            ("Artifactory credentials", "akc", r"AKC[A-Za-z0-9]{40,128}"),
            ("Atlassian token", "atatt3", r"ATATT3[\w=-]{40,256}"),
            ("Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-f0-9]{32}"),
            ("age key", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50,64}"),
        )
    )
