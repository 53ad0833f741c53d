"""Finds what a strategy copied out of its episode: a strategy is general, without ids, paths or quotes of one task.

Shapes propose and the episode decides: a literal is reported only if it occurs there too, and only if it is no word of the
trade (utf-8, HTTP/2, /etc/hosts, 8080). A false alarm costs a rewording; a miss leaves one id in the bank.
"""

import re

MOST = 10
LONGEST = 80

_SHAPES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'`<>()\[\]{}]{3,500}",  # URLs
        r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",  # mail addresses
        r"(?<![\w/.~-])(?:~|\.{1,2})?(?:/[\w.@+-]{1,100}){2,30}/?",  # /a/b, ~/a/b, ./a/b
        r"(?<![\w/.~-])(?:~|\.{1,2})?/[\w.@+-]{1,100}",  # /a, ~/a
        r"(?<![\w/.~-])(?:[\w.@+-]{1,100}/){1,30}[\w@+-][\w.@+-]{0,99}\.[A-Za-z]\w{0,7}\b",  # a/b.py
        r"\b[A-Za-z]:\\[^\s\"'`<>|?*:]{2,200}",  # C:\a\b
        r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
        r"(?<![\w.-])\d{4}-\d\d-\d\d(?![\w-])",
        r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w.-])",
        r"(?<![\w.,-])\$?\d{1,3}(?:,\d{3})+(?![\w-])",
        r"(?<![\w&])#\d{2,}\b",
        r"(?<![\w./@-])(?<!RFC )(?<!ISO )(?<!PEP )(?=[\w-]*\d)\w+(?:-\w+)*(?![\w@])",  # any word with a digit
    )
)
_QUOTED = re.compile(
    r"(?<!\w)(?:'([^'\n]{3,200})'|\"([^\"\n]{3,200})\"|`([^`\n]{3,200})`|“([^”\n]{3,200})”|‘([^’\n]{3,200})’)(?!\w)"
)

_TRADE = re.compile(  # words with digits that any programmer knows
    r"(?i:utf|iso|sha|md|base|crc|aes|rsa|ed|rfc|pep|ieee|http|tls|ssl|ipv|oauth|u?int|float|complex|bf|fp|amd|arm"
    r"|win|windows|cp|latin|es|ecma|vue|angular|py|python|pip|node|java|jdk|php|ruby|go|rust|net|gcc|clang|cuda|ubuntu"
    r"|debian|postgres(?:ql)?|mysql|redis|psycopg|sqlite|neo|gpt|claude|llama|gemini|ec|mp|log|atan|exp|version|step"
    r"|phase|level|layer|type|tier|top|test|day|week|web)"
    r"[-_ ]?\d{1,4}[a-z]{0,6}(?:[-_.]\d{1,4})*(?:[-_][a-z]+)*"
    r"|(?i:[a-z]-?\d{1,3}(?:\.\d+)*|sha-?\d-?\d{3}|iso-?\d{4,5}(?:-\d)?|i18n|l10n|a11y|k8s|[1-5]xx|x86[-_]64)"
    r"|(?:[A-F]|[NRST]|PLW|RUF|SC|TS|CS|ORA-)\d{3,5}"  # codes of linters, compilers and databases
    r"|\d{1,6}(?i:st|nd|rd|th|x|d|h|s|ms|k|kb|mb|gb|px|bits?|am|pm|m|min)|\d+(?:[-_][a-z]+)+|0x[0-9a-fA-F]{1,8}"
)
# fmt: off
_KNOWN_NUMBERS = frozenset([  # ports, powers of two, durations, round numbers
    1024, 1433, 1500, 2048, 3001, 3306, 3600, 4096, 4200, 5173, 5432, 5672, 6379, 6443, 7200, 8080, 8081, 8192,
    8443, 8888, 9090, 9092, 9200, 11434, 16384, 27017, 32767, 32768, 65535, 65536, 86400, 10**5, 10**6, 2**31 - 1,
    *range(1000, 61000, 1000),
])
# fmt: on
_KNOWN_PATHS = re.compile(
    r"/(?:tmp|dev|etc|usr|var|opt|bin|sbin|proc|sys|home|root|mnt|lib|run|srv|app|api)"
    r"(?:/(?:null|zero|stdin|stdout|stderr|u?random|hosts|passwd|group|fstab|resolv\.conf|crontab|ssh|nginx|systemd"
    r"|os-release|sudoers|sh|bash|env|python3?|bin|local|share|lib|log|run|tmp|cpuinfo|meminfo|self|v\d))*/?"
    r"|/[\w-]+|~/\.[\w.-]+(?:/(?:config|known_hosts|authorized_keys))?"
    r"|\.?\.?/?(?:\.git|\.github|\.vscode|\.ssh|\.venv|node_modules|tests?|src)"
    r"/(?:workflows|config|settings\.json|hooks|conftest\.py|__init__\.py|index\.[jt]sx?|main\.\w+|bin)"
    r"|git@git\w+\.com|127\.0\.0\.1|0\.0\.0\.0|255\.255\.255\.\d+"
)
_COMMON_WORD = re.compile(  # in quotes: a lower-case word or name, a flag, a constant, an error's name
    r"[./-]*|-{0,2}[a-z][a-z_.()=-]*|[A-Z][A-Z_]*|(?:[A-Z][a-z]+)+(?:Error|Exception|Warning)|__?\w+__?"
    r"|True|False|None|Yes|No|Ok|Submit|Save|Cancel|Next|Back|Search|Login|Delete|Edit|Add|Close|Open|Done|Confirm"
)
_COMMAND = re.compile(r"[a-z][\w.-]*(?: (?:[a-z_./*=-]|-[A-Z])[a-z_.:/*=-]*)*")


