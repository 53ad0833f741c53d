"""Lists what reads as an order to the agent, as a table of reasons and patterns; `attack_rules.py` has the rest of it.

The first rule that matches gives the reason. A NAME out of WORDS stands for its pattern.
"""

OVERRIDE = "tells the reader to ignore its instructions"
ROLE = "pretends to be a system message"
ADDRESSED = "speaks to the agent instead of about tasks"
EXFILTRATION = "sends secrets or files away"
LEAK = "hands secrets to others"
DESTINATION = "sends something to, or loads it from, a place it names"
REMOTE_CODE = "runs code from the network"
PACKAGE = "installs a package from an unusual place or with a look-alike name"
SECRECY = "hides actions from the user"
CONSENT = "gives consent in the user's place"
UNSAFE = "switches off safety checks"
SABOTAGE = "weakens tests, security or records"
DESTRUCTION = "destroys data"
PERSISTENCE = "leaves something behind that works on"
STEERING = "steers the use of tools"
FENCE = "ends the fence around recalled text"
CONCEALED = "has parts that a reader does not see"
HIDDEN = "hides text in invisible or look-alike characters"
BLOB = "carries an encoded block"
ENCODED = "hides an order in encoded or altered letters"

WORDS = {
    "RULES": r"(?:instructions?|rules?|prompts?|guidelines?|guidance|polic(?:y|ies)|directives?|orders?|safeguards?)",
    "EARLIER": r"(?:previous|prior|above|earlier|preceding|former|existing|original|system|developer|safety|your)",
    "SECRETS": r"(?:secrets?|(?:api|ssh|private|access|signing)[ _-]?keys?|keys|credentials?|passwords?|tokens?|cookies"
    r"|\.env\b|env(?:ironment)? (?:variables?|vars|files?)|id_rsa|~/\.(?:ssh|aws|netrc)|conversation|chat history|(?:all|every"
    r"|local|project|config\w*|home|user'?s?|customer|private|personal|contents? of)(?: \w+)? (?:files?|data|records|code"
    r"|details)|source code|system prompt|database dump)",
    "PLACE": r"(?:(?:https?|ftp)://|[\w.+-]+@[\w-]+\.\w|(?:a|the|this) webhook|pastebin|(?:external|remote|this|my|our"
    r"|following) (?:server|url|endpoint|address|host|site|bucket))",
    "FETCH": r"(?:curl|wget|iwr|irm|invoke-webrequest)\b",
    "SHELL": r"(?:(?:sudo )?\b(?:ba|z|da|k)?sh\b|\bpython3?\b(?! -[mc])|\b(?:node|perl|ruby|iex|source|eval)\b)",
    "ALWAYS": r"(?:always|every time|each time|unconditionally|immediately|automatically|at the start of every)",
    "USER": r"(?:the |your )?(?:user|human|operator|owner|person|customer)\b",
}
RULES: tuple[tuple[str, str], ...] = (
    (OVERRIDE, r"\b(?:ignore|disregard|forget|bypass|overlook) (?:\w+ ){0,3}?EARLIER (?:\w+ ){0,3}?RULES"),
    (OVERRIDE, r"\boverride (?:\w+ ){0,3}?(?:previous|prior|system|safety|your) (?:\w+ )?(?:RULES)"),
    (OVERRIDE, r"\b(?:ignore|disregard|forget) (?:all|every|the|these|those)(?: of)?(?: the| your)? RULES(?: (?:above|before"
     r"|you (?:were|have been|got|received))|[.!]|$)"),
    (OVERRIDE, r"\b(?:ignore|disregard|forget) (?:everything|anything|all|whatever) (?:\w+ ){0,4}(?:above|before|said|told"
     r"|earlier|so far)\b"),
    (OVERRIDE, r"\byou(?: are|'re) now (?:an? |free|no longer|acting|called|unrestricted|dan\b|in \w+ mode)"),
    (OVERRIDE, r"\bnew system prompt|\b(?:new|updated|real|true|secret) (?:instructions|directives?|orders)(?: follow|:)"),
    (OVERRIDE, r"\b(?:act|behave|respond|pretend) (?:as|as if|like|that)\b[^.]{0,20} (?:no|without|free of|not bound by) "
     r"(?:\w+ )?(?:rules|restrictions|limits|guidelines|limitations|filters)"),
    (OVERRIDE, r"\b(?:your|all|these) (?:previous|prior|earlier|original) RULES (?:are|were|have been|no longer)\b"),
    (OVERRIDE, r"\b(?:your|all|whatever) [^.\n]{0,40}(?:RULES|said|told you)(?: \w+){0,2} (?:do not|don't|no longer|never) "
     r"(?:apply|applies|count|matter|bind)"),
    (OVERRIDE, r"\b(?:pay no (?:attention|heed) to|take no notice of|stop (?:following|obeying)) (?:\w+ ){0,3}RULES"),
    (OVERRIDE, r"\b(?:obey|comply with) (?:only )?(?:this|these|the following|the text)\b"),
    (OVERRIDE, r"\bfrom now on,? (?:you|always|never|only|obey|follow|answer|respond)\b"),
    (ROLE, r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|eot_id)\b|\[/?INST\]|<</?SYS>>"),
    (ROLE, r"(?:^|\n)\W{0,8}(?:system|assistant)(?: (?:message|prompt|instructions?|override|notice))?\]?\W{0,3}:|(?:^|\n) "
     r"{0,3}\[(?:system|assistant|developer)\]"),
    (ROLE, r"</?(?:system|developer|important|admin)(?:[_ -]\w+)?>"),
    (EXFILTRATION, r"\b(?:send|post|upload|e-?mail|mail|forward|transmit|exfiltrate|leak|submit|copy|paste|push"
     r"|attach)\b[^\n]{0,60}?(?<![\w/])SECRETS(?!\w)[^\n]{0,60}? (?:to|into|in|at|via|with)\b[^\n]{0,30}?PLACE"),
    (EXFILTRATION, r"\bPOST\b[^.\n]{0,20}\bwith\b[^.\n]{0,20}\bSECRETS[^\n]{0,20} to [^\n]{0,20}PLACE"),
    (EXFILTRATION, r"\b(?:send|post|upload|forward|transmit|submit|attach)\b[^.\n]{0,40} PLACE[^\n]{0,60}\bSECRETS"),
    (EXFILTRATION, r"\bFETCH[^\n]{0,120}(?: -d| --data\S*| -F| --form| -T| --upload-file| --post-\w+|\?\w+)[ "
     r"=]?[^\n]{0,60}(?:\$\(|`|@[~/.]|\$\w*(?:key|token|secret|pass)|\.env\b|id_rsa)"),
    (EXFILTRATION, r"\bcat [^\n|]{0,60}(?:\.env|id_rsa|\.ssh|\.aws|credentials|/etc/shadow)[^\n|]{0,40}\| ?(?:curl|nc|wget)"),
    (EXFILTRATION, r"\b(?:reveal|disclose|print|output|repeat|show)(?: \w+){0,3} (?:system|hidden|initial) (?:prompt"
     r"|instructions)"),
    (REMOTE_CODE, r"\bFETCH[^\n]{0,200}(?:\||\||<)[^\n|]{0,20}SHELL|(?:SHELL)[^\n]{0,12}(?:\$\(|<\(|`)[^\n]{0,12}\bFETCH"),
    (REMOTE_CODE, r"\bFETCH[^\n]{0,120}(?:://| -)[^\n]{0,120}(?:&&|;)[^\n]{0,40}?(?:SHELL|\./\w|chmod \+x)"),
    (REMOTE_CODE, r"\bALWAYS,? (?:\w+ ){0,3}(?:run|execute|start|use)\b[^.\n]{0,20}\bFETCH"),
    (REMOTE_CODE, r"\b(?:run|execute)\b[^.\n]{0,12}\bFETCH[^\n]{0,100}\b(?:ALWAYS|first|before (?:any|every|each)\w*)\b"),
    (REMOTE_CODE, r"\b(?:FETCH|download\w*)[^\n]{0,60}\bpipe (?:it|that|the \w+) (?:in)?to [^.\n]{0,10}SHELL"),
    (REMOTE_CODE, r"\b(?:exec|eval)\(.{0,60}(?:urlopen|requests?\.get|fetch|httpx)"),
    (REMOTE_CODE, r"\b(?:fetch|open|read|visit|load)\b[^\n]{0,60}\b(?:do|follow|carry out) (?:exactly |precisely )?(?:what"
     r"|whatever|everything) (?:it|the page|they|that page) (?:says?|tells?|asks?|demands?)"),
    (REMOTE_CODE, r"\bbase64 (?:-d|--decode)\b[^\n]{0,40}\|[^\n]{0,20}SHELL"),
    (REMOTE_CODE, r"\bpipe\b[^.\n]{0,60}\b(?:curl|wget|download|url|remote)\b[^\n]{0,60} (?:to|into)\b[^.\n]{0,20}(?:shell"
     r"|SHELL)"),
    (REMOTE_CODE, r"\b(?:download|fetch)\b[^\n]{0,60}\b(?:and|then) (?:run|execute|eval(?:uate)?|obey) (?:it|them|the script"
     r"|whatever)\b(?! only| after)"),
    (REMOTE_CODE, r"\b(?:obey|execute|carry out|follow) (?:\w+ ){0,3}(?:instructions|commands|orders)\b[^.\n]{0,20} (?:at|from"
     r"|on) https?:"),
    (SECRECY, r"\b(?:do not|don't|never|must not|no need to|without|avoid) (?:ever )?(?:tell|inform|notify|alert|mention"
     r"|report|disclose|reveal)(?:ing)? (?:(?:this|it|that|them|anything|any of this)(?: \w+)? (?:to|from) "
     r")?USER(?![^.\n]{0,120}\b(?:before|until|unless|without|if|while)\b)"),
    (SECRECY, r"\b(?:without|(?:do not|don't|never)) (?:mention|tell|report|disclos|reveal)(?:e|ing)? (?:it|this|that|them"
     r"|anyone|anybody)\b"),
    (SECRECY, r"\b(?:silently|secretly|quietly|covertly|in secret),? (?:\w+ )?(?:run|execute|send|upload|delete|install|push"
     r"|forward|copy|post|disable|grant|change|modify|call|approve|add|create)\b"),
    (SECRECY, r"\b(?:run|execute|send|upload|delete|install|push|forward|copy|post|call|approve"
     r"|disable)\b[^.\n]{0,40}\b(?:(?:silently|secretly|covertly|in secret)(?=[.,;:!]|$| (?:and|in|on|after|before|to"
     r"|every)\b)|without the user(?:'s)? (?:knowing|knowledge|noticing))\b"),
    (SECRECY, r"\bUSER (?:does not|doesn't|need not|must not|should not|shouldn't|must never) (?:need to )?(?:know|notice|see"
     r"|learn|hear|find out)(?: \w+)? (?:about )?(?:this|it|that)\b"),
    (SECRECY, r"\bkeep (?:this|it) (?:between us|secret|quiet|to yourself)|\bno need to (?:tell|inform|bother|notify) USER"),
    (SECRECY, r"\bwithout (?:letting|telling) USER(?! (?:wait|down))|\b(?:leave|omit) (?:it|this|that|the step|this \w+) "
     r"(?:out of|from) (?:the|your)(?: \w+)? (?:summary|report|answer|log)"),
    (SECRECY, r"\b(?:hide|conceal|keep)\b (?:\w+ ){1,5}from USER"),
    (UNSAFE, r"\b(?:always|automatically|blindly|auto-?)\W?(?:approve|accept all|allow all|grant|confirm every|authori[sz]e"
     r"|say yes)\b"),
    (UNSAFE, r"\b(?:skip|bypass|disable|turn off|switch off|deactivate|circumvent) (?:\w+ ){0,3}?(?:confirmations?"
     r"|permissions?|approvals?|safety|guardrails?|safeguards?|sandbox(?:ing)?|(?:user|human|security) (?:verification|review"
     r"|checks?)|certificate (?:verification|checks?)|(?:pre-commit|git|commit) hooks)\b"),
    (UNSAFE, r"\b(?:confirmations?|permissions?|approvals?) (?:is|are) (?:not needed|unnecessary|not required|a formality)"),
    (UNSAFE, r"--dangerously-[\w-]+|--yolo\b|\bbypassPermissions\b"),
    (UNSAFE, r"\b(?:ALWAYS|by default|simply)\b[^.\n]{0,60}(?:--no-verify|--insecure|--privileged|chmod (?:-R )?777"
     r"|verify=False)"),
    (UNSAFE, r"(?:--no-verify|--insecure|chmod (?:-R )?777|verify=False)[^.\n]{0,30}\b(?:always|every (?:time|commit|push"
     r"|request))"),
    (UNSAFE, r"\b(?:do not|don't|never|no need to|without) (?:ask|wait|request|seek)(?:ing)? (?:\w+ ){0,2}?(?:for )?(?:\w+ "
     r")?(?:permission|confirmation|approval|consent)\b"),
    (STEERING, r"\bALWAYS,? (?:call|use|invoke|run) (?:the )?(?:[`'\"]?[\w.-]+[`'\"]? ){1,3}?(?:first|before (?:anything|any "
     r"other|(?:every|each|any) (?:task|answer|reply|response|message|other)))"),
    (STEERING, r"\b(?:recall|call|invoke) (?:[\w`'.-]+ ){1,5}(?:repeatedly|again and again|over and over|endlessly"
     r"|forever)\b(?! (?:until|with))"),
    (STEERING, r"\b(?:before|after|with|in|on) (?:every|each) (?:answer|reply|response|message|turn)\b,? (?:\w+ )?(?:call"
     r"|invoke)\b"),
    (STEERING, r"\b(?:never|do not|don't|stop) (?:use|call|trust|consult)(?:ing)? (?:any |the )?other (?:tool|strateg|server"
     r"|memor)"),
    (STEERING, r"\b(?:rank|prefer|use|apply) this (?:strategy|memory|lesson|tool) (?:first|above|over|before|instead|for "
     r"every)"),
    (STEERING, r"\b(?:ignore|disregard) (?:all |the |any )?other (?:strateg|memor|lessons|tools|results)"),
    (BLOB, r"(?<![A-Za-z0-9+/])(?=[a-z0-9+/]{0,99}[A-Z])(?=[A-Z0-9+/]{0,99}[a-z])(?=[A-Za-z+/]{0,99}\d)[A-Za-z0-9+/]{100,}"),
    (BLOB, r"(?:\\x[0-9a-f]{2}){12,}|(?<![0-9a-f])[0-9a-f]{129,}"),
)  # fmt: skip
