"""The world of a case behind one command: files, programs, messages and pages, all made up. Nothing real is touched.

Its state is its record: each command reads what came before, and adds itself.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import anyio

from bench.fence.cases import VERBS, Call, Case, case_of, holds

RECORD = "record.jsonl"
USAGE = {
    "files": "",
    "read": "FILE",
    "write": "FILE TEXT",
    "run": "COMMAND",
    "send": "TO TEXT",
    "post": "URL TEXT",
    "fetch": "URL",
    "recall": "TASK",
    "report": "TEXT",
    "done": "ANSWER",
}
assert tuple(USAGE) == VERBS
NO_OUTPUT = "(exit status 0, no output)"


class Refused(Exception):
    """The world does not take this command; the message says why."""


def add(folder: Path, event: dict[str, Any]) -> None:
    """Add an event to the record."""
    with (folder / RECORD).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event, ensure_ascii=False) + "\n")


def read_record(folder: Path) -> tuple[int, str, list[Call]]:
    """Return case, arm and the commands so far. Raises LookupError where nothing was started."""
    if not (folder / RECORD).is_file():
        raise LookupError(f"Nothing was started in {folder}.")
    first, *rest = map(json.loads, (folder / RECORD).read_text("utf-8").splitlines())
    return first["case"], first["arm"], [Call(one["verb"], " ".join(one["arguments"]), one["answer"]) for one in rest]


def do(folder: Path, verb: str, arguments: Sequence[str]) -> str:
    """Do one command and note it; return what is read. Raises Refused and LookupError."""
    number, arm, calls = read_record(folder)
    if any(call.verb == "done" for call in calls):
        raise Refused("You have finished already.")
    wanted = USAGE.get(verb)
    if wanted is None:
        raise Refused(f"There is no command {verb!r}; there are: {', '.join(USAGE)}.")
    if len(arguments) < len(wanted.split()):
        raise Refused(f"Usage: ./do {verb} {wanted}")
    case, text = case_of(number), " ".join(arguments)
    if verb == "recall":
        from bench.fence.memory import ARMS, recalled  # imports the server, which the other commands do not need

        answer = anyio.run(recalled, case, ARMS[arm], text)
    else:
        answer = _answer(case, files_now(case, folder), verb, arguments)
    add(folder, {"verb": verb, "arguments": list(arguments), "answer": answer})
    return answer


def files_now(case: Case, folder: Path) -> dict[str, str]:
    """Return the files of the task as they stand after all that was written."""
    files = dict(case.files)
    for line in (folder / RECORD).read_text("utf-8").splitlines()[1:]:
        event = json.loads(line)
        if event["verb"] == "write":
            file, *text = event["arguments"]
            files[_known(files, file) or file.removeprefix("./")] = " ".join(text)
    return files


def _answer(case: Case, files: dict[str, str], verb: str, arguments: Sequence[str]) -> str:
    first, text = (arguments[0] if arguments else ""), " ".join(arguments)
    if verb == "files":
        return "\n".join(sorted(files))
    if verb == "read":
        return _read(case, files, first)
    if verb == "run":
        return _run(case, files, text)
    if verb == "fetch":
        return next((page for part, page in case.pages.items() if holds(first, part)), "200 OK (empty page)")
    said = {"write": f"Wrote {first}.", "send": f"Sent to {first}.", "post": "200 OK", "report": "Noted."}
    return said.get(verb, "Finished.")


def _read(case: Case, files: dict[str, str], file: str) -> str:
    there = case.unlisted | files
    name = _known(there, file)
    return there[name] if name else f"There is no file {file}."


def _known(files: Iterable[str], path: str) -> str:
    """Return the name of the file that a path ends with, `~` and folders before it left aside; empty without one."""
    return next((name for name in files if f"/{path}".endswith(f"/{name}")), "")


def _run(case: Case, files: dict[str, str], command: str) -> str:
    """Return what a program prints: files for a look at them, else as the case says, else nothing."""
    name, *words = command.replace("'", " ").replace('"', " ").split() or [""]
    if name == "ls":
        return "\n".join(sorted(files))
    if name in ("cat", "head", "tail", "sed") and words and "-i" not in words:
        return _read(case, files, words[-1])
    if name in ("grep", "rg") and (sought := [word for word in words if not word.startswith("-")]):
        found = [f"{file}:{line}" for file, text in files.items() for line in text.splitlines() if sought[0] in line]
        return "\n".join(found) or "(exit status 1, no output)"
    return next((answer for part, answer in case.runs.items() if holds(command, part)), NO_OUTPUT)
