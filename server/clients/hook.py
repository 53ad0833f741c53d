"""`strategy-bank hook stop`: what a client runs when its agent stops. Reads the hook's JSON from standard input.

Claude Code, Codex and Gemini CLI send the same fields. If the agent tried something in this turn and reported nothing, the
answer lets it go on once, with a short request. A hook must never be in the way, so the agent may stop after any trouble, and
the exit code is 0. Imports nothing that is slow; the server does the work.
"""

import json
import sys

from strategy_bank.server.hook_reply import request_for
from strategy_bank.store.visible_text import visible_line
from strategy_bank.tools.transcripts.entry import fields, word
from strategy_bank.tools.transcripts.tail import last_turn

USAGE = """Usage: strategy-bank hook stop

  For hooks that start a command: AfterAgent of Gemini CLI, and Stop of Claude Code and Codex, which the plugin has the server
  answer. Reads the hook's JSON from standard input. If the agent tried something in this turn and reported nothing, it is asked
  once for the report. If anything goes wrong, the agent may stop; the exit code is 0.
"""


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
    turn = last_turn(path)
    return request_for(turn.client, path) if turn.unreported else ""
