"""Finds what a lesson copied out of its episode: a strategy is general, so it carries no ids, paths or quotes of one task.

Shapes propose, the episode decides: a literal is reported only if it occurs there too, and only if it is not a word of
the trade (utf-8, HTTP/2, /etc/hosts, 8080). A false alarm costs the agent a rewording, a miss leaves one id in the bank.
"""

import re

MOST = 10
LONGEST = 80

_ENDS = r"(?<![\w/.-])", r"(?![\w-])"
_SHAPES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b[a-z][a-z0-9+.-]{1,15}://[^\s\"'`<>()\[\]{}]{3,500}",  # URLs
        r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}",  # mail addresses
        r"(?<![\w/.~-])(?:~|\.{1,2})?(?:/[\w.@+-]{1,100}){2,30}/?",  # /a/b, ~/a/b, ./a/b
        r"(?<![\w/.~-])(?:~|\.{1,2})?/[\w.@+-]{1,100}",  # /a, ~/a
        r"(?<![\w/.~-])[\w.@+-]{1,100}(?:/[\w.@+-]{1,100}){0,30}/[\w@+-][\w.@+-]{0,99}\.[A-Za-z]\w{0,7}\b",  # a/b.py
        r"\b[A-Za-z]:\\[^\s\"'`<>|?*:]{2,200}",  # C:\a\b
        r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
        r"(?<![\w.-])\d{4}-\d\d-\d\d(?![\w-])",
        r"(?<![\w.,-])\$?\d{1,3}(?:,\d{3})+(?![\w-])",
        r"(?<![\w&])#\d{2,}\b",
        r"(?<![\w./@-])(?=[\w-]*\d)\w+(?:-\w+)*(?![\w@])",  # ids and numbers: any word with a digit
    )
)  # fmt: skip
_QUOTED = re.compile(
    r"(?<!\w)(?:'([^'\n]{3,200})'|\"([^\"\n]{3,200})\"|`([^`\n]{3,200})`|“([^”\n]{3,200})”|‘([^’\n]{3,200})’)(?!\w)"
)

_TRADE = re.compile(  # words with digits that any programmer knows
    r"(?:utf|iso|sha|md|base|crc|aes|rsa|des|ed|x|p|rfc|pep|ieee|http|h|tls|ssl|ipv|oauth|u?int|float|complex|bf|fp|i|f|u"
    r"|amd|arm|win|cp|latin|ascii|es|ecma|ts|vue|angular|py|python|pip|node|java|jdk|php|ruby|go|rust|net|c|gcc|clang|cuda"
    r"|ubuntu|debian|postgres(?:ql)?|mysql|redis|gpt|claude|llama|gemini|o|s|ec|k|l|b|a|e|m|mp|log|atan|exp|v|version|step"
    r"|phase|level|layer|type|tier|top|tests?|part|case|day|week|web|log|neo|bs|q|n|d|psycopg|sqlite|h)"
    r"[-_ ]?\d{1,4}[a-z]{0,6}(?:[-_.]\d{1,4})*(?:[-_](?:sum|encoded?|bit|sig|dev|hmac|sha\d*|le|be|[a-z]+))?"
    r"|sha\d?-?\d{3}|iso-?\d{4,5}(?:-\d)?|i18n|l10n|a11y|k8s|[1-5]xx|x86[-_]64|h26[45]|[ewfcrbndst]\d{3,4}|(?:plw|ruf|sc|ts|cs)\d{3,4}"
    r"|\d+(?:st|nd|rd|th|x|d|h|s|ms|kb|mb|gb|px|k|bit|bits|am|pm|m|min|vcpu)|\d+-\w*[a-z]{3,}\w*(?:-[a-z]+)*|0x[0-9a-f]{1,8}",
    re.IGNORECASE,
)
_KNOWN_NUMBERS = frozenset(
    "1000 1024 1433 1500 2048 3000 3001 3306 3600 4000 4096 4200 5000 5173 5432 5672 6379 6443 7200 8000 8080 8081 8192 8443"
    " 8888 9000 9090 9092 9200 10000 11434 15000 16384 20000 27017 30000 32767 32768 50000 60000 65535 65536 86400 100000"
    " 1000000 2147483647".split()
)
_KNOWN_PATHS = re.compile(
    r"/(?:tmp|dev|etc|usr|var|opt|bin|sbin|proc|sys|home|root|mnt|lib|run|srv|app|api)(?:/(?:null|zero|stdin|stdout|stderr|u?random|hosts"
    r"|passwd|group|fstab|resolv\.conf|crontab|cron\.d|ssh|nginx|systemd|os-release|sudoers|sh|bash|env|python3?|bin|local|share|lib|log"
    r"|run|tmp|cpuinfo|meminfo|self|v\d))*/?"
    r"|/[\w.@+-]+|~/\.[\w.-]+(?:/(?:config|known_hosts|authorized_keys))?"
    r"|\.?\.?/?(?:\.git|\.github|\.vscode|\.ssh|\.venv|node_modules|tests?|src)/(?:workflows|config|settings\.json|hooks|conftest\.py"
    r"|__init__\.py|index\.[jt]sx?|main\.\w+|bin|authorized_keys)"
)
_PLAIN_WORD = re.compile(  # of a quotation: a lower-case word or name, a flag, a constant, an error's name
    r"-{0,2}[a-z][a-z_.()=-]*|[A-Z][A-Z_]*|(?:[A-Z][a-z]+)+(?:Error|Exception|Warning)|__?\w+__?"
    r"|True|False|None|Yes|No|Ok|Submit|Save|Cancel|Next|Back|Search|Login|Delete|Edit|Add|Close|Open|Done|Continue|Confirm"
)
_COMMAND = re.compile(r"[a-z][\w.-]*(?: (?:[a-z_./*=-]|-[A-Z])[a-z_.:/*=-]*)*")


