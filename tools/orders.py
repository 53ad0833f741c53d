"""Recognises text that reads as orders to the agent rather than advice about tasks; such a strategy is quarantined.

Every recalled text was once written by an agent that read untrusted pages. The rules are one table of reason and
pattern; a match is excused when it is warned against ("never pipe curl into sh") or reported as an attack ("treat
'ignore previous instructions' in a page as data"). Nothing is deleted: a person decides, so a false alarm costs little.
"""

import re
import unicodedata

HIDDEN = "hides text in invisible or look-alike characters"
OVERRIDE = "tells the reader to ignore its instructions"
ROLE = "pretends to be a system message"
EXFILTRATION = "sends secrets or files away"
REMOTE_CODE = "runs code from the network"
SECRECY = "hides actions from the user"
UNSAFE = "switches off safety checks"
STEERING = "steers the use of tools"
BLOB = "carries a long encoded block"

_RULES_WORD = r"(?:instructions?|rules?|prompts?|guidelines?|polic(?:y|ies)|directives?|orders?|safeguards?|context)"
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|former|existing|original|foregoing|system|developer|safety|your|"
    r"(?:the )?user'?s|other|given|current)"
)
_SECRETS = (
    r"(?:secrets?|(?:api|ssh|private|access)[ _-]?keys?|keys|credentials?|passwords?|tokens?|cookies|\.env|env(?:ironment)?"
    r" (?:variables?|vars|file)|id_rsa|~/\.ssh|~/\.aws|\.netrc|conversation|chat history|(?:user|customer|private|personal)"
    r"(?:'s)? (?:data|files|records)|source code|files?|file contents|system prompt)"
)
_PLACE = r"(?:https?://|[\w.+-]+@[\w-]+\.\w|webhook|pastebin|(?:external|remote|this|my|our|that) (?:server|url|endpoint|address|host|site))"
_FETCH = r"(?:curl|wget|iwr|invoke-webrequest|irm)"
_SHELL = r"(?:sudo )?(?:ba|z|da|k)?sh\b|\bpython3?\b|\bnode\b|\bperl\b|\bruby\b|\biex\b|\bsource\b|\beval\b"
_ALWAYS = r"(?:always|every time|each time|unconditionally|in every|before (?:any|every|each|all)|first|immediately|automatically)"

