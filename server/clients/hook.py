"""`strategy-bank hook stop`: what a client runs when its agent stops. Reads the hook's JSON from standard input.

Claude Code, Codex and Gemini CLI send the same fields. If the agent tried something in this turn and reported nothing, the
answer lets it go on once, with a short request. A hook must never be in the way, so the agent may stop after any trouble, and
the exit code is 0. Imports nothing that is slow; the server does the work.
"""

import json
import sys
from collections.abc import Iterable

from strategy_bank.server.hook_reply import context_for
from strategy_bank.store.visible_text import visible_line
from strategy_bank.tools.transcripts.entry import REQUEST, Entry, exit_code, fields, word
from strategy_bank.tools.transcripts.hints import test_result
from strategy_bank.tools.transcripts.tail import last_entries
from strategy_bank.tools.transcripts.touched import written

TAIL = 1_000_000  # bytes read at the end of the transcript; a turn that is longer than that did some work
USAGE = """Usage: strategy-bank hook stop

  For the hooks Stop of Claude Code and Codex and AfterAgent of Gemini CLI: reads the hook's JSON from standard input. If the
  agent tried something in this turn and reported nothing, it is asked once for the report. If anything goes wrong, the
  agent may stop; the exit code is 0.
"""
_MANY_CALLS = 8  # that many looked for something, whatever they were
_ASK = (
    "{begin}. If the task has ended (done, failed or given up), call report_outcome once: trajectory {reference} (it is read "
    "from there; do not retype it) and your judgement: reason, verdict (undecided by observations: failure), evidence quoted "
    "verbatim from outputs, 0 to 3 strategies. Add recall_id, and in recalled what became of each recalled lesson. If you only "
    "wait for the user or nothing was attempted, just stop."
)


def hook(arguments: list[str]) -> int:
    """Write the answer, if any, to standard output, and return the exit code: 0, or 2 for a wrong command line."""
    if arguments != ["stop"]:
        wanted = arguments in (["--help"], ["-h"], ["stop", "--help"])
        (sys.stdout if wanted else sys.stderr).write(USAGE)
        return 0 if wanted else 2
    try:
        answer = stop(sys.stdin.buffer.read())
        sys.stdout.buffer.write(answer.encode())  # clients read UTF-8, whatever the encoding of this console
        sys.stdout.buffer.flush()
    except Exception as exc:  # noqa: BLE001  whatever it is, the agent may stop
        sys.stderr.write(f"strategy-bank hook stop: {visible_line(str(exc))}\n")
    return 0


def stop(sent: bytes) -> str:
    """Return the answer to the hook's JSON: a request in the client's form, or nothing. Raises OSError, ValueError."""
    event = fields(json.loads(sent))
    path = word(event.get("transcript_path"))
    if not path or event.get("stop_hook_active"):
        return ""
    client, entries = last_entries(path, TAIL)
    if not _unreported(entries):
        return ""
    request = _ASK.format(begin=REQUEST, reference=json.dumps({"transcript": path}, ensure_ascii=False))
    # Claude Code takes the request as context, and would show a decision to block as a problem of the hook. The others know
    # that decision only.
    if client == "claude-code":
        return context_for("Stop", request)
    return json.dumps({"decision": "block", "reason": request})


def _unreported(entries: Iterable[Entry]) -> bool:
    """Tell whether something was tried in the last turn, and nothing reported after it.

    A turn of reading or talk has nothing to report: few calls, none of which wrote a file, failed, or ended with a result of
    tests.
    """
    calls, tried = 0, False
    for entry in entries:
        if entry.kind in ("prompt", "command") or entry.reported:
            calls, tried = 0, False
        else:
            calls += entry.worked
            tried = tried or _tries(entry)
    return calls > 0 and (tried or calls >= _MANY_CALLS)


def _tries(entry: Entry) -> bool:
    if entry.kind == "result":
        return entry.failed or bool(test_result(entry.text)) or exit_code(entry.text) not in ("", "0")
    return entry.worked and bool(written(entry.message))