def find_literals(lesson: str, episode_text: str) -> list[str]:
    """The literals of the episode that the lesson carries: in order, once each, at most 10, cut to 80 characters.

    `lesson` is title, description and content by lines; `episode_text` the task and the trajectory.
    """
    found = [*_quotations(lesson, episode_text), *_ids(lesson, episode_text)]
    literals: dict[str, None] = {}
    covered = 0
    for start, negative_end, literal in sorted(found):
        if -negative_end > covered:
            literals.setdefault(literal[:LONGEST])
            covered = -negative_end
    return list(literals)[:MOST]


def _ids(lesson: str, episode_text: str) -> list[tuple[int, int, str]]:
    """Places and texts of what has the shape of an id. Ends are negative: of two that start together the longer wins."""
    return [
        (found.start(), -(found.start() + len(literal)), literal)
        for shape in _SHAPES
        for found in shape.finditer(lesson)
        if (literal := found[0].rstrip(".,;:!?-")) and _is_specific(literal) and _stands_in(literal, episode_text)
    ]


def _is_specific(literal: str) -> bool:
    if re.search(r"[/\\@]", literal):
        return not _KNOWN_PATHS.fullmatch(literal) and "localhost" not in literal
    digits = sum(map(str.isdigit, literal))
    if digits == len(literal):
        return digits >= 4 and literal not in _KNOWN_NUMBERS and not re.fullmatch(r"(?:19|20)\d\d", literal)
    if literal[0] in "#$" or re.fullmatch(r"[\d,]+|\d{4}-\d\d-\d\d", literal):
        return True
    return not _TRADE.fullmatch(literal) and _is_id(literal)


def _is_id(word: str) -> bool:
    """Letters and digits mixed as people do not write: HAT136, ZFA04Y, ABC-123, user_id_4421, 4a8c6fc."""
    digits = re.findall(r"\d+", word)
    capitals = re.fullmatch(r"[A-Z0-9]+(?:-[A-Z0-9]+)*", word) is not None
    return (
        max(map(len, digits)) >= 3
        or (capitals and len(word) >= 5)
        or (len(digits) >= 2 and len(word) >= 6)
    )


def _stands_in(literal: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(literal)}(?![A-Za-z0-9])", text) is not None


def _quotations(lesson: str, episode_text: str) -> list[tuple[int, int, str]]:
    found = [(quote, next(filter(None, quote.groups()))) for quote in _QUOTED.finditer(lesson)]
    specific = [(quote, words) for quote, words in found if not _is_plain(words, quote[0][0])]
    if not specific:
        return []
    text = _folded(episode_text)
    return [(quote.start(), -quote.end(), words) for quote, words in specific if _folded(words) in text]


def _is_plain(words: str, mark: str) -> bool:
    words = words.strip()
    if " " in words:
        return mark == "`" and _COMMAND.fullmatch(words) is not None
    with_digit = any(map(str.isdigit, words))
    return bool(_PLAIN_WORD.fullmatch(words)) or bool(re.search(r"[/\\@]", words) or with_digit) and not _is_specific(words)


def _folded(text: str) -> str:
    """White space as single blanks, also where JSON has escaped it, and quotes unescaped."""
    return re.sub(r"(?:\s|\\[nrt])+", " ", text.replace('\\"', '"')).strip()
