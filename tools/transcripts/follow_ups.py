"""Tells from its wording whether a prompt goes on with the task before, in the languages whose words stand here."""

import re

REMARK_CHARS = 60  # longer prompts that begin with "ok" or "great" go on to something else, unless they object
OBJECTION_CHARS = 200  # at the beginning of a prompt, in which an objection is looked for

_CORRECTS = re.compile(
    r"(?:(?:no|nope|wrong|still|again|undo|revert|stop|wait|actually|why did you|i (?:said|asked|meant)|"
    r"not (?:quite|what|like)|that(?:'s| is) (?:not|wrong)|it (?:still|does ?n.t)|do(?: no|n.)t|see above|"
    r"(?:this|that|it)(?:'s| is)? (?:broken|fail(?:s|ed|ing)|did ?n.t|does ?n.t|is ?n.t)|"
    r"you (?:forgot|missed|broke|did ?n.t|should(?: ?n.t)? have)|"
    r"nein|nicht|falsch|immer noch|nee|niet|nej|non|faux|toujours|não|errado|sbagliato|nie|źle|нет|не|неверно)(?![\w-])|"
    r"不|错了|沒|没|違|いや|いいえ|아니)",
    re.IGNORECASE,
)
_CORRECTS_WITHIN = re.compile(
    r"\b(?:still (?:fail|broken|wrong|not|get|see|the same)|does ?n.t work|did ?n.t work|not working|same error|you forgot|"
    r"not what i (?:asked|wanted|meant)|(?:it|that|this)(?: case)? now (?:fails|raises|throws|crashes|breaks)|"
    r"now (?:it|that|this) (?:fails|raises|throws|crashes|breaks)|"
    r"immer noch|noch immer|(?:geht|funktioniert|klappt) nicht|nog steeds|werkt niet|"
    r"toujours (?:pas|l[ae] même|en erreur)|ne (?:marche|fonctionne) pas|"
    r"sigue (?:sin|fallando|igual)|todavía|no funciona|ainda|não funciona|non funziona|non va|"
    r"wciąż|nadal|dalej (?:jest|nie|mam)|nie działa|(?:всё|все) (?:ещё|еще)|до сих пор|не работает)\b|"
    r"(?:还是|還是)(?:不|没|沒|报错|失败|一样|有)|仍然|まだ|여전히",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:(?:go (?:on|ahead)|continue|proceed|keep going|do (?:it|that)|try again|retry|please (?:continue|proceed|do)|also|"
    r"and|but|instead|only|the same|now it|"
    r"(?:mach )?weiter|auch|außerdem|und|aber|nur|ga (?:door|verder)|ook|maar|continúa|sigue|también|pero|continua|também|"
    r"mas|anche|continuez|vas-y|aussi|mais|kontynuuj|też|także|ale|tylko|продолжай(?:те)?|дальше|также|но|только)\b|"
    r"继续|繼續|還要|还要|但是|続けて|続行|あと|계속)",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:(?:yes|yep|yeah|ok(?:ay)?|sure|thanks?|thank you|great|good|perfect|nice|looks good|lgtm|done|almost|"
    r"genau|danke|passt|perfekt|bedankt|bijna|oui|merci|parfait|presque|sí|gracias|perfecto|obrigad[oa]|grazie|perfetto|"
    r"dzięki|dziękuję|dobrze|świetnie|prawie|спасибо|хорошо|отлично|почти|"
    r"(?:ja|gut|super|prima|goed|bien|vale|casi|sim|quase|quasi|tak|да)(?=\s*(?:[,.!]|$)))(?![\w-])|好|是的|可以|谢谢|謝謝|はい|ありがとう|네|감사)",
    re.IGNORECASE,
)
_OBJECTS = re.compile(
    r"\b(?:but|however|except|missing|aber|nur noch|allerdings|jedoch|maar|mais|sauf|pero|salvo|mas|però|ale|tylko że|но|"
    r"только)\b|但|不过|でも|しかし|하지만",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"(?:\w+ )?(?:new (?:thing|task|topic|issue|question)|separate (?:matter|thing|task|issue)|unrelated|something else|"
    r"(?:an)?other (?:thing|topic|task)|different (?:thing|topic|task)|next (?:task|up)|"
    r"neues thema|neue (?:aufgabe|sache)|(?:et)?was anderes|iets anders|autre chose|otra cosa|outra coisa|altra cosa|"
    r"coś innego|inna sprawa|другое|новая задача)\b|另外|另一件|別件|別の",
    re.IGNORECASE,
)


def corrects(text: str) -> bool:
    return bool(_CORRECTS.match(text) or _CORRECTS_WITHIN.search(text[:OBJECTION_CHARS]))


def goes_on(text: str) -> bool:
    """Tell whether a prompt that corrects nothing goes on with the task, or is a remark about it."""
    if _GOES_ON.match(text):
        return True
    return bool(_ANSWERS.match(text)) and (
        len(text) <= REMARK_CHARS or bool(_OBJECTS.search(text[:OBJECTION_CHARS]) and len(text) <= OBJECTION_CHARS)
    )


def begins(text: str) -> bool:
    """Tell whether a prompt says of itself that it is about something else."""
    return bool(_BEGINS.match(text))