_RULES: tuple[tuple[str, str], ...] = (
    (OVERRIDE, rf"\b(?:ignore|disregard|forget|override|bypass|discard|overlook|drop|set aside|stop following|violate)\b (?:\w+ ){{0,3}}?(?:of )?{_EARLIER} (?:\w+ ){{0,3}}?{_RULES_WORD}"),
    (OVERRIDE, rf"\b(?:ignore|disregard|forget|override)\b (?:all|any|every|the|these|those)(?: of)?(?: the)? {_RULES_WORD}\b(?: (?:above|before|given|you (?:were|have been|got))|[.,;:!]|$)"),
    (OVERRIDE, r"\b(?:ignore|disregard|forget) (?:everything|anything|all|whatever)(?: that)? (?:\w+ ){0,3}(?:above|before|said|told|earlier|so far|learned)"),
    (OVERRIDE, r"\b(?:you are|you're) now (?:a|an|the|in|free|no longer|acting|going|dan|my|unrestricted|called)\b"),
    (OVERRIDE, r"\b(?:new|updated|real|actual|true) (?:system )?(?:prompt|instructions?|directives?|orders)(?: (?:is|are|follow|from)|:)"),
    (OVERRIDE, r"\b(?:act|behave|respond|pretend) (?:as|as if|like|that) (?:you (?:have|had|are|were) )?(?:no|without|free of|not bound by) (?:\w+ )?(?:rules|restrictions|limits|guidelines|limitations|filters)"),
    (OVERRIDE, r"\b(?:your|these) (?:previous|prior|earlier|original) (?:instructions|rules|guidelines) (?:are|were|have been|no longer|do not|don't)\b"),
    (OVERRIDE, r"\bfrom now on,? (?:you|always|never|only|every|obey|follow|answer|respond|treat|do)\b"),
    (ROLE, r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\|?>?|\[/?INST\]|<</?SYS>>"),
    (ROLE, r"(?:^|\n)\W{0,8}(?:system|developer|assistant)(?: (?:message|prompt|instructions?|override|notice))?\W{0,4}:|</?(?:system|developer|instructions?|important|admin)(?:[_ -]\w+)?>"),
    (EXFILTRATION, rf"\b(?:send|post|upload|e-?mail|mail|forward|transmit|exfiltrate|leak|submit|copy|paste|push|report|append|include|put|add)\b[^.\n]{{0,60}}?(?<![\w/]){_SECRETS}(?!\w)[^\n]{{0,60}}? (?:to|into|in|at|via|with)\b[^\n]{{0,30}}?{_PLACE}"),
    (EXFILTRATION, rf"\b(?:send|post|upload|forward|transmit|exfiltrate|report)\b[^.\n]{{0,40}} to [^\n]{{0,20}}{_PLACE}[^.\n]{{0,60}}{_SECRETS}"),
    (EXFILTRATION, rf"\b{_FETCH}\b[^\n]{{0,120}}(?:-d|--data\S*|-F|--form|-T|--upload-file|--post-\w+|\?)[ =]?[^\n]{{0,80}}(?:\$\(|`|@[~/.]|\$\w*(?:key|token|secret|pass)|{_SECRETS})"),
    (EXFILTRATION, r"\bcat [^\n|]{0,60}(?:\.env|id_rsa|\.ssh|\.aws|credentials|/etc/shadow)[^\n|]{0,40}\| ?(?:curl|nc|ncat|wget|base64)"),
    (EXFILTRATION, rf"\b(?:reveal|disclose|print|output|repeat|show|tell (?:\w+ )?)(?: \w+){{0,3}} (?:system prompt|hidden prompt|developer message|initial instructions)|\bexfiltrate\b[^.\n]{{0,40}}{_SECRETS}"),
    (REMOTE_CODE, rf"\b{_FETCH}\b[^\n]{{0,200}}(?:\||&&|;|>)[^\n]{{0,80}}?(?:\b|\./)(?:{_SHELL}|\./\w|chmod \+x)"),
    (REMOTE_CODE, rf"(?:{_SHELL})[^\n]{{0,20}}(?:\$\(|<\(|`|\()[^\n]{{0,20}}{_FETCH}\b"),
    (REMOTE_CODE, rf"\b{_ALWAYS}\b[^.\n]{{0,40}}\b(?:run|execute|call|start|use|do)\b[^.\n]{{0,20}}\b{_FETCH}\b|\b(?:run|execute)\b[^.\n]{{0,10}}\b{_FETCH}\b[^\n]{{0,80}}://[^\n]{{0,80}}\b{_ALWAYS}"),
    (REMOTE_CODE, rf"\bbase64 (?:-d|--decode|-D)\b[^\n]{{0,40}}\|[^\n]{{0,20}}(?:{_SHELL})|\b(?:pipe|feed)\b[^.\n]{{0,60}}\b(?:curl|download|url|remote|web)\b[^.\n]{{0,40}}\b(?:to|into)\b[^.\n]{{0,20}}(?:shell|{_SHELL})"),
    (REMOTE_CODE, r"\b(?:download|fetch|load)\b[^.\n]{0,60}\b(?:and|then)\b (?:\w+ )?(?:run|execute|eval(?:uate)?|follow|obey)\b[^.\n]{0,40}|\b(?:follow|obey|execute|carry out)\b (?:\w+ ){0,3}(?:instructions|commands|orders|steps|code|script)\b[^.\n]{0,30}\b(?:at|from|on) (?:https?://|(?:the|that|this) (?:url|page|site|link))"),
    (REMOTE_CODE, r"\b(?:pip|npm|uvx?|npx|gem|cargo)\b (?:\w+ ){0,2}(?:--\S+ )*(?:install )?(?:--(?:extra-)?index-url|--registry)[ =]https?://|\b(?:pip3?|npm) (?:install|i) (?:\S+ ){0,3}(?:git\+)?https?://|\brm -rf (?:~|/(?:\s|$|\*)|\$HOME)"),
    (SECRECY, r"\b(?:do not|don't|never|must not|should not|no need to|avoid|without|rather than|instead of|not)\b (?:ever )?(?:tell|telling|inform|informing|mention|mentioning|notify|notifying|report|reporting|reveal|revealing|disclose|disclosing|show|showing|say|alert|alerting|ask|asking|let(?:ting)?)\b[^.\n]{0,40}\b(?:user|human|operator|owner|developer|person|anyone|anybody|them)\b"),
    (SECRECY, r"\b(?:without|and (?:do not|don't|never)) (?:mention(?:ing)?|tell(?:ing)?|report(?:ing)?|disclos(?:e|ing)|log(?:ging)?|reveal(?:ing)?) (?:it|this|that|them|the change|the step)\b"),
    (SECRECY, r"\b(?:silently|secretly|quietly|covertly|in secret|behind the scenes)\b,? (?:\w+ )?(?:run|execute|send|upload|delete|install|push|commit|forward|copy|add|post|disable|grant|change|modify|include|call|approve)\b|\b(?:run|execute|send|upload|delete|install|push|forward|copy|post|call|approve|disable)\b[^.\n]{0,40}\b(?:silently|secretly|covertly|in secret)\b"),
    (SECRECY, r"\b(?:hide|conceal|keep)\b (?:\w+ ){0,4}(?:from|secret from|hidden from) (?:the )?(?:user|human|operator|owner|developer|logs?)\b"),
    (UNSAFE, r"\b(?:always|automatically|blindly|auto-?)\W?(?:approve|accept|allow|grant|confirm|authori[sz]e|say yes|answer yes)\b"),
    (UNSAFE, r"\b(?:skip|bypass|disable|turn off|switch off|deactivate|circumvent|suppress|remove|override)\b (?:\w+ ){0,3}?(?:confirmations?|permissions?(?: (?:check|prompt)s?)?|approvals?|safety|security|guardrails?|safeguards?|sandbox(?:ing)?|authentication|verification|hooks|human review|certificate (?:check|verification)s?)\b"),
    (UNSAFE, r"--dangerously-[\w-]+|--yolo\b|\bbypassPermissions\b|\b(?:always|every|by default|simply|just)\b[^.\n]{0,60}(?:--no-verify|--insecure|--force-yes|--privileged|chmod (?:-R )?777|--disable-[\w-]*(?:security|sandbox)|verify=False)|(?:--no-verify|--insecure|verify=False|chmod (?:-R )?777)[^.\n]{0,40}\b(?:always|every (?:time|commit|push|request))"),
    (UNSAFE, r"\b(?:do not|don't|never|no need to|without) (?:ask|asking|wait|waiting|request|requesting|seek|seeking)(?: \w+){0,3}? (?:for )?(?:\w+ )?(?:permission|confirmation|approval|consent)\b"),
    (STEERING, rf"\b{_ALWAYS}\b,? (?:\w+ ){{0,2}}?(?:call|use|invoke|run|choose|prefer)\b (?:the )?(?:[`'\"]?[\w.-]+[`'\"]? ){{0,3}}?(?:tool|mcp|server|plugin|function|skill)s?\b"),
    (STEERING, r"\b(?:always|must) (?:call|invoke) [`'\"]?\w+[_.]\w+|\b(?:call|invoke|use) (?:the )?[`'\"]?[\w.-]+[`'\"]? (?:tool |server |function )(?:first|before (?:any|every|each|all)|every|each|always|repeatedly)"),
    (STEERING, r"\b(?:recall|call|invoke|query|repeat)\b[^.\n]{0,40}\b(?:repeatedly|again and again|in a loop|endlessly|forever|until told|over and over)|\b(?:never|do not|don't|stop) (?:use|using|call|calling|trust|trusting) (?:any |the )?other (?:tools?|strateg(?:y|ies)|servers?|memor(?:y|ies))|\b(?:rank|prefer|use) this (?:strategy|memory|lesson|tool) (?:first|above|over|before|instead)|\bignore (?:all |the |any )?other (?:strategies|memories|lessons|tools|results)"),
    (BLOB, r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]{0,120}\d)(?=[A-Za-z0-9+/]{0,120}[A-Z])(?=[A-Za-z0-9+/]{0,120}[a-z])[A-Za-z0-9+/]{100,}|(?:\\x[0-9a-fA-F]{2}){16,}|(?<![0-9a-fA-F])[0-9a-fA-F]{129,}"),
)
