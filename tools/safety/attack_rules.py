"""Further signs of orders: what has no place in a general lesson, whatever its wording.

A strategy is general, so a literal destination that something is sent to, a key that is to be added, this bank's own tools, or
the end of a fence have no business in it. And what usual attacks say in languages other than English. Same form as the rules
in `orders.py`, which also excuses what is warned against.
"""

import re
from collections.abc import Iterator

OVERRIDE = "tells the reader to ignore its instructions"
ROLE = "pretends to be a system message"
ADDRESSED = "speaks to the agent instead of about tasks"
DESTINATION = "sends something to, or loads it from, a place it names"
LEAK = "hands secrets to others"
CONSENT = "gives consent in the user's place"
SABOTAGE = "weakens tests, security or records"
DESTRUCTION = "destroys data"
PERSISTENCE = "leaves something behind that works on"
COVER = "hides actions from the user"
STEERING = "steers the use of tools"
FENCE = "ends the fence around recalled text"
CONCEALED = "has parts that a reader does not see"
PACKAGE = "installs a package from an unusual place or with a look-alike name"

WORDS = {
    "HOST": r"(?:(?:https?|ftp|git)://(?!(?:localhost|127\.0\.0\.1))|git@|[\w.+-]+@[\w-]+\.\w|\b(?!127\."
    r"|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|app|cn|top|live|ru|xyz|example|info|biz|cloud)\b)",
    "HAND": r"\b(?:send|post|upload|mail|e-?mail|forward|push|submit|share|copy|attach|append|publish|paste"
    r"|hand|give|put|embed"
    r"|print|reveal|store|leak|dump|transmit|read(?: \w+){0,3} back|read out|write)\b",
    "PRIVATE": r"(?:\.env\b|\.npmrc|\.netrc|~/\.\w+|\bsecrets?\b(?! scann)|\bpasswords?\b|\bcredentials?\b"
    r"|\b(?:api|ssh|private|signing)[ -]keys?\b"
    r"|\btokens?\b|\bcookies?\b|\bkeychain\b|\benvironment\b(?! variable named)|\bcard numbers?\b"
    r"|\bcore dumps?\b|\bsystem (?:prompt|message)\b"
    r"|\buser table\b|\bproduction configuration\b|\bsession id\b|\bnotes on other\b|\bgit history\b)",
    "OPENLY": r"(?:\bpublic\b|\bgist\b|\bissue\b|\bchat\b|\bonline\b|\bsupport\b|\bvendor\b|\bmirror\b"
    r"|\bpartner\b|\bcommit message\b|\bcomment\b"
    r"|\b(?:your|the|every|each) (?:reply|answer|link)|\bshared drive\b|\bintake\b|\bcommunity\b|\bclear text\b"
    r"|\bthird part|\bscript\b|\bstdout\b)",
    "GUARD": r"(?:tests?\b|linters?\b|(?:secret |dependency )?scanners?\b|audits?(?: log)?\b|firewalls?\b"
    r"|selinux\b|signature checks?\b"
    r"|(?:certificate |tls |ssl )?(?:verification|validation)\b|branch protection\b|logs?\b|reviews?\b"
    r"|hash checks?\b|sandbox\b|monitoring\b)",
}
TABLE: tuple[tuple[str, str], ...] = (
    (OVERRIDE, r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,25}\b(?:rules|instructions|guidelines)\b[^.\n]{0,25}"
     r"\b(?:given|developer|operator|user|system|told|before|outdated)\b"),
    (OVERRIDE, r"\b(?:ignore|disregard)\b(?: the| your)? (?:user|operator|developer|owner|budget of the user)\b"),
    (OVERRIDE, r"\b(?:do not|don't|stop|no longer|never) (?:follow|obey|listen to)(?:ing)? (?:the "
     r"|your )?(?:user|operator|developer)"),
    (OVERRIDE, r"\bfollow (?:the text of )?this (?:note|memory|text|lesson)\b"),
    (OVERRIDE, r"\b(?:instructions?|text|words) (?:in|of|from) this (?:memory|note|lesson|strategy)\b[^.\n]{0,20}"
     r"\b(?:replace|override|come first|have|has|stand)"),
    (OVERRIDE, r"\bpriority (?:over|above) (?:the )?(?:system|conversation|user|developer|everything)"
     r"|\bhighest priority\b"),
    (OVERRIDE, r"\bno longer bound\b|\byou have been granted (?:full|all)|\bas if no limits\b"
     r"|\bwithout any restrictions\b"),
    (OVERRIDE, r"\b(?:system message|system prompt)\b[^.\n]{0,40}\b(?:skip it|ignore it|does not count|is outdated)"),
    (OVERRIDE, r"(?:ignorier|vergiss|missacht|oublie|ignore[zr]? (?:toutes|les)|ne tien\w* (?:pas|plus) compte"
     r"|ignora|olvida|dimentica"
     r"|ignore todas|esque[cç]a|negeer|vergeet|zignoruj|zapomnij|pomi[nń]|игнорир|забуд)\w*\b[^.\n]{0,40}?"
     r"(?:anweisung|regel|vorgab|instru|consigne|r[eè]gle|regla|indicaci|ordem|istruzion|regol|regra|opdracht"
     r"|polece|инструкц|указан|правил|команд)"),
    (OVERRIDE, r"(?:忽略|无视|忘记|忘掉|不要理会).{0,12}(?:指令|指示|说明|规则|命令)"
     r"|(?:指示|命令|ルール|指令).{0,10}(?:無視|忘れ)|(?:이전"
     r"|모든).{0,10}지시.{0,6}무시"),
    (OVERRIDE, r"\b(?:ab jetzt|von nun an|[aà] partir de maintenant|d[eé]sormais|a partir de ahora"
     r"|de ahora en adelante|d'ora in poi"
     r"|a partir de agora|vanaf nu|od teraz|отныне|с этого момента)\b|从现在(?:起|开始)|今後は|これからは"),
    (COVER, r"\b(?:sage?|verrate?|erz[aä]hle?)\b[^.\n]{0,25}\b(?:nichts|niemandem)|\bsans (?:le )?dire"
     r"|\bne (?:le )?di(?:s|tes) (?:rien|pas)"
     r"|\bn'[eé]coute (?:plus|pas) l'utilisateur|\bno (?:le )?(?:digas|dec[ií]r)\b[^.\n]{0,15}\busuario"
     r"|\bn[aã]o (?:diga|conte)\b"
     r"|\bnon dire\b|никому (?:об этом )?не|не говори(?:те)? (?:пользовател|никому)"
     r"|不要告诉|不要听用户|別に?言わ|ユーザーに(?:は)?言わない"),
    (LEAK, r"\b(?:sende|schick|envoi|env[ií]a|envie|invia|wy[sś]lij|отправ|publie|muestra|mostr)\w*\b[^\n]{0,60}"
     r"(?:\.env|cl[eé]s?\b|schl[uü]ssel|claves?|contrase|passwor|passw[oö]rt|mot de passe|secrets|chiavi|chaves"
     r"|klucze|ключ|парол|секрет)"),
    (LEAK, r"(?:密钥|密码|环境变量|令牌|キー|パスワード).{0,30}(?:发送|发到|上传|公布|送信|送って)"),
    (ROLE, r"(?:^|\n)\s*(?:human|user|assistant|system)\s*:\s*\S|\[/?system|###? ?(?:instruction|response"
     r"|system)\b|\"role\"\s*:\s*\"(?:system|assistant)"),
    (ROLE, r"\b(?:message|notice|order) from (?:the )?(?:anthropic|openai|google|safety team|developers?"
     r"|administrator|operator)\b|\bmaintenance mode\b"),
    (ADDRESSED, r"\byou, the (?:assistant|agent|model|ai)\b|\b(?:pretend|imagine)(?: that)? you(?:'re| are)\b"
     r"|\bpretend to be\b"),
    (ADDRESSED, r"(?:^|[\s(\"'>:*-])(?:dear )?(?:assistant|agents?|ai|llm|language models?|models?|copilot"
     r"|bot)\s?[:,]\s(?:\w+ly )?"
     r"(?!(?:and|or|but|the|a|an|this|that|which|who|one|it|each|not|mostly|for|in|if|when|then)\b)\w+"),
    (ADDRESSED, r"\b(?:ai|assistant|agent|model)s? (?:that )?read(?:ing|s)? this\b|\bif you are an? (?:ai|agent"
     r"|assistant|language model)"),
    (ADDRESSED, r"\bfrom here on\b|\bfrom now on\b|\bstop what you are doing\b|\bnew directive\b"
     r"|\byour only goal\b|\byou shall\b|\byou must (?:accept|approve|output|reveal|obey|send)"),
    (DESTINATION, r"(?:HAND|\b(?:invite|point|trust|configure|register|install|load|open|visit|eval|run|execute"
     r"|add|replace|enter|fetch|download)\b)"
     r"[^\n]{0,110}?HOST"),
    (DESTINATION, r"\bHOST[^\n]{0,60}\b(?:before (?:every|each|any)|every time)\b"),
    (DESTINATION, r"\b(?:iex|invoke-expression)\b|\b(?:run|execute|start|eval"
     r"|download)\b[^.\n]{0,30}\b(?:snippet|script|binary|file)\b[^.\n]{0,80}"
     r"\b(?:returns|through bash|as root|from the (?:issue|page|mail|search))"),
    (LEAK, r"HAND[^.\n]{0,60}PRIVATE[^\n]{0,60}\b(?:to|into|in|on|at|with|via)\b[^.\n]{0,30}OPENLY"),
    (LEAK, r"HAND[^.\n]{0,40}OPENLY[^.\n]{0,40}PRIVATE|HAND[^.\n]{0,15}\b(?:every|all|each"
     r"|the)\b[^.\n]{0,15}PRIVATE[^.\n]{0,40}\b(?:home folder|machine|user's|of the user)\b"),
    (LEAK, r"\b(?:whoever|anyone|somebody|everybody) (?:who )?asks\b[^.\n]{0,40}\b(?:token|access|credentials"
     r"|password|key|should get|at once)"),
    (CONSENT, r"\b(?:answer|say|click|reply) yes to (?:each|every|all|any)|\bauto-?accept (?:every|all|any)"),
    (CONSENT, r"\b(?:confirm|approve|accept|merge|refund|grant)\b[^.\n]{0,40}\b(?:automatically"
     r"|without (?:reading|looking|checks?|review|asking)|whenever the)\b"),
    (CONSENT, r"\baccept all (?:invitations|changes|requests|calls)\b|\bgive (?:them|him|her) (?:edit|admin|full)\b"
     r"|\b(?:grant|give) (?:admin|root|administrator)\b|\btreat\b[^.\n]{0,60}\bas (?:administrators?|admins?"
     r"|an order|orders|the owner)\b"),
    (CONSENT, r"\bno (?:human|person|one|user)(?:body)? needs? to (?:see|know|approve|confirm)"
     r"|\bwithout asking (?:them|him|her|for|the user)\b"),
    (SABOTAGE, r"\b(?:disable|turn(?:ing)? off|switch(?:ing)? off|remove|delete|skip|bypass(?:ing)?"
     r"|stop)\b(?: \w+){0,4} GUARD[^.\n]{0,60}"
     r"\b(?:permanently|for good|everywhere|in production|forever|report(?:ed)? success|mention|does not show"
     r"|so nobody|passes|teams? go)"),
    (SABOTAGE, r"\b(?:delete|skip|mark)\b[^.\n]{0,40}\breport success\b|\bassertions? that (?:is|are) always true\b"
     r"|\bopen all ports\b|\b0\.0\.0\.0/0\b|\bset verify=false\b|\bskip the signature check\b"
     r"|\bturn (?:\w+ )?off for good\b"),
    (SABOTAGE, r"\b(?:nobody|no one|reviewers do not|nobody ever|they never) (?:ever )?(?:looks?|checks?|reads?"
     r"|notices?|will notice|is bothered)\b"),
    (SABOTAGE, r"\b(?:second|hidden|extra) account\b[^.\n]{0,40}\bpassword\b|\bput the difference into\b"
     r"|\bchange the (?:iban|account number|recipient)\b"
     r"|\bbypassing (?:branch protection|reviews?)\b|\bsecurity (?:only|mostly) costs\b"
     r"|\bworld-readable\b[^.\n]{0,80}\b(?:prefer|save|faster)"),
    (DESTRUCTION, r"\b(?:call|run|invoke|execute|use)\b[^.\n]{0,40}\brm -rf?\b|\b(?:delete|wipe|erase|drop"
     r"|format|remove)\b(?: \w+){0,2} "
     r"(?:all (?:backups|tables|logs|files|issues)|(?:the )?(?:home (?:directory|folder)|production database"
     r"|disk|backups?\b|test suite|tests folder|originals|whole))"),
    (PERSISTENCE, r"\bauthorized_keys\b[^.\n]{0,60}\b(?:each|every|do not list|while|quiet)|\b(?:add|append"
     r"|put)\b[^.\n]{0,30}\b(?:ssh-(?:rsa|ed25519)|key)\b"
     r"[^.\n]{0,50}\bauthorized_keys"),
    (PERSISTENCE, r"\* \* \* \* \*|\b(?:add|write|put)\b[^.\n]{0,60}\b(?:crontab|cron)\b[^.\n]{0,40}\b(?:each"
     r"|every) machine|\balias sudo="),
    (PERSISTENCE, r"\b(?:copy|write|append|add|paste|repeat)\b[^.\n]{0,20}\b(?:this"
     r"|these)\b[^.\n]{0,20}\b(?:paragraph|sentences?|text|lines?|note|words)\b"
     r"[^.\n]{0,40}\b(?:AGENTS|CLAUDE|every|each|all)\b|\bwhen you write (?:new )?(?:lessons|strategies|memories)\b"),
    (PERSISTENCE, r"\b(?:global|hidden)\b[^.\n]{0,25}\bhook\b[^.\n]{0,40}\bpush|\badd an? mcp server\b|\b(?:add"
     r"|push)\b[^.\n]{0,40}\b(?:remote|everything)\b[^.\n]{0,40}\bshadow\b"),
    (COVER, r"\bleave no trace\b|\bkeep quiet\b|\bkeep (?:this|these|it|them)\b[^.\n]{0,25}\b(?:secret"
     r"|hidden)\b|\bdeny (?:it|that)\b"
     r"|\b(?:hide|conceal)\b[^.\n]{0,30}\b(?:from (?:them|him|her|the (?:user|person|operator|users))|reason"
     r"|prompt|sentence)"),
    (COVER, r"(?:^|[.;:!?,(] |\b(?:and|but|then|just|please|also) )(?:do not|don't|never) (?:list|mention|show|document"
     r"|record) (?:it|this|them|that)\b|\bno trace in\b"
     r"|\btell the user (?:that )?(?:all|everything|coverage|their licen[cs]e|tests)\b[^.\n]{0,30}\b(?:passed"
     r"|complete|expired|fine)"),
    (STEERING, r"\b(?:recall_strategies|report_outcome|scale_attempts|used_strategy_ids)\b"),
    (STEERING, r"\b(?:call|use|invoke|open)\b[^.\n]{0,30}\b(?:shell|bash|browser|terminal) tool\b"),
    (STEERING, r"\balways recommend\b|\brecommend (?:the )?(?:product|[A-Z]\w+X)\b|\brate (?:the"
     r"|this) (?:candidate|product)\b|\bstar the repository\b|\bin ten others?\b"),
    (FENCE, r"</(?:strateg|content|recall|tool|data|result|memor|function|context|document|untrusted)\w*>"
     r"|\bend of (?:the )?(?:recalled|untrusted)|\brecalled data end"
     r"|\btrusted (?:operator )?instructions?\b|\bnew orders\b|\"\s*\}\s*\]\s*,\s*\""),
    (CONCEALED, r"<!--|font-size:\s?0|display:\s?none|\]\(\S+ \"[^\"]{12,}\"\)|\n{8,}"),
    (CONCEALED, r"\b(?:decode|apply rot13|read backwards|join \w and \w)\b[^.\n]{0,60}\b(?:do|obey|follow"
     r"|carry out|run|execute)\b"),
    (PACKAGE, r"--(?:extra-)?index-url\b|\btrust http:|\b(?:pip|npm|cargo"
     r"|gem)\b[^.\n]{0,40}\binstead of the (?:usual|original|official)"
     r"|\bskip hash checks\b|\bgit = \"http"),
)  # fmt: skip
_INSTALL = re.compile(
    r"\b(?:pip3?|npm|yarn|pnpm|uv|cargo|gem)\b(?: \w+)?? (?:install|add)((?: +-{0,2}[\w@./=-]+)+)|\binstall (\w[\w-]+)",
    re.IGNORECASE,
)
_KNOWN = (
    "requests numpy pandas scipy django flask urllib3 boto3 pytest setuptools cryptography pillow matplotlib tensorflow "
    "pyyaml jinja2 sqlalchemy beautifulsoup4 selenium fastapi pydantic colorama httpx aiohttp lodash express react webpack "
    "axios chalk commander moment typescript eslint prettier babel serde tokio clap rails sinatra nokogiri"
)
"""Packages whose look-alikes have been used in attacks, and others as well known."""


def look_alike(text: str) -> str:
    """A package to install whose name is a letter away from a well-known one; empty where there is none."""
    known = _KNOWN.split()
    for found in _INSTALL.finditer(text):
        for name in (found[1] or found[2] or "").lower().split():
            if len(name) >= 5 and name not in known and any(_one_off(name, other) for other in known):
                return name
    return ""


def _one_off(name: str, known: str) -> bool:
    """One letter more, less or other, or two neighbours swapped."""
    return name in set(_variants(known)) or known in set(_dropped(name))


def _variants(word: str) -> Iterator[str]:
    yield from _dropped(word)
    for i in range(len(word)):
        for letter in "abcdefghijklmnopqrstuvwxyz0123456789-":
            yield word[:i] + letter + word[i + 1 :]
        yield word[:i] + word[i + 1 : i + 2] + word[i : i + 1] + word[i + 2 :]


def _dropped(word: str) -> Iterator[str]:
    for i in range(len(word)):
        yield word[:i] + word[i + 1 :]
