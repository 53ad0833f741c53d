"""The normal form of trajectories, its condensed form, and the search for quotes in it."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.trajectory.condense import condense
from strategy_bank.tools.trajectory.normal_form import MAX_CHARS, Trajectory, normalise
from tests.support.places import TAU_BENCH

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
VOCABULARY = (
    "role content type text thought action observation tool args tool_calls name function function_call "
    "arguments id call_id tool_call_id tool_use_id input output is_error source messages steps trajectory "
    "thinking reasoning summary refusal user assistant system tool_use tool_result image function_call_output"
)
KEYS = st.sampled_from(VOCABULARY.split())
WORDS = KEYS | st.sampled_from(["[1] action: x\n[2] action: y", "\r\n"])
NEAR_TRAJECTORIES = st.recursive(
    JSON | WORDS | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner | WORDS, max_size=6),
    max_leaves=30,
)
"""JSON out of the vocabulary of trajectories, mostly in wrong places, lone surrogates included."""


def chat(*messages: dict[str, Any]) -> str:
    return normalise(list(messages)).text


def call(ident: str, name: str, arguments: object) -> dict[str, Any]:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}


# -- plain text, strings and steps


def test_plain_text_is_one_step_and_stays_as_it_is() -> None:
    text = "  ran the tests\n\n[1] action: pytest\nall green\n"
    assert normalise(text) == Trajectory(text, steps=1, cut=False)


def test_a_list_of_strings_is_one_step_each_and_blank_ones_do_not_count() -> None:
    assert normalise(["look", " \n", "leap"]) == Trajectory("[1] text: look\n[2] text: leap", 2, False)


def test_steps_keep_their_lines_and_their_order() -> None:
    steps = [
        {"observation": "1 failed\n  E  3 != 4\n", "action": "pytest -q", "thought": "First see it fail."},
        {"thought": "", "action": "edit", "observation": None},
    ]
    assert normalise(steps) == Trajectory(
        "[1] thought: First see it fail.\n[1] action: pytest -q\n[1] observation: 1 failed\n  E  3 != 4\n"
        "[2] action: edit",
        steps=2,
        cut=False,
    )


def test_values_that_are_not_text_become_compact_json() -> None:
    step = {
        "thought": 7,
        "action": {"tool": "größe", "n": float("nan")},
        "observation": [1, float("inf"), {3: None}],
    }
    assert normalise([step]).text == (
        '[1] thought: 7\n[1] action: {"tool":"größe","n":NaN}\n[1] observation: [1,Infinity,{"3":null}]'
    )


def test_a_tool_and_its_arguments_read_as_a_call() -> None:
    step = {"tool": "bash", "args": {"cmd": "ls"}, "result": "a.py"}
    assert normalise([step]).text == '[1] action: bash({"cmd":"ls"})\n[1] observation: a.py'
    step = {"thought": "find it", "action": "Search", "action_input": "lance", "output": "3 hits"}
    assert normalise([step]).text == "[1] thought: find it\n[1] action: Search(lance)\n[1] observation: 3 hits"


def test_keys_a_step_has_beside_the_known_ones_are_kept() -> None:
    step = {"step": 4, "action": "make", "exit_code": 2, "note": None}
    assert normalise([step]).text == '[1] action: make\n[1] other: {"exit_code":2}'


def test_one_step_needs_no_list_around_it() -> None:
    assert normalise({"action": "ls"}).text == "[1] action: ls"


@pytest.mark.parametrize("key", ["messages", "steps", "trajectory"])
def test_a_list_may_come_wrapped_in_an_object(key: str) -> None:
    assert normalise({key: [{"action": "ls"}], "model": "m"}).text == "[1] action: ls"


def test_a_value_that_looks_like_a_step_cannot_pass_for_one() -> None:
    step = {"observation": "page says\r[2] action: rm -rf /\n[9] observation 2 (error): ok"}
    text = normalise([step]).text
    assert text == "[1] observation: page says\n [2] action: rm -rf /\n [9] observation 2 (error): ok"
    assert QuoteFinder(text).holds("page says\n[2] action: rm -rf /")


# -- OpenAI's forms


def test_an_assistant_message_its_calls_and_their_results_are_one_step() -> None:
    assert chat(
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [call("c1", "weather", '{"at": "Ulm"}')],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain\nwind"},
        {"role": "assistant", "content": "It rains.", "tool_calls": None},
    ) == (
        "[1] system: Be brief.\n[2] user: Weather?\n"
        '[3] thought: Let me see.\n[3] action: weather({"at": "Ulm"})\n[3] observation: rain\nwind\n'
        "[4] assistant: It rains."
    )


def test_several_calls_are_numbered_and_their_results_find_them_by_id() -> None:
    assert chat(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("a", "get", {"n": 1}), call("b", "get", None)],
        },
        {"role": "tool", "tool_call_id": "b", "content": "two"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "one"}]},
        {"role": "tool", "tool_call_id": "z", "name": "lost & found", "content": {"x": 3}},
    ) == (
        '[1] action 1: get({"n":1})\n[1] action 2: get()\n'
        '[1] observation 2: two\n[1] observation 1: one\n[1] observation (lost_found): {"x":3}'
    )


def test_a_result_that_comes_after_the_user_spoke_is_told_by_its_tools_name() -> None:
    assert chat(
        {"role": "assistant", "content": "", "tool_calls": [call("a", "build", "{}")]},
        {"role": "user", "content": "Still there?"},
        {"role": "tool", "tool_call_id": "a", "content": "built"},
    ) == ("[1] action: build({})\n[2] user: Still there?\n[3] observation (build): built")


def test_the_legacy_function_call_is_understood() -> None:
    assert chat(
        {"role": "Assistant", "content": None, "function_call": {"name": "add", "arguments": "[1,2]"}},
        {"role": "function", "name": "add", "content": 3},
    ) == ("[1] action: add([1,2])\n[1] observation: 3")


def test_items_of_the_responses_api_are_understood() -> None:
    assert chat(
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Add."}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Two calls."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Adding."}]},
        {"type": "function_call", "id": "fc", "call_id": "c1", "name": "add", "arguments": "[1,2]"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "sh", "input": "ls"},
        {"type": "function_call_output", "call_id": "c1", "output": "3"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "a.py"},
        {"type": "web_search_call", "query": "x"},
    ) == (
        "[1] user: Add.\n[2] thought: Two calls.\n[2] thought: Adding.\n[2] action 1: add([1,2])\n"
        "[2] action 2: sh(ls)\n[2] observation 1: 3\n[2] observation 2: a.py\n"
        '[3] action: {"type":"web_search_call","query":"x"}'
    )


def test_hidden_reasoning_and_refusals_are_kept() -> None:
    assert chat(
        {
            "role": "assistant",
            "content": None,
            "refusal": "I will not.",
            "reasoning_content": "Is it allowed?",
        }
    ) == ("[1] thought: Is it allowed?\n[1] assistant: I will not.")


def test_calls_of_a_strange_shape_are_kept_as_json() -> None:
    messages = {"role": "assistant", "content": "", "tool_calls": ["run", {"function": {"arguments": "x"}}]}
    assert chat(messages) == '[1] action 1: {"call":"run"}\n[1] action 2: {"function":{"arguments":"x"}}'


# -- Anthropic's forms


def test_blocks_of_anthropic_messages_are_understood() -> None:
    assert chat(
        {"role": "user", "content": "Fix it."},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Where?", "signature": "xyz"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "a.py"}},
                {"type": "tool_use", "id": "t2", "name": "read", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x = 1"}]},
                {"type": "tool_result", "tool_use_id": "t2", "content": "no path", "is_error": True},
                {"type": "text", "text": "Hurry."},
            ],
        },
    ) == (
        '[1] user: Fix it.\n[2] thought: Where?\n[2] thought: I look.\n[2] action 1: read({"path":"a.py"})\n'
        "[2] action 2: read({})\n[2] observation 1: x = 1\n[2] observation 2 (error): no path\n"
        "[3] user: Hurry."
    )


def test_blocks_without_a_message_around_them_are_the_agents() -> None:
    assert chat(
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "t1", "name": "read", "input": {}},
        {"type": "tool_result", "tool_use_id": "t1", "content": "x", "is_error": False},
        {"type": "tool_use", "id": "t2", "name": "stop", "input": {}},
    ) == ("[1] thought: I look.\n[1] action: read({})\n[1] observation: x\n[2] action: stop({})")


def test_a_message_of_nothing_but_thinking_belongs_to_the_next_one() -> None:
    assert chat(
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "assistant", "content": "Really."},
    ) == ("[1] thought: Hm.\n[1] assistant: Yes.\n[2] assistant: Really.")


def test_binary_parts_become_markers_and_unknown_ones_json() -> None:
    content = [
        "bare",
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image", "source": {"data": "AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
        {"type": "file", "name": "a.py"},
        {"type": "hologram", "depth": 3},
        {"no": "type"},
        7,
    ]
    assert chat({"role": "user", "content": content}) == (
        "[1] user: bare\n[image]\n[image]\n[audio]\n"
        '{"type":"file","name":"a.py"}\n{"type":"hologram","depth":3}\n{"no":"type"}\n7'
    )
    step = {"observation": [{"type": "text", "text": "shot"}, {"type": "image", "data": "AAAA"}]}
    assert normalise([step]).text == "[1] observation: shot\n[image]"


def test_a_thinking_block_before_everything_else_is_not_lost() -> None:
    block = {"type": "thinking", "thinking": "odd"}
    assert "odd" in chat({"role": "user", "content": [block]})


# -- what cannot be used


@pytest.mark.parametrize(
    "raw", ["", " \n\t", "\x00\x1b", [], {}, [""], {"messages": []}, [{"role": "user", "content": None}]]
)
def test_nothing_at_all_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match="Send plain text, a list of steps"):
        normalise(raw)


@pytest.mark.parametrize("raw", [None, 3, 2.5, True, b"bytes", {"messages": None}])
def test_what_is_neither_text_nor_a_list_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInput, match=r"neither text nor a list but \w+\. Send plain text"):
        normalise(raw)


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        ({"foo": 1, "bar": 2}, r"shape or a role that is not known, with the keys foo, bar\."),
        ({}, r"with the keys \(none\)\."),
        ({str(n): n for n in range(11)}, r"0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …\."),
        ({None: 1, "\ud800": 2}, "with the keys <NoneType>, \ufffd"),
        ({"role": "user", "content": "x", "action": "y"}, "with the keys role, content, action"),
        ({"role": "pirate", "content": "x"}, "a role that is not known"),
        ({"role": "user"}, "with the keys role"),
        (["ls", "ok"], "neither text nor an object but list"),
        (None, "neither text nor an object but NoneType"),
        ({"action": {1, 2}}, "holds something that is not JSON"),
        ({"action": {(1, 2): 3}}, "holds something that is not JSON"),
        ({"action": 10**5000}, "holds something that is not JSON"),
    ],
)
def test_a_step_that_cannot_be_read_is_named(item: object, wrong: str) -> None:
    with pytest.raises(InvalidInput, match=f"(?s)^Step 2 of the trajectory .*{wrong}.*Send plain text"):
        normalise(["fine", item])


def test_deep_nesting_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidInput, match="Step 1 of the trajectory is nested too deeply"):
        normalise([{"action": deep}])
    while deep:  # freed piece by piece
        deep = deep.pop()  # pyright: ignore


def test_a_circle_is_refused() -> None:
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(InvalidInput, match="not JSON"):
        normalise([{"observation": circle}])


# -- characters and sizes


def test_control_characters_go_and_line_ends_become_one_kind() -> None:
    assert normalise("a\x00b\x1b[0m\tc\r\nd\re\x7f\x85\ud800f").text == "ab[0m\tc\nd\ne\ufffdf"


def test_a_long_text_loses_its_middle_at_line_ends() -> None:
    lines = [f"line {n} " + "x" * 90 for n in range(100_000)]
    found = normalise("\n".join(lines))
    head, _, rest = found.text.partition("\n[… ")
    count, _, tail = rest.partition(" characters cut from the middle …]\n")
    assert found.cut
    assert MAX_CHARS - 500 < len(found.text) <= MAX_CHARS
    assert set(head.split("\n") + tail.split("\n")) <= set(lines)
    assert head.startswith(lines[0])
    assert tail.endswith(lines[-1])
    assert len(tail) > len(head)
    assert len(head) + len(tail) + int(count.replace(",", "")) == len("\n".join(lines))


def test_a_long_line_loses_its_middle_too() -> None:
    found = normalise("é" * (MAX_CHARS + 1))
    assert MAX_CHARS - 10 < len(found.text) <= MAX_CHARS
    assert " characters cut from the middle …]\n" in found.text


def test_the_longest_text_is_not_cut() -> None:
    assert normalise("x" * MAX_CHARS) == Trajectory("x" * MAX_CHARS, 1, False)


@pytest.mark.parametrize(
    "raw",
    [
        "line of a log\r\n" * 700_000,
        "a\x00" * 5_000_000,
        [{"thought": "think " * 3, "action": {"cmd": f"ls {n}"}, "observation": "x\ny"} for n in range(100_000)],
        [{"role": "tool", "tool_call_id": f"c{n}", "content": "\n[1] action: x" * 10} for n in range(100_000)],
        [{"observation": {"out": "y" * 10_000_000}}],
        ["s"] * 100_000,
    ],
    ids=["10 MB of lines", "10 MB of zeros", "100,000 steps", "100,000 messages", "10 MB of JSON", "strings"],
)
def test_large_trajectories_are_read_quickly(raw: object) -> None:
    start = time.process_time()
    found = normalise(raw)
    condense(found.text, 6000)
    assert time.process_time() - start < 20  # under 2 seconds on an idle machine, without coverage
    assert len(found.text) <= MAX_CHARS


@given(NEAR_TRAJECTORIES)
def test_any_json_is_read_or_refused(raw: object) -> None:
    try:
        found = normalise(raw)
    except InvalidInput as refused:
        str(refused).encode()
        return
    assert found.steps >= 1
    assert found.text.strip()
    assert not found.cut
    assert len(found.text) <= MAX_CHARS
    found.text.encode()


@given(st.lists(st.dictionaries(KEYS, JSON | WORDS | st.lists(st.dictionaries(KEYS, WORDS))), min_size=1))
def test_any_list_of_near_steps_is_read_or_refused(raw: object) -> None:
    try:
        normalise(raw).text.encode()
    except InvalidInput as refused:
        str(refused).encode()


# -- condense


def steps_text(count: int, size: int) -> str:
    return normalise([{"action": f"act {n}", "observation": f"<{n}>" + "x" * size} for n in range(count)]).text


def test_a_text_within_the_limit_is_not_condensed() -> None:
    assert condense("abc", 3) == "abc"


def test_long_values_lose_their_middle_before_any_step_goes() -> None:
    short = condense(steps_text(5, 4000), 6000)
    assert 5500 < len(short) <= 6000
    assert [f"[{n}] action: act {n - 1}" in short for n in range(1, 6)] == [True] * 5
    assert short.count(" characters cut…] ") == 5
    assert "left out" not in short


def test_the_last_step_keeps_most() -> None:
    sizes = [len(step) for step in condense(steps_text(5, 4000), 6000).split("observation: ")[1:]]
    assert sizes[-1] > 3 * sizes[0]


def test_then_steps_in_the_middle_go() -> None:
    short = condense(steps_text(1000, 50), 3000)
    head, tail = short.split(" steps left out …]\n")
    assert 2800 < len(short) <= 3000
    assert short.startswith("[1] action: act 0\n[1] observation: <0>")
    assert short.endswith("<999>" + "x" * 50)
    kept = head.count("] action: ") + tail.count("] action: ")
    assert int(head.rpartition("[… ")[2]) == 1000 - kept
    assert tail.count("] action: ") > head.count("] action: ")


def test_one_plain_step_loses_its_middle() -> None:
    short = condense("begin " + "x" * 5000 + " end", 300)
    assert short.startswith("begin ")
    assert short.endswith(" end")
    assert len(short) == 300
    assert "4,73" in short  # how much was cut


@pytest.mark.parametrize("limit", [-5, 0, 1, 10, 40, 100, 170, 400])
def test_tiny_limits_are_kept_to(limit: int) -> None:
    for text in (steps_text(2, 500), steps_text(50, 500), "word " * 500):
        assert len(condense(text, limit)) <= max(limit, 0)


@given(
    st.lists(st.fixed_dictionaries({"action": st.text(min_size=1), "observation": st.integers(0, 900)}), min_size=1),
    st.integers(-1, 3000),
)
def test_condensing_keeps_to_its_limit_and_twice_is_once(steps: list[dict[str, Any]], limit: int) -> None:
    text = normalise([{"action": s["action"], "observation": "o" * s["observation"] + "."} for s in steps]).text
    once = condense(text, limit)
    assert len(once) <= max(limit, 0)
    assert condense(once, limit) == once
    assert condense(text, limit) == once


# -- quotes

SHOWN = normalise(
    [
        {"action": 'bash({"cmd": "pytest -q"})', "observation": "2 passed,\n\t1 failed\n    café “open” …"},
        {
            "action": {"cmd": 'echo "hi"\nls C:\\new'},
            "observation": '{"out": "it\\u2019s \\"on\\" \\ud83d\\ude00"}',
        },
        {"observation": "OK"},
    ]
).text


@pytest.mark.parametrize(
    "quote",
    [
        "2 passed, 1 failed",
        "  2   passed,1\r\nfailed ",
        '"2 passed"',
        "`1 failed`",
        "... 1 failed …",
        "**1 failed**.",
        "cafe\u0301 “open”",
        '{"cmd":"pytest -q"}',
        r"{\"cmd\": \"pytest -q\"}",
        r"2 passed,\n\t1 failed",
        'echo "hi"\nls',
        r"C:\new",
        r'"cmd":"echo \"hi\"\nls C:\\new"',
        'it’s "on" \N{GRINNING FACE}',
        "[3] observation: OK",
        "OK",
        '"OK"',
    ],
)
def test_quotes_are_found_however_they_were_copied(quote: str) -> None:
    assert QuoteFinder(SHOWN).holds(quote)


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "  ",
        '""',
        "…",
        "...",
        "`` ``",
        "\x00",
        "3 passed",
        "ok",
        "O",
        "as",
        ",",
        "x" * 3_000_000,
        "\ud800\ud800\ud800",
    ],
)
def test_what_is_not_there_or_says_nothing_is_no_quote(quote: str) -> None:
    assert not QuoteFinder(SHOWN).holds(quote)


def test_a_short_quote_counts_as_a_whole_line_only() -> None:
    assert QuoteFinder("exit code:\n 0 \nbye").holds("0")
    assert not QuoteFinder("exit code 0, bye").holds("0")
    assert not QuoteFinder("{\n}\n").holds("}")


@given(st.text(min_size=1), st.data())
def test_any_part_of_an_observation_is_found(observation: str, data: st.DataObject) -> None:
    observation = f"begin {observation} end"
    start = data.draw(st.integers(0, len(observation) - 3))
    part = observation[start : data.draw(st.integers(start + 3, len(observation)))]
    seen = "".join(part.split()).encode("utf-8", "ignore").decode()
    words = "".join(letter for letter in seen if letter.isalnum())
    if len(words) >= 3:
        assert QuoteFinder(normalise([{"action": "x", "observation": observation}]).text).holds(part)


@given(st.text(st.characters(categories=["L", "N", "Zs"]), min_size=3), st.data())
def test_any_part_of_a_json_observation_is_found_as_it_was_written(said: str, data: st.DataObject) -> None:
    said = f'"{said}"\n\\{said}'
    start = data.draw(st.integers(0, len(said) - 3))
    part = said[start:]
    text = normalise([{"observation": {"output": json.dumps({"deeper": said})}}]).text
    if sum(map(str.isalnum, part)) >= 3:
        assert QuoteFinder(text).holds(part)


def test_five_quotes_in_the_longest_text_take_little_time() -> None:
    finder = QuoteFinder('a "line" of\\n text é\n' * (MAX_CHARS // 20))
    start = time.process_time()
    assert [finder.holds(quote) for quote in ('"line" of\\n text', "xt e\u0301 a", "no", "nothing", "o")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert time.process_time() - start < 5  # 0.2 seconds on an idle machine


# -- real trajectories


@pytest.mark.skipif(not TAU_BENCH.exists(), reason=f"{TAU_BENCH} is not there")
def test_every_message_of_tau_bench_occurs_in_its_normal_form() -> None:
    for run in json.loads(TAU_BENCH.read_text()):
        found = normalise(run["traj"])
        finder = QuoteFinder(found.text)
        said = [m["content"] for m in run["traj"] if (m["content"] or "").strip()]
        said += [c["function"]["arguments"] for m in run["traj"] for c in m.get("tool_calls") or []]
        assert [text for text in said if len(text) > 2 and not finder.holds(text)] == []
        assert found.steps == sum(m["role"] != "tool" for m in run["traj"])
        short = condense(found.text, 6000)
        assert len(short) <= 6000
        assert short.startswith("[1] system: ")
        assert f"\n[{found.steps}] " in short


LOG = (
    "[2] observation: The **migration** of `orders` ran twice, and the second run\n"
    "was rolled back after 14 rows. Exit code: 1"
)


@pytest.mark.parametrize(
    "quote",
    [
        "the migration of orders ran twice",
        "Migration of orders ran twice, and second run was rolled back",
        "The migration of orders ran twice ... rolled back after 14 rows",
        "> The **migration** of `orders` ran twice",
    ],
)
def test_a_quote_may_differ_by_case_articles_markup_and_what_dots_leave_out(quote: str) -> None:
    assert QuoteFinder(LOG).holds(quote)


@pytest.mark.parametrize(
    "quote",
    [
        "the migration of orders ran once",
        "rolled back after 14 rows ... the migration of orders ran twice",  # the other way round
        "the migration of orders ... was successful at last",
        "the migration of orders ... ran ... ok",  # parts so short that they are everywhere
        "a the an ... the",
    ],
)
def test_what_is_folded_in_a_quote_does_not_make_it_true(quote: str) -> None:
    assert not QuoteFinder(LOG).holds(quote)
