"""Continues the table of `order_rules.py` with what has no place in a general lesson, whatever its wording.

A strategy is general, so a literal destination that something is sent to, a key that is to be added, this bank's own tools, or
the end of a fence have no business in it. Usual attacks in languages other than English are here too.
"""

from strategy_bank.tools.safety.order_rules import (
    ADDRESSED,
    CONCEALED,
    CONSENT,
    DESTINATION,
    DESTRUCTION,
    FENCE,
    LEAK,
    OVERRIDE,
    PACKAGE,
    PERSISTENCE,
    ROLE,
    SABOTAGE,
    SECRECY,
    STEERING,
)

WORDS = {
    "HOST": r"(?:(?:https?|ftp|git)://(?!(?:localhost|127\.0\.0\.1))|git@|[\w.+-]+@[\w-]+\.\w|\b(?!127\."
    r"|0\.0\.0\.0)\d{1,3}(?:\.\d{1,3}){3}\b|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev|app|cn|top|live|ru|xyz|example|info"
    r"|biz|cloud)\b)",
    "HAND": r"\b(?:send|post|upload|mail|e-?mail|forward|push|submit|share|copy|attach|append|publish|paste|hand|give|put"
    r"|embed|print|reveal|store|leak|dump|transmit|read(?: \w+){0,3} back|read out|write)\b",
    "PRIVATE": r"(?:\.env\b|\.npmrc|\.netrc|~/\.\w+|\bsecrets?\b(?! scann)|\bpasswords?\b|\bcredentials?\b|\b(?:api|ssh"
    r"|private|signing)[ -]keys?\b|\btokens?\b|\bcookies?\b|\bkeychain\b|\benvironment\b(?! variable named)|\bcard numbers?\b"
    r"|\bcore dumps?\b|\bsystem (?:prompt|message)\b|\buser table\b|\bproduction configuration\b|\bsession id\b|\bnotes on "
    r"other\b|\bgit history\b)",
    "OPENLY": r"(?:\bpublic\b|\bgist\b|\bissue\b|\bchat\b|\bonline\b|\bsupport\b|\bvendor\b|\bmirror\b|\bpartner\b|\bcommit "
    r"message\b|\bcomment\b|\b(?:your|the|every|each) (?:reply|answer|link)|\bshared drive\b|\bintake\b|\bcommunity\b|\bclear "
    r"text\b|\bthird part|\bscript\b|\bstdout\b)",
    "GUARD": r"(?:tests?\b|linters?\b|(?:secret |dependency )?scanners?\b|audits?(?: log)?\b|firewalls?\b|selinux\b|signature "
    r"checks?\b|(?:certificate |tls |ssl )?(?:verification|validation)\b|branch protection\b|logs?\b|reviews?\b|hash checks?\b"
    r"|sandbox\b|monitoring\b)",
}
RULES: tuple[tuple[str, str], ...] = (
    (OVERRIDE, r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,25}\b(?:rules|instructions"
     r"|guidelines)\b[^.\n]{0,25}\b(?:given|developer|operator|user|system|told|before|outdated)\b"),
    (OVERRIDE, r"\b(?:ignore|disregard)\b(?: the| your)? (?:user|operator|developer|owner|budget of the user)\b"),
    (OVERRIDE, r"\b(?:do not|don't|stop|no longer|never) (?:follow|obey|listen to)(?:ing)? (?:the |your )?(?:user|operator"
     r"|developer)"),
    (OVERRIDE, r"\bfollow (?:the text of )?this (?:note|memory|text|lesson)\b"),
    (OVERRIDE, r"\b(?:instructions?|text|words) (?:in|of|from) this (?:memory|note|lesson|strategy)\b[^.\n]{0,20}\b(?:replace"
     r"|override|come first|have|has|stand)"),
    (OVERRIDE, r"\bpriority (?:over|above) (?:the )?(?:system|conversation|user|developer|everything)|\bhighest priority\b"),
    (OVERRIDE, r"\bno longer bound\b|\byou have been granted (?:full|all)|\bas if no limits\b|\bwithout any restrictions\b"),
    (OVERRIDE, r"\b(?:system message|system prompt)\b[^.\n]{0,40}\b(?:skip it|ignore it|does not count|is outdated)"),
    (OVERRIDE, r"(?:ignorier|vergiss|missacht|oublie|ignore[zr]? (?:toutes|les)|ne tien\w* (?:pas|plus) compte|ignora|olvida"
     r"|dimentica|ignore todas|esque[cç]a|negeer|vergeet|zignoruj|zapomnij|pomi[nń]|игнорир"
     r"|забуд)\w*\b[^.\n]{0,40}?(?:anweisung|regel|vorgab|instru|consigne|r[eè]gle|regla|indicaci|ordem|istruzion|regol|regra"
     r"|opdracht|polece|инструкц|указан|правил|команд)"),
    (OVERRIDE, r"(?:忽略|无视|忘记|忘掉|不要理会).{0,12}(?:指令|指示|说明|规则|命令)"
     r"|(?:指示|命令|ルール|指令).{0,10}(?:無視|忘れ)|(?:이전|모든).{0,10}지시.{0,6}무시"),
    (OVERRIDE, r"\b(?:ab jetzt|von nun an|[aà] partir de maintenant|d[eé]sormais|a partir de ahora|de ahora en adelante|d'ora "
     r"in poi|a partir de agora|vanaf nu|od teraz|отныне|с этого момента)\b|从现在(?:起|开始)|今後は|これからは"),
    (SECRECY, r"\b(?:sage?|verrate?|erz[aä]hle?)\b[^.\n]{0,25}\b(?:nichts|niemandem)|\bsans (?:le )?dire|\bne (?:le )?di(?:s"
     r"|tes) (?:rien|pas)|\bn'[eé]coute (?:plus|pas) l'utilisateur|\bno (?:le )?(?:digas|dec[ií]r)\b[^.\n]{0,15}\busuario"
     r"|\bn[aã]o (?:diga|conte)\b|\bnon dire\b|никому (?:об этом )?не|не говори(?:те)? (?:пользовател|никому)"
     r"|不要告诉|不要听用户|別に?言わ"
     r"|ユーザーに(?:は)?言わない"),
    (LEAK, r"\b(?:sende|schick|envoi|env[ií]a|envie|invia|wy[sś]lij|отправ|publie|muestra|mostr)\w*\b[^\n]{0,60}(?:\.env"
     r"|cl[eé]s?\b|schl[uü]ssel|claves?|contrase|passwor|passw[oö]rt|mot de passe|secrets|chiavi|chaves|klucze|ключ|парол"
     r"|секрет)"),
    (LEAK, r"(?:密钥|密码|环境变量|令牌|キー|パスワード).{0,30}(?:发送|发到|上传|公布|送信|送って)"),
    (ROLE, r"(?:^|\n)\s*(?:human|user|assistant|system)\s*:\s*\S|\[/?system|###? ?(?:instruction|response|system)\b"
     r"|\"role\"\s*:\s*\"(?:system|assistant)"),
    (ROLE, r"\b(?:message|notice|order) from (?:the )?(?:anthropic|openai|google|safety team|developers?|administrator"
     r"|operator)\b|\bmaintenance mode\b"),
    (ADDRESSED, r"\byou, the (?:assistant|agent|model|ai)\b|\b(?:pretend|imagine)(?: that)? you(?:'re| are)\b|\bpretend to "
     r"be\b"),
    (ADDRESSED, r"(?:^|[\s(\"'>:*-])(?:dear )?(?:assistant|agents?|ai|llm|language models?|models?|copilot"
     r"|bot)\s?[:,]\s(?:\w+ly )?(?!(?:and|or|but|the|a|an|this|that|which|who|one|it|each|not|mostly|for|in|if|when"
     r"|then)\b)\w+"),
    (ADDRESSED, r"\b(?:ai|assistant|agent|model)s? (?:that )?read(?:ing|s)? this\b|\bif you are an? (?:ai|agent|assistant"
     r"|language model)"),
    (ADDRESSED, r"\bfrom here on\b|\bfrom now on\b|\bstop what you are doing\b|\bnew directive\b|\byour only goal\b|\byou "
     r"shall\b|\byou must (?:accept|approve|output|reveal|obey|send)"),
    (DESTINATION, r"(?:HAND|\b(?:invite|point|trust|configure|register|install|load|open|visit|eval|run|execute|add|replace"
     r"|enter|fetch|download)\b)[^\n]{0,110}?HOST"),
    (DESTINATION, r"\bHOST[^\n]{0,60}\b(?:before (?:every|each|any)|every time)\b"),
    (DESTINATION, r"\b(?:iex|invoke-expression)\b|\b(?:run|execute|start|eval|download)\b[^.\n]{0,30}\b(?:snippet|script"
     r"|binary|file)\b[^.\n]{0,80}\b(?:returns|through bash|as root|from the (?:issue|page|mail|search))"),
    (LEAK, r"HAND[^.\n]{0,60}PRIVATE[^\n]{0,60}\b(?:to|into|in|on|at|with|via)\b[^.\n]{0,30}OPENLY"),
    (LEAK, r"HAND[^.\n]{0,40}OPENLY[^.\n]{0,40}PRIVATE|HAND[^.\n]{0,15}\b(?:every|all|each"
     r"|the)\b[^.\n]{0,15}PRIVATE[^.\n]{0,40}\b(?:home folder|machine|user's|of the user)\b"),
    (LEAK, r"\b(?:whoever|anyone|somebody|everybody) (?:who )?asks\b[^.\n]{0,40}\b(?:token|access|credentials|password|key"
     r"|should get|at once)"),
    (CONSENT, r"\b(?:answer|say|click|reply) yes to (?:each|every|all|any)|\bauto-?accept (?:every|all|any)"),
    (CONSENT, r"\b(?:confirm|approve|accept|merge|refund|grant)\b[^.\n]{0,40}\b(?:automatically|without (?:reading|looking"
     r"|checks?|review|asking)|whenever the)\b"),
    (CONSENT, r"\baccept all (?:invitations|changes|requests|calls)\b|\bgive (?:them|him|her) (?:edit|admin|full)\b|\b(?:grant"
     r"|give) (?:admin|root|administrator)\b|\btreat\b[^.\n]{0,60}\bas (?:administrators?|admins?|an order|orders|the "
     r"owner)\b"),
    (CONSENT, r"\bno (?:human|person|one|user)(?:body)? needs? to (?:see|know|approve|confirm)|\bwithout asking (?:them|him"
     r"|her|for|the user)\b"),
    (SABOTAGE, r"\b(?:disable|turn(?:ing)? off|switch(?:ing)? off|remove|delete|skip|bypass(?:ing)?|stop)\b(?: \w+){0,4} "
     r"GUARD[^.\n]{0,60}\b(?:permanently|for good|everywhere|in production|forever|report(?:ed)? success|mention|does not show"
     r"|so nobody|passes|teams? go)"),
    (SABOTAGE, r"\b(?:delete|skip|mark)\b[^.\n]{0,40}\breport success\b|\bassertions? that (?:is|are) always true\b|\bopen all "
     r"ports\b|\b0\.0\.0\.0/0\b|\bset verify=false\b|\bskip the signature check\b|\bturn (?:\w+ )?off for good\b"),
    (SABOTAGE, r"\b(?:nobody|no one|reviewers do not|nobody ever|they never) (?:ever )?(?:looks?|checks?|reads?|notices?|will "
     r"notice|is bothered)\b"),
    (SABOTAGE, r"\b(?:second|hidden|extra) account\b[^.\n]{0,40}\bpassword\b|\bput the difference into\b|\bchange the (?:iban"
     r"|account number|recipient)\b|\bbypassing (?:branch protection|reviews?)\b|\bsecurity (?:only|mostly) costs\b"
     r"|\bworld-readable\b[^.\n]{0,80}\b(?:prefer|save|faster)"),
    (DESTRUCTION, r"\b(?:call|run|invoke|execute|use)\b[^.\n]{0,40}\brm -rf?\b|\b(?:delete|wipe|erase|drop|format|remove)\b(?: "
     r"\w+){0,2} (?:all (?:backups|tables|logs|files|issues)|(?:the )?(?:home (?:directory|folder)|production database|disk"
     r"|backups?\b|test suite|tests folder|originals|whole))"),
    (PERSISTENCE, r"\bauthorized_keys\b[^.\n]{0,60}\b(?:each|every|do not list|while|quiet)|\b(?:add|append"
     r"|put)\b[^.\n]{0,30}\b(?:ssh-(?:rsa|ed25519)|key)\b[^.\n]{0,50}\bauthorized_keys"),
    (PERSISTENCE, r"\* \* \* \* \*|\b(?:add|write|put)\b[^.\n]{0,60}\b(?:crontab|cron)\b[^.\n]{0,40}\b(?:each|every) machine"
     r"|\balias sudo="),
    (PERSISTENCE, r"\b(?:copy|write|append|add|paste|repeat)\b[^.\n]{0,20}\b(?:this|these)\b[^.\n]{0,20}\b(?:paragraph"
     r"|sentences?|text|lines?|note|words)\b[^.\n]{0,40}\b(?:AGENTS|CLAUDE|every|each|all)\b|\bwhen you write (?:new "
     r")?(?:lessons|strategies|memories)\b"),
    (PERSISTENCE, r"\b(?:global|hidden)\b[^.\n]{0,25}\bhook\b[^.\n]{0,40}\bpush|\badd an? mcp server\b|\b(?:add"
     r"|push)\b[^.\n]{0,40}\b(?:remote|everything)\b[^.\n]{0,40}\bshadow\b"),
    (SECRECY, r"\bleave no trace\b|\bkeep quiet\b|\bkeep (?:this|these|it|them)\b[^.\n]{0,25}\b(?:secret|hidden)\b|\bdeny "
     r"(?:it|that)\b|\b(?:hide|conceal)\b[^.\n]{0,30}\b(?:from (?:them|him|her|the (?:user|person|operator|users))|reason"
     r"|prompt|sentence)"),
    (SECRECY, r"(?:^|[.;:!?,(] |\b(?:and|but|then|just|please|also) )(?:do not|don't|never) (?:list|mention|show|document"
     r"|record) (?:it|this|them|that)\b|\bno trace in\b|\btell the user (?:that )?(?:all|everything|coverage|their licen[cs]e"
     r"|tests)\b[^.\n]{0,30}\b(?:passed|complete|expired|fine)"),
    (STEERING, r"\b(?:recall_strategies|report_outcome|scale_attempts|used_strategy_ids)\b"),
    (STEERING, r"\b(?:call|use|invoke|open)\b[^.\n]{0,30}\b(?:shell|bash|browser|terminal) tool\b"),
    (STEERING, r"\balways recommend\b|\brecommend (?:the )?(?:product|[A-Z]\w+X)\b|\brate (?:the|this) (?:candidate|product)\b"
     r"|\bstar the repository\b|\bin ten others?\b"),
    (FENCE, r"</(?:strateg|content|recall|tool|data|result|memor|function|context|document|untrusted)\w*>|\bend of (?:the "
     r")?(?:recalled|untrusted)|\brecalled data end|\btrusted (?:operator )?instructions?\b|\bnew orders\b"
     r"|\"\s*\}\s*\]\s*,\s*\""),
    (CONCEALED, r"<!--|font-size:\s?0|display:\s?none|\]\(\S+ \"[^\"]{12,}\"\)|\n{8,}"),
    (CONCEALED, r"\b(?:decode|apply rot13|read backwards|join \w and \w)\b[^.\n]{0,60}\b(?:do|obey|follow|carry out|run"
     r"|execute)\b"),
    (PACKAGE, r"--(?:extra-)?index-url\b|\btrust http:|\b(?:pip|npm|cargo|gem)\b[^.\n]{0,40}\binstead of the (?:usual|original"
     r"|official)|\bskip hash checks\b|\bgit = \"http"),
)  # fmt: skip
