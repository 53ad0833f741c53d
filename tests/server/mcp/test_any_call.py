"""Any JSON for any argument of any tool: what comes back is a reply or a refusal, always in words."""

import json
import os
import time
from contextlib import AsyncExitStack
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from strategy_bank.server.mcp.tools import contract
from tests.support.connecting import Connect
from tests.support.samples import judgement, text_of

pytestmark = pytest.mark.anyio
SECONDS = float(os.environ.get("FUZZED_SECONDS", "12"))
TOOLS = {tool.name: tool.parameters for tool in contract()}
ODD = [
    "",
    " ",
    "\x00",
    "\ud800",
    "\ufeff",
    "\u202e",
    "null",
    "0",
    "[]",
    "{}",
    "[" * 3000,
    '{"a":' * 3000,
    "𝕏\u0301",
    "-0",
]

texts = st.one_of(st.text(max_size=30), st.sampled_from(ODD), st.text(alphabet=st.characters(), max_size=5))
keys = texts.filter(lambda text: text.isascii() or text.encode("utf-8", "replace").decode() == text)
"""Without lone surrogates: the client of the SDK cannot send such keys."""
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.integers(-(10**400), 10**400), st.floats(), texts)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)


def encoded(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The values, sometimes as JSON text, in a fence or encoded twice."""
    as_text = values.map(lambda value: json.dumps(value, default=str))
    return st.one_of(
        values,
        values,
        as_text,
        as_text.map(json.dumps),
        as_text.map("```json\n{}\n```".format),
        st.lists(values, max_size=2),
    )


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that nearly fit a schema: what it asks for, with anything here and there."""
    if "anyOf" in schema:
        return st.one_of(*map(fitting, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], "Success", "perhaps"])
    match schema.get("type"):
        case "object":
            fields = {
                name: st.one_of(fitting(each), encoded(anything)) for name, each in schema.get("properties", {}).items()
            }
            return encoded(st.fixed_dictionaries({}, optional=fields))
        case "array":
            return encoded(st.lists(fitting(schema.get("items", {})), max_size=4))
        case "integer":
            return encoded(st.integers(-2, 12))
        case "string":
            return texts
        case _:
            return anything


def arguments(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {
        name: st.one_of(fitting(each), encoded(fitting(each)), anything) for name, each in schema["properties"].items()
    }
    whole = {"judgement": judgement(evidence=["14 passed"])}
    kept = {name: st.one_of(st.just(value), fields[name]) for name, value in whole.items() if name in fields}
    return st.fixed_dictionaries({}, optional=fields | kept | {"hook": anything, "other": anything})


calls = st.one_of([st.tuples(st.just(name), arguments(TOOLS[name])) for name in sorted(TOOLS)])


@pytest.mark.timeout(SECONDS + 120)
async def test_every_call_is_answered_in_words(connect: Connect) -> None:
    """The same calls each time, as many as there is time for; `FUZZED_SECONDS` gives it more, and other ones."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(connect())
        ends, number = time.monotonic() + SECONDS, 0

        @settings(
            max_examples=int(SECONDS * 33),
            derandomize="FUZZED_SECONDS" not in os.environ,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(calls)
        def all_calls(sent: tuple[str, dict[str, Any]]) -> None:
            nonlocal number
            if time.monotonic() > ends:
                return
            number += 1
            result = anyio.from_thread.run(client.call_tool, *sent)
            assert text_of(result).strip(), sent
            assert not text_of(result).startswith("Error executing tool"), (sent, text_of(result))
            assert result.is_error or result.structured_content, sent

        await anyio.to_thread.run_sync(all_calls)
    assert number > 20
