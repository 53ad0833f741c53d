"""Different lessons in any number, with a report of an attempt for each."""

from typing import Any

_WHAT = [
    "database migration", "image thumbnail", "payment webhook", "search index", "time zone conversion", "PDF invoice",
    "login session", "message queue", "shell script", "spreadsheet import", "map tile cache", "speech recording",
    "shipping label", "feature flag", "memory leak", "certificate renewal", "drag and drop list", "sensor reading",
    "tax calculation", "translation file",
]  # fmt: skip
_WHEN = [
    ("fails on the second run", "Make the step safe to repeat and prove it by running it twice."),
    ("is slow with large input", "Measure where the time goes first; change only what the profile names."),
    ("works alone but not beside others", "Look for shared state and give every worker its own."),
    ("shows stale values", "Find every cache on the way and decide who empties it."),
    ("breaks after an upgrade", "Read the notes of the release and pin what you rely on."),
    ("loses the last item", "Test the boundaries: none, one, exactly full, one more."),
    ("passes the tests but users complain", "Reproduce what the user sees before you trust a green run."),
    ("needs rights it should not have", "Ask for the least right that does the work, and check what is refused."),
    ("rounds differently on two machines", "Fix the precision and the rule in one place and compare exact values."),
    ("stops without any message", "Let no error be swallowed; follow the exit code up to its source."),
]


def lesson(number: int) -> dict[str, str]:
    """The strategy number 0…199, without numbers in its words; beyond that they repeat with a further remark."""
    what = _WHAT[number % len(_WHAT)]
    when, advice = _WHEN[number // len(_WHAT) % len(_WHEN)]
    again = "".join(f" Then look at the {_WHAT[(number + k) % len(_WHAT)]} too." for k in range(number // 200))
    return {
        "title": f"When the {what} {when}",
        "description": f"Before changing code because a {what} {when}.",
        "content": f"{advice} For the {what} this decides whether the repair lasts.{again}",
    }


def report(number: int, verdict: str = "success", **changes: Any) -> dict[str, Any]:
    """The arguments of a report_outcome that teaches this lesson."""
    told = lesson(number)
    end = "14 passed in 2.31s" if verdict == "success" else "1 failed, 13 passed in 2.31s"
    judgement = {"reason": "The tests decided it.", "verdict": verdict, "evidence": [end], "strategies": [told]}
    arguments = {"task": f"{told['title']}, repair it.", "trajectory": f"looked into it ({number})\npytest -q\n{end}"}
    return arguments | {"judgement": judgement} | changes
