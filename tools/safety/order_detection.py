"""Recognises text that reads as orders to the agent rather than advice about tasks; such a strategy is quarantined.

What is recalled was once written by an agent that read untrusted pages. The rules are one table of reason and
pattern. A match is excused where it is warned against ("never pipe curl into sh") or reported as an attack ("treat
'ignore previous instructions' in a page as data"). Quarantine deletes nothing, a person decides.
"""

import base64
import re
from functools import cache

from strategy_bank.tools.safety import attack_rules
from strategy_bank.tools.safety.attack_rules import PACKAGE, look_alike
from strategy_bank.tools.safety.disguise import hidden_readings, undisguised
from strategy_bank.tools.trajectory.text import shorten

HIDDEN = "hides text in invisible or look-alike characters"
OVERRIDE = "tells the reader to ignore its instructions"
ROLE = "pretends to be a system message"
EXFILTRATION = "sends secrets or files away"
REMOTE_CODE = "runs code from the network"
SECRECY = "hides actions from the user"
UNSAFE = "switches off safety checks"
STEERING = "steers the use of tools"
BLOB = "carries an encoded block"
ENCODED = "hides an order in encoded or altered letters"

_WORDS = {  # put into the rules below where they say NAME
    "RULES": r"(?:instructions?|rules?|prompts?|guidelines?|guidance|polic(?:y|ies)|directives?|orders?|safeguards?)",
    "EARLIER": r"(?:previous|prior|above|earlier|preceding|former|existing|original|system|developer|safety|your)",
    "SECRETS": r"(?:secrets?|(?:api|ssh|private|access|signing)[ _-]?keys?|keys|credentials?|passwords?|tokens?|cookies"
    r"|\.env\b|env(?:ironment)? (?:variables?|vars|files?)|id_rsa|~/\.(?:ssh|aws|netrc)|conversation|chat history"
    r"|(?:all|every|local|project|config\w*|home|user'?s?|customer|private|personal|contents? of)(?: \w+)? "
    r"(?:files?|data|records|code|details)|source code|system prompt|database dump)",
    "PLACE": r"(?:(?:https?|ftp)://|[\w.+-]+@[\w-]+\.\w|(?:a|the|this) webhook|pastebin"
    r"|(?:external|remote|this|my|our|following) (?:server|url|endpoint|address|host|site|bucket))",
    "FETCH": r"(?:curl|wget|iwr|irm|invoke-webrequest)\b",
    "SHELL": r"(?:(?:sudo )?\b(?:ba|z|da|k)?sh\b|\bpython3?\b(?! -[mc])|\b(?:node|perl|ruby|iex|source|eval)\b)",
    "ALWAYS": r"(?:always|every time|each time|unconditionally|immediately|automatically|at the start of every)",
    "USER": r"(?:the |your )?(?:user|human|operator|owner|person|customer)\b",
}
_TABLE: tuple[tuple[str, str], ...] = (
    (OVERRIDE, r"\b(?:ignore|disregard|forget|bypass|overlook) (?:\w+ ){0,3}?EARLIER (?:\w+ ){0,3}?RULES"),
    (OVERRIDE, r"\boverride (?:\w+ ){0,3}?(?:previous|prior|system|safety|your) (?:\w+ )?(?:RULES)"),
    (OVERRIDE, r"\b(?:ignore|disregard|forget) (?:all|every|the|these|those)(?: of)?(?: the| your)? RULES"
     r"(?: (?:above|before|you (?:were|have been|got|received))|[.!]|$)"),
    (OVERRIDE, r"\b(?:ignore|disregard|forget) (?:everything|anything|all|whatever) (?:\w+ ){0,4}"
     r"(?:above|before|said|told|earlier|so far)\b"),
    (OVERRIDE, r"\byou(?: are|'re) now (?:an? |free|no longer|acting|called|unrestricted|dan\b|in \w+ mode)"),
    (OVERRIDE, r"\bnew system prompt|\b(?:new|updated|real|true|secret) (?:instructions|directives?|orders)(?: follow|:)"),
    (OVERRIDE, r"\b(?:act|behave|respond|pretend) (?:as|as if|like|that)\b[^.]{0,20} (?:no|without|free of|not bound by) "
     r"(?:\w+ )?(?:rules|restrictions|limits|guidelines|limitations|filters)"),
    (OVERRIDE, r"\b(?:your|all|these) (?:previous|prior|earlier|original) RULES (?:are|were|have been|no longer)\b"),
    (OVERRIDE, r"\b(?:your|all|whatever) [^.\n]{0,40}(?:RULES|said|told you)(?: \w+){0,2} "
     r"(?:do not|don't|no longer|never) (?:apply|applies|count|matter|bind)"),
    (OVERRIDE, r"\b(?:pay no (?:attention|heed) to|take no notice of|stop (?:following|obeying)) (?:\w+ ){0,3}RULES"),
    (OVERRIDE, r"\b(?:obey|comply with) (?:only )?(?:this|these|the following|the text)\b"),
    (OVERRIDE, r"\bfrom now on,? (?:you|always|never|only|obey|follow|answer|respond)\b"),
    (ROLE, r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\b|\[/?INST\]|<</?SYS>>"),
    (ROLE, r"(?:^|\n)\W{0,8}(?:system|assistant)(?: (?:message|prompt|instructions?|override|notice))?\]?\W{0,3}:"
     r"|(?:^|\n) {0,3}\[(?:system|assistant|developer)\]"),
    (ROLE, r"</?(?:system|developer|important|admin)(?:[_ -]\w+)?>"),
    (EXFILTRATION, r"\b(?:send|post|upload|e-?mail|mail|forward|transmit|exfiltrate|leak|submit|copy|paste|push|attach)\b"
     r"[^\n]{0,60}?(?<![\w/])SECRETS(?!\w)[^\n]{0,60}? (?:to|into|in|at|via|with)\b[^\n]{0,30}?PLACE"),
    (EXFILTRATION, r"\bPOST\b[^.\n]{0,20}\bwith\b[^.\n]{0,20}\bSECRETS[^\n]{0,20} to [^\n]{0,20}PLACE"),
    (EXFILTRATION, r"\b(?:send|post|upload|forward|transmit|submit|attach)\b[^.\n]{0,40} PLACE[^\n]{0,60}\bSECRETS"),
    (EXFILTRATION, r"\bFETCH[^\n]{0,120}(?: -d| --data\S*| -F| --form| -T| --upload-file| --post-\w+|\?\w+)[ =]?[^\n]{0,60}"
     r"(?:\$\(|`|@[~/.]|\$\w*(?:key|token|secret|pass)|\.env\b|id_rsa)"),
    (EXFILTRATION, r"\bcat [^\n|]{0,60}(?:\.env|id_rsa|\.ssh|\.aws|credentials|/etc/shadow)[^\n|]{0,40}\| ?(?:curl"
     r"|nc|wget)"),
    (EXFILTRATION, r"\b(?:reveal|disclose|print|output|repeat|show)(?: \w+){0,3} (?:system|hidden"
     r"|initial) (?:prompt|instructions)"),
    (REMOTE_CODE, r"\bFETCH[^\n]{0,200}(?:\||\||<)[^\n|]{0,20}SHELL|(?:SHELL)[^\n]{0,12}(?:\$\(|<\(|`)[^\n]{0,12}\bFETCH"),
    (REMOTE_CODE, r"\bFETCH[^\n]{0,120}(?:://| -)[^\n]{0,120}(?:&&|;)[^\n]{0,40}?(?:SHELL|\./\w|chmod \+x)"),
    (REMOTE_CODE, r"\bALWAYS,? (?:\w+ ){0,3}(?:run|execute|start|use)\b[^.\n]{0,20}\bFETCH"),
    (REMOTE_CODE, r"\b(?:run|execute)\b[^.\n]{0,12}\bFETCH[^\n]{0,100}\b(?:ALWAYS|first|before (?:any|every|each)\w*)\b"),
    (REMOTE_CODE, r"\b(?:FETCH|download\w*)[^\n]{0,60}\bpipe (?:it|that|the \w+) (?:in)?to [^.\n]{0,10}SHELL"),
    (REMOTE_CODE, r"\b(?:exec|eval)\(.{0,60}(?:urlopen|requests?\.get|fetch|httpx)"),
    (REMOTE_CODE, r"\b(?:fetch|open|read|visit|load)\b[^\n]{0,60}\b(?:do|follow|carry out) (?:exactly |precisely )?"
     r"(?:what|whatever|everything) (?:it|the page|they|that page) (?:says?|tells?|asks?|demands?)"),
    (REMOTE_CODE, r"\bbase64 (?:-d|--decode)\b[^\n]{0,40}\|[^\n]{0,20}SHELL"),
    (REMOTE_CODE, r"\bpipe\b[^.\n]{0,60}\b(?:curl|wget|download|url|remote)\b[^\n]{0,60} (?:to"
     r"|into)\b[^.\n]{0,20}(?:shell|SHELL)"),
    (REMOTE_CODE, r"\b(?:download|fetch)\b[^\n]{0,60}\b(?:and|then) (?:run|execute|eval(?:uate)?|obey) (?:it|them"
     r"|the script|whatever)"
     r"\b(?! only| after)"),
    (REMOTE_CODE, r"\b(?:obey|execute|carry out|follow) (?:\w+ ){0,3}(?:instructions|commands"
     r"|orders)\b[^.\n]{0,20} (?:at|from|on) https?:"),
    (SECRECY, r"\b(?:do not|don't|never|must not|no need to|without|avoid) (?:ever )?"
     r"(?:tell|inform|notify|alert|mention|report|disclose|reveal)(?:ing)? (?:(?:this|it|that|them|anything|any of this)"
     r"(?: \w+)? (?:to|from) )?USER(?![^.\n]{0,120}\b(?:before|until|unless|without|if|while)\b)"),
    (SECRECY, r"\b(?:without|(?:do not|don't|never)) (?:mention|tell|report|disclos|reveal)(?:e|ing)? (?:it|this"
     r"|that|them|anyone|anybody)\b"),
    (SECRECY, r"\b(?:silently|secretly|quietly|covertly|in secret),? (?:\w+ )?(?:run|execute|send|upload|delete"
     r"|install|push"
     r"|forward|copy|post|disable|grant|change|modify|call|approve|add|create)\b"),
    (SECRECY, r"\b(?:run|execute|send|upload|delete|install|push|forward|copy|post|call|approve|disable)\b[^.\n]{0,40}"
     r"\b(?:(?:silently|secretly|covertly|in secret)(?=[.,;:!]|$| (?:and|in|on|after|before|to|every)\b)"
     r"|without the user(?:'s)? (?:knowing|knowledge|noticing))\b"),
    (SECRECY, r"\bUSER (?:does not|doesn't|need not|must not|should not|shouldn't|must never) (?:need to )?"
     r"(?:know|notice|see|learn|hear|find out)(?: \w+)? (?:about )?(?:this|it|that)\b"),
    (SECRECY, r"\bkeep (?:this|it) (?:between us|secret|quiet|to yourself)|\bno need to (?:tell|inform|bother|notify) USER"),
    (SECRECY, r"\bwithout (?:letting|telling) USER(?! (?:wait|down))"
     r"|\b(?:leave|omit) (?:it|this|that|the step|this \w+) (?:out of|from) (?:the|your)(?: \w+)? "
     r"(?:summary|report|answer|log)"),
    (SECRECY, r"\b(?:hide|conceal|keep)\b (?:\w+ ){1,5}from USER"),
    (UNSAFE, r"\b(?:always|automatically|blindly|auto-?)\W?(?:approve|accept all|allow all|grant|confirm every"
     r"|authori[sz]e|say yes)\b"),
    (UNSAFE, r"\b(?:skip|bypass|disable|turn off|switch off|deactivate|circumvent) (?:\w+ ){0,3}?(?:confirmations?"
     r"|permissions?"
     r"|approvals?|safety|guardrails?|safeguards?|sandbox(?:ing)?|(?:user|human|security) (?:verification|review|checks?)"
     r"|certificate (?:verification|checks?)|(?:pre-commit|git|commit) hooks)\b"),
    (UNSAFE, r"\b(?:confirmations?|permissions?|approvals?) (?:is|are) (?:not needed|unnecessary|not required|a formality)"),
    (UNSAFE, r"--dangerously-[\w-]+|--yolo\b|\bbypassPermissions\b"),
    (UNSAFE, r"\b(?:ALWAYS|by default|simply)\b[^.\n]{0,60}(?:--no-verify|--insecure|--privileged|chmod (?:-R )?777"
     r"|verify=False)"),
    (UNSAFE, r"(?:--no-verify|--insecure|chmod (?:-R )?777|verify=False)[^.\n]{0,30}\b(?:always|every (?:time"
     r"|commit|push|request))"),
    (UNSAFE, r"\b(?:do not|don't|never|no need to|without) (?:ask|wait|request"
     r"|seek)(?:ing)? (?:\w+ ){0,2}?(?:for )?(?:\w+ )?"
     r"(?:permission|confirmation|approval|consent)\b"),
    (STEERING, r"\bALWAYS,? (?:call|use|invoke|run) (?:the )?(?:[`'\"]?[\w.-]+[`'\"]? ){1,3}?(?:first|before "
     r"(?:anything|any other|(?:every|each|any) (?:task|answer|reply|response|message|other)))"),
    (STEERING, r"\b(?:recall|call|invoke) (?:[\w`'.-]+ ){1,5}(?:repeatedly|again and again|over and over|endlessly"
     r"|forever)\b"
     r"(?! (?:until|with))"),
    (STEERING, r"\b(?:before|after|with|in|on) (?:every|each) (?:answer|reply|response|message|turn)\b,? "
     r"(?:\w+ )?(?:call|invoke)\b"),
    (STEERING, r"\b(?:never|do not|don't|stop) (?:use|call|trust|consult)(?:ing)? (?:any |the )?other (?:tool"
     r"|strateg|server|memor)"),
    (STEERING, r"\b(?:rank|prefer|use|apply) this (?:strategy|memory|lesson|tool) (?:first|above|over|before"
     r"|instead|for every)"),
    (STEERING, r"\b(?:ignore|disregard) (?:all |the |any )?other (?:strateg|memor|lessons|tools|results)"),
    (BLOB, r"(?<![A-Za-z0-9+/])(?=[a-z0-9+/]{0,99}[A-Z])(?=[A-Z0-9+/]{0,99}[a-z])(?=[A-Za-z+/]{0,99}\d)[A-Za-z0-9+/]{100,}"),
    (BLOB, r"(?:\\x[0-9a-f]{2}){12,}|(?<![0-9a-f])[0-9a-f]{129,}"),
)  # fmt: skip


def _compiled(pattern: str, reason: str) -> re.Pattern[str]:
    known = _WORDS | attack_rules.WORDS
    words = re.sub("|".join(known), lambda name: known[name[0]], pattern)
    return re.compile(words, 0 if reason is BLOB else re.IGNORECASE)


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled at the first use: 15 ms."""
    return tuple((reason, _compiled(pattern, reason)) for reason, pattern in (*_TABLE, *attack_rules.TABLE))


@cache
def _strong() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The rules that hardly anything but an attack matches, for texts that nobody wrote as a lesson."""
    return tuple((reason, pattern) for reason, pattern in _rules() if reason in _SPEAKING)


_SPEAKING = (OVERRIDE, SECRECY, EXFILTRATION, attack_rules.ADDRESSED, attack_rules.LEAK)
_TRAJECTORY_READ = 200_000
"""Characters: half a second's reading."""
_BY_LINE = (ROLE, attack_rules.CONCEALED)
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")  # the flags of England, Scotland and Wales
_HIDING = re.compile(
    "[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]|(?<=[a-zA-Z])[\u00ad\u200b-\u200d\u2060\ufeff]+(?=[a-zA-Z])"
    "|[a-zA-Z][\u0400-\u04ff]|[\u0400-\u04ff][a-zA-Z]"
)
_WARNED = re.compile(
    r"(?:\b(?:never|cannot|not|avoid(?:s|ing)?|instead of|rather than|refuses? to|no longer|without|beware of|against"
    r"|rejects?|prevents?|stops?|forbids?|anything that|who|dangerous to|wrong to)|n't)"
    r"(?P<gap>(?: [\w/'-]+){0,3}) ?[('\"`“]*$",
    re.IGNORECASE,
)
_NO_WARNING = re.compile(r"\b(?:and|but|then|just|hesitate|forget|fail|worry|afraid|wait|stop|only)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")
_REPORTED = re.compile(
    r"\b(?:such as|like|says?|saying|asks?|asking|tells?|telling|attempts?|tries|trying|treat(?:s|ing)?|reads?"
    r"|contain(?:s|ing)?"
    r"|phrases?|claims?|orders?|instructs?|urges?|wants? you|demands?)\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
_CAUTIOUS = re.compile(
    r"injection|untrusted|\bas data\b|\b(?:do not|don't|never) (?:follow|obey|comply|act|do)|refuse|suspicious|malicious"
    r"|attack|phishing|\breport (?:it|them)\b|\bflag (?:it|them)\b|stop and ask|reject",
    re.IGNORECASE,
)


def read_as_orders(text: str) -> str | None:
    """Why the text reads as orders to its reader, as a short phrase; None if it does not."""
    plain = undisguised(text)
    if reason := _ordered(plain, _rules()):
        return reason
    if _HIDING.search(_FLAG.sub("", text)):
        return HIDDEN
    if look_alike(plain):
        return PACKAGE
    if any(_ordered(reading, _strong()) for reading in hidden_readings(text)):
        return ENCODED
    return BLOB if any(map(_is_encoded_text, re.findall(r"[A-Za-z0-9+/]{24,4096}={0,2}", plain))) else None


def carries_orders(trajectory: str) -> str | None:
    """Why a trajectory carries orders to an agent. Work quotes commands and addresses and names roles, so only the plainest
    signs count. Of a very long one, head and tail are read."""
    shown = undisguised(shorten(trajectory, _TRAJECTORY_READ))
    return _ordered(shown, tuple(rule for rule in _strong() if rule[0] != attack_rules.ADDRESSED))


def _ordered(plain: str, rules: tuple[tuple[str, re.Pattern[str]], ...]) -> str | None:
    flat = " ".join(plain.split())
    for reason, pattern in rules:
        if _orders(pattern, plain if reason in _BY_LINE else flat):
            return reason
    return None


def _orders(pattern: re.Pattern[str], text: str) -> bool:
    found = pattern.search(text)
    while found and _is_excused(text, found):
        found = pattern.search(text, found.start() + 1)
    return found is not None


def _is_excused(text: str, found: re.Match[str]) -> bool:
    """Warned against right before it, or told of as an attack in a sentence that says so."""
    before = text[max(0, found.start() - 160) : found.start()]
    warned = _WARNED.search(before)
    if warned and not _NO_WARNING.search(warned["gap"]):
        return True
    sentence = _SENTENCE_END.split(before)[-1] + _SENTENCE_END.split(text[found.start() : found.end() + 160])[0]
    return bool(_REPORTED.search(before) and _CAUTIOUS.search(sentence))


def _is_encoded_text(block: str) -> bool:
    """Base64 that says a sentence."""
    block = block.rstrip("=")
    decoded = base64.b64decode(block[: len(block) // 4 * 4])
    return (
        decoded.isascii()
        and decoded.count(b" ") >= 2
        and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in decoded)
    )
