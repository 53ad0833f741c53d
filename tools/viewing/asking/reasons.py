"""The reasons for what a recall finds, in the words of a person who asks."""

from typing import Literal, get_args

from strategy_bank.store.records import GLOBAL_SCOPE, Strategy, StrategyStatus
from strategy_bank.store.retrieval.coverage import COMPARED
from strategy_bank.store.retrieval.explanation import Cause, Considered, Explained
from strategy_bank.store.retrieval.ranking import LISTED, NEAREST, POSSIBLE, SHOWN
from strategy_bank.store.retrieval.teachers import MOST
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.recall_strategies import MENU_CHARS, SURE_WHEN_STUCK, RecallResult

LeftOut = Literal["no_room", "only_sure"]
"""Found, and left out of the reply: there is no room in it; it is not sure enough to interrupt somebody's work."""
Kept = StrategyStatus | Literal["other_scope", "not_given", "unread", "far"]
"""Not looked at: its status; another project's; taught by other projects; the task is not English; others are nearer."""
Reason = Cause | LeftOut | Kept
KEPT_BACK: tuple[StrategyStatus, ...] = tuple(each for each in get_args(StrategyStatus) if each != "active")

_BRIEF = 200  # characters of a text that is quoted in a reason
_ONE_SESSION = f"one session alone vouches for it and for {MOST} better ones"


def reason_in_words(each: Considered, reason: Reason, limit: int) -> str:
    """Return why a lesson that a recall looked at stands where it does."""
    chance = _chance(each.parts.relevance)
    match reason:
        case "best":
            return f"Read in full: it fits best, and its relevance of {chance} is at least {_chance(each.floor)}."
        case "beside":
            needed = f"the {_chance(each.floor)} that a lesson beside the best one needs"
            return f"Read in full: its relevance of {chance} is at least {needed}."
        case "opposite":
            return (
                f"Read in full, however it fits: it advises the opposite of {each.opposes}, and the agent weighs both."
            )
        case "limit":
            return f"By title: it is as sure as those in full, and at most {limit} were asked for."
        case "unsure":
            return f"By title: in full it would need a relevance of {_chance(each.floor)}, and {_own(each)}."
        case "repeats" | "crowd":
            return f"By title, with a relevance of {chance}: {_behind(each)}."
        case "nothing_fits":
            return f"Not shown, and nothing is: the best one has less than {_chance(POSSIBLE)}, and it has {chance}."
        case "unlikely":
            return f"Not shown: its relevance of {chance} is below {_chance(LISTED)}{_far_behind(each)}{_unread(each)}."
        case "beyond":
            behind = f" Besides, {_behind(each)}." if each.crowd or each.repeats else ""
            return f"Not shown: {SHOWN} stand before it, and no more are.{behind} Its relevance is {chance}."
        case "no_room":
            room = f"a reply has {MENU_CHARS:,} characters for lessons, a third of them for titles"
            return f"Not shown, though its relevance is {chance}: {room}, and what stands before it takes them."
        case "only_sure":
            least = _chance(SURE_WHEN_STUCK)
            return (
                f"Not shown: who is stuck is interrupted only by what is read in full and has {least}; it has {chance}."
            )
        case _:
            return ""


def _own(each: Considered) -> str:
    if each.chance == each.parts.relevance:
        return f"has {_chance(each.chance)}"
    return f"has {_chance(each.chance)} beside a session's lessons that fit better"


def _behind(each: Considered) -> str:
    if each.repeats:
        return f"it says what {each.repeats} says, which fits better, and stands behind all others"
    return f"{_ONE_SESSION}, so that it stands behind what others taught"


def _far_behind(each: Considered) -> str:
    return f", since it stands {-each.parts.margin:.2f} behind the best one" if each.parts.margin < 0 else ""


def _unread(each: Considered) -> str:
    if each.parts.of_task is None or each.parts.compared:
        return ""
    return f"; it was not compared word by word, as {COMPARED} likelier ones were"


def kept_in_words(reason: Kept, strategy: Strategy, scope: str, each: Considered, least: float) -> str:
    """Return why a lesson was not looked at; `least` is the cosine from which one was near enough."""
    why = f": {_brief(strategy.status_reason).rstrip('.')}" if strategy.status_reason else ""
    match reason:
        case "retired":
            return f"Not looked at: it is retired{why}."
        case "quarantined" | "waiting":
            return f"Not looked at: it waits until a person lets it in{why}."
        case "other_scope":
            here = f"{_brief(scope)} and {GLOBAL_SCOPE}" if scope != GLOBAL_SCOPE else GLOBAL_SCOPE
            return f"Not looked at: it is of the scope {_brief(strategy.scope)}, and a recall here reads {here}."
        case "not_given":
            return f"Not looked at: other projects taught it to {GLOBAL_SCOPE}, and this one is kept apart from theirs."
        case "unread":
            return "Not looked for: the model of this bank reads English, and the task is hardly English."
        case _ if each.parts.cosine >= least > -1:
            return "Not found: the search looks into the nearest parts of a large bank only, and it lies in another."
        case _:
            reach = f" (its cosine is {each.parts.cosine:.2f}, theirs are at least {least:.2f})" if least > -1 else ""
            return f"Not looked at: {NEAREST} lessons are nearer to the task{reach}."


def would_be(each: Considered, *, fits: bool) -> str:
    """Return where a lesson that was not looked at would stand by its own score; `fits`: something is found without it."""
    chance = each.parts.relevance
    best = each.parts.margin > 0
    if chance >= each.floor:
        place = "it would be read in full"
    elif chance >= (LISTED if fits else POSSIBLE) and (fits or best):
        place = "it would be shown by title"
    else:
        place = "it would not be shown"
    return f"By itself {place}, with a relevance of {_chance(chance)}."


def summary(found: Explained, result: RecallResult, *, unread: bool) -> str:
    """Return what was found in one sentence."""
    looked_at, full, listed = len(found.considered), len(result.strategies), len(result.others)
    if unread:
        return "Nothing was looked for: the model of this bank reads English, and the task is hardly English."
    if not looked_at:
        return "There is no lesson to look at in this scope."
    of = f"of {looked_at} {'lesson' if looked_at == 1 else 'lessons'} that came near"
    if not (full or listed):
        best = max(each.chance for each in found.considered)
        return f"Nothing is shown {of}: the most relevant one has {_chance(best)}."
    return f"{full} in full and {listed} by title, {of}."


def _brief(text: str) -> str:
    line = folded(text[: 4 * _BRIEF])
    return line if len(line) <= _BRIEF else f"{line[:_BRIEF].rstrip()}…"


def _chance(number: float) -> str:
    return f"{number:.2f}" if number >= 0.1 else f"{number:.3f}"