def find_literals(wording: str, episode_text: str) -> list[str]:
    """Return the literals that a strategy took from its episode: in order, once each, at most 10, cut to 80 characters.

    `wording` is its title, description and content by lines; `episode_text` is the task and the trajectory.
    """
    found = [*_quotations(wording, episode_text), *_ids(wording, episode_text)]
    literals: dict[str, None] = {}
    covered = 0
    for _, negative_end, literal in sorted(found):
        if -negative_end > covered:
            literals.setdefault(literal[:LONGEST])
            covered = -negative_end
    return list(literals)[:MOST]


def _ids(wording: str, episode_text: str) -> list[tuple[int, int, str]]:
    """Return start, negative end and text of each; of two that start together the longer comes first."""
    return [
        (found.start(), -(found.start() + len(literal)), literal)
        for shape in _SHAPES
        for found in shape.finditer(wording)
        if (literal := found[0].rstrip(".,;:!?-")) and _is_specific(literal) and _stands_in(literal, episode_text)
    ]


def _is_specific(literal: str) -> bool:
    if re.search(r"[/\\@.]", literal):
        return not _KNOWN_PATHS.fullmatch(literal) and "localhost" not in literal
    number = re.sub("[$,_]", "", literal)
    if number.isdigit():
        return len(number) >= 4 and int(number) not in _KNOWN_NUMBERS and not re.fullmatch(r"(?:19|20)\d\d", literal)
    if re.fullmatch(r"#\d+|\d{4}-\d\d-\d\d", literal):
        return True
    return not _TRADE.fullmatch(literal) and _is_id(literal)


def _is_id(word: str) -> bool:
    """Tell whether letters and digits are mixed as nobody writes them: HAT136, ZFA04Y, ABC-123, user_id_4421, 4a8c6fc."""
    digits = re.findall(r"\d+", word)
    capitals = re.fullmatch(r"[A-Z0-9]+(?:-[A-Z0-9]+)*", word) is not None
    return (
        max(map(len, digits), default=0) >= 3 or (capitals and len(word) >= 5) or (len(digits) >= 2 and len(word) >= 6)
    )


def _stands_in(literal: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(literal)}(?![A-Za-z0-9])", text) is not None


def _quotations(wording: str, episode_text: str) -> list[tuple[int, int, str]]:
    found = [(quote, next(filter(None, quote.groups()))) for quote in _QUOTED.finditer(wording)]
    specific = [(quote, words) for quote, words in found if not _is_common(words, quote[0][0])]
    if not specific:
        return []
    text = _folded(episode_text)
    return [(quote.start(), -quote.end(), words) for quote, words in specific if _folded(words) in text]


def _is_common(words: str, mark: str) -> bool:
    words = words.strip()
    if _TRADE.fullmatch(words) or _COMMON_WORD.fullmatch(words):
        return True
    if " " in words:
        return mark == "`" and _COMMAND.fullmatch(words) is not None
    shaped = any(shape.fullmatch(words) for shape in _SHAPES) and _is_specific(words)
    return not shaped and re.search(r"[./\\@\d]", words) is not None


def _folded(text: str) -> str:
    """Return the text with single blanks for white space, also where JSON escaped it, and with quotes unescaped."""
    return re.sub(r"(?:\s|\\[nrt])+", " ", text.replace('\\"', '"')).strip()
