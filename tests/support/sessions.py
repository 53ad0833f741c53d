"""Sessions as Claude Code, Codex and Gemini CLI write them down, record by record."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NOW = "2026-11-20T09:00:00.000Z"
PROMPT = "The nightly import of customer orders crashes with a decoding error; make it run through."
PASSED = "============================== 14 passed in 2.31s =============================="
CRASH = "Exit code 1\nUnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 17"


def write(file: Path, records: Iterable[dict[str, Any] | str]) -> Path:
    """Records as JSON Lines; text stands as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    file.write_text("\n".join(lines) + "\n", "utf-8", errors="surrogatepass")
    return file


def _claude(kind: str, message: dict[str, Any], **changes: Any) -> dict[str, Any]:
    common = {"parentUuid": None, "isSidechain": False, "userType": "external", "cwd": "/gone/shop", "sessionId": "s-1"}
    return (
        common
        | {"version": "2.1.197", "gitBranch": "main", "type": kind, "message": message, "timestamp": NOW}
        | changes
    )


def said(text: str | list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Words of role user."""
    return _claude("user", {"role": "user", "content": text}, **changes)


def agent(*blocks: dict[str, Any], ident: str = "", **changes: Any) -> dict[str, Any]:
    ident = ident or f"msg_{abs(hash(json.dumps(blocks)))}"
    return _claude("assistant", {"id": ident, "role": "assistant", "content": list(blocks)}, **changes)


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(ident: str, tool: str = "Bash", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": ident, "name": tool, "input": arguments}


def result(ident: str, output: Any, *, error: bool = False) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": ident, "content": output} | ({"is_error": True} if error else {})
    return _claude("user", {"role": "user", "content": [block]}, toolUseResult={"stdout": output, "interrupted": False})


def work(prompt: str = PROMPT) -> list[dict[str, Any]]:
    """A task of Claude Code that went well in the end. Each prompt has a file of its own that is written for it."""
    file = "importer.py" if prompt == PROMPT else f"page_{len(prompt)}.py"
    return [
        said(prompt),
        agent({"type": "thinking", "thinking": "See it fail first.", "signature": "x" * 40}, ident="m1"),
        agent(text("I run the import."), ident="m1"),
        agent(use("t1", command="python -m importer --file sample.csv"), ident="m1"),
        result("t1", CRASH, error=True),
        agent(
            use("t2", "Edit", file_path=file, old_string="open(p)", new_string="open(p, encoding=e)"),
            ident="m2",
        ),
        result("t2", [{"type": "text", "text": "The file has been updated."}]),
        agent(use("t3", command="pytest -q"), ident="m3"),
        result("t3", PASSED),
        agent(text("The import runs through now."), ident="m4"),
    ]


def reporting(request: str, *, blocked: bool = False) -> list[dict[str, Any]]:
    """The request of the stop hook, as context or as a decision to block, and what follows it."""
    tool = "mcp__plugin_strategy-bank_strategy-bank__report_outcome"
    context = {"type": "hook_additional_context", "content": [request], "hookName": "Stop", "hookEvent": "Stop"}
    return [
        said(f"Stop hook feedback:\n{request}", isMeta=True)
        if blocked
        else _claude("attachment", {}, attachment=context),
        agent(text("I report it."), use("t9", tool, trajectory={"transcript": "x"}), ident="m9"),
        result("t9", "learned: episode ep_0123456789abcdef, verdict success"),
        agent(text("Reported."), ident="m10"),
    ]


def _item(**payload: Any) -> dict[str, Any]:
    return {"timestamp": NOW, "type": "response_item", "payload": payload}


def codex_said(words: str, role: str = "user") -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return _item(type="message", role=role, content=[{"type": kind, "text": words}])


def codex_work(prompt: str = PROMPT, cwd: str = "/gone/shop") -> list[dict[str, Any]]:
    """The same task in Codex."""
    meta = {
        "id": "c-1",
        "timestamp": NOW,
        "cwd": cwd,
        "originator": "codex_cli_rs",
        "cli_version": "0.165.0",
        "source": "cli",
    }
    return [
        {"timestamp": NOW, "type": "session_meta", "payload": meta},
        codex_said("<permissions instructions>\nsandboxed\n</permissions instructions>", "developer"),
        codex_said("# AGENTS.md instructions for /gone/shop\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>"),
        codex_said(f"<environment_context>\n  <cwd>{cwd}</cwd>\n</environment_context>"),
        codex_said(prompt),
        {"timestamp": NOW, "type": "event_msg", "payload": {"type": "user_message", "message": prompt}},
        {"timestamp": NOW, "type": "turn_context", "payload": {"cwd": cwd, "model": "gpt-5-codex", "summary": "auto"}},
        _item(
            type="reasoning",
            summary=[{"type": "summary_text", "text": "**Reproduce first**"}],
            encrypted_content="gAAA",
        ),
        _item(type="function_call", name="exec_command", arguments='{"cmd":"python -m importer"}', call_id="call_1"),
        _item(
            type="function_call_output",
            call_id="call_1",
            output=f"Chunk ID: a1\nProcess exited with code 1\nOutput:\n{CRASH}",
        ),
        _item(
            type="custom_tool_call",
            name="apply_patch",
            input="*** Begin Patch\n*** End Patch",
            call_id="call_2",
            status="completed",
        ),
        _item(
            type="custom_tool_call_output", call_id="call_2", output='{"output":"Success","metadata":{"exit_code":0}}'
        ),
        {"timestamp": NOW, "type": "event_msg", "payload": {"type": "token_count", "info": None}},
        _item(type="function_call", name="exec_command", arguments='{"cmd":"pytest -q"}', call_id="call_3"),
        _item(type="function_call_output", call_id="call_3", output=f"Process exited with code 0\nOutput:\n{PASSED}"),
        codex_said("The import runs through now.", "assistant"),
    ]


def codex_reporting(request: str) -> list[dict[str, Any]]:
    return [
        codex_said(f'<hook_prompt hook_run_id="stop:0">{request}</hook_prompt>'),
        _item(type="function_call", name="mcp__strategy_bank__report_outcome", arguments="{}", call_id="call_9"),
        _item(
            type="function_call_output",
            call_id="call_9",
            output="learned: episode ep_0123456789abcdef, verdict success",
        ),
        codex_said("Reported.", "assistant"),
    ]


def gemini_meta(kind: str = "main") -> dict[str, Any]:
    return {"sessionId": "g-1", "projectHash": "68ac", "startTime": NOW, "lastUpdated": NOW, "kind": kind}


def gemini_said(words: str, ident: str = "") -> dict[str, Any]:
    return {"id": ident or f"u-{abs(hash(words))}", "timestamp": NOW, "type": "user", "content": [{"text": words}]}


def gemini_agent(ident: str, words: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """Written once with its words, and again when its calls are done; then what these gave, as words of the user."""
    first = {
        "id": ident,
        "timestamp": NOW,
        "type": "gemini",
        "content": words,
        "thoughts": [],
        "model": "gemini-2.5-pro",
    }
    if not calls:
        return [first]
    answers = [part for call in calls for part in call["result"]]
    told = {"id": f"{ident}-r", "timestamp": NOW, "type": "user", "content": answers}
    return [first, {"$set": {"lastUpdated": NOW}}, first | {"toolCalls": list(calls)}, told]


def gemini_call(ident: str, output: str, name: str = "run_shell_command", **arguments: Any) -> dict[str, Any]:
    response = {"output": f"<untrusted_context>\n{output}\n</untrusted_context>"}
    answer = {"functionResponse": {"id": ident, "name": name, "response": response}}
    return {"id": ident, "name": name, "args": arguments, "result": [answer], "status": "success", "timestamp": NOW}


def gemini_work(prompt: str = PROMPT) -> list[dict[str, Any]]:
    """The same task in Gemini CLI."""
    context = gemini_said("<session_context>\nThis is the Gemini CLI.\n</session_context>")
    crash = f"Output: {CRASH}\nExit Code: 1\nProcess Group PGID: 31047"
    return [
        gemini_meta(),
        {"$set": {"messages": [context]}},
        gemini_said(prompt),
        *gemini_agent("a-1", "I run the import.", gemini_call("c-1", crash, command="python -m importer")),
        *gemini_agent("a-2", "", gemini_call("c-2", "Successfully modified file", "replace", file_path="importer.py")),
        *gemini_agent("a-3", "Now the tests.", gemini_call("c-3", f"Output: {PASSED}", command="pytest -q")),
        *gemini_agent("a-4", "The import runs through now."),
    ]


def gemini_reporting(request: str) -> list[dict[str, Any]]:
    told = "learned: episode ep_0123456789abcdef, verdict success"
    return [
        gemini_said(request),
        *gemini_agent("a-8", "I report it.", gemini_call("c-9", told, "mcp_strategy-bank_report_outcome")),
        *gemini_agent("a-9", "Reported."),
    ]
