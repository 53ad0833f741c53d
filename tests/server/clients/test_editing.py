"""Editing configuration files: one entry comes or goes, and every other byte stays."""

import json
import re
import tomllib
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from strategy_bank.server.clients.editors import json_editor, toml_editor, yaml_editor
from strategy_bank.server.clients.editors.base import Broken, Editor, value_at, with_value, without_value

PATH = ["servers", "ours"]
ENTRY = {"command": "/opt/our bin/ours", "args": ["serve", "--home", "C:\\bänk"], "env": {}, "enabled": True}
EDITORS = pytest.mark.parametrize("editor", [json_editor, toml_editor, yaml_editor], ids=["json", "toml", "yaml"])


@EDITORS
def test_a_value_that_is_added_to_an_entry_ends_its_line_as_the_others_do(editor: Editor) -> None:
    for newline in ("\n", "\r\n"):
        text = editor.put(newline, PATH, {"command": "x"}) + newline
        longer = editor.put(text, [*PATH, "args"], ["serve"])
        assert longer.count("\n") == longer.count(newline) > text.count(newline)
        assert value_at(editor.read(longer), PATH) == {"command": "x", "args": ["serve"]}


# any JSON with comments


@st.composite
def jsonc(draw: st.DrawFn) -> str:
    """An object with comments c1, c2, … anywhere, trailing commas, odd strings; `servers`, where it is there, is an object."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    numbers = iter(range(1, 10_000))

    def gap() -> str:
        kind = draw(st.sampled_from(["", "", " ", "\n", "\n  ", "\n\t", "//", "/*"]))
        if kind == "//":
            return f' // c{next(numbers)} "{{, {newline}'
        return f"/* c{next(numbers)} }}, */" if kind == "/*" else kind.replace("\n", newline)

    def value(depth: int) -> str:
        kinds = ["word", "text", "array", "object"] if depth else ["word", "text"]
        kind = draw(st.sampled_from(kinds))
        if kind == "word":
            return draw(st.sampled_from(["1", "-2.5e3", "true", "null"]))
        if kind == "text":
            return json.dumps(draw(st.sampled_from(["", "// no", "/* no */", 'a "quote"', "\\", "},]", "ünï", "\n"])))
        if kind == "array":
            items = [f"{gap()}{value(depth - 1)}{gap()}" for _ in range(draw(st.integers(0, 2)))]
            return f"[{ended(items)}]"
        return mapping([f"k{number}" for number in range(draw(st.integers(0, 3)))], depth - 1)

    def ended(items: list[str]) -> str:
        trailing = f",{gap()}" if items and draw(st.booleans()) else ""
        return (",".join(items) or gap()) + trailing

    def member(name: str, depth: int) -> str:
        if name == "servers":
            return f"{gap()}{json.dumps(name)}{gap()}:{gap()}{mapping(['first', 'last'][: draw(st.integers(0, 2))], 1)}{gap()}"
        return f"{gap()}{json.dumps(name)}{gap()}:{gap()}{value(depth)}{gap()}"

    def mapping(names: list[str], depth: int) -> str:
        return f"{{{ended([member(name, depth) for name in names])}}}"

    names = draw(st.lists(st.sampled_from(["a", "b", "servers"]), unique=True))
    return f"{gap()}{mapping(names, 2)}{gap()}"


def comments(text: str) -> list[str]:
    return re.findall(r"\bc\d+\b", text)


@given(jsonc())
def test_an_entry_comes_into_any_json_and_everything_else_reads_as_before(text: str) -> None:
    longer = json_editor.put(text, PATH, ENTRY)
    assert json_editor.read(longer) == with_value(json_editor.read(text), PATH, ENTRY)
    assert comments(longer) == comments(text)
    assert ("\r\n" in longer) == ("\r\n" in text) or "\n" not in text


@given(jsonc())
def test_an_entry_that_came_and_went_leaves_the_same_bytes(text: str) -> None:
    data = json_editor.read(text)
    assume(data and data.get("servers") != {})
    assert json_editor.drop(json_editor.put(text, PATH, ENTRY), PATH) == text


@given(jsonc(), st.sampled_from([["a"], ["b"], ["servers"], ["servers", "first"], ["servers", "last"]]))
def test_any_member_goes_and_the_comments_outside_of_it_stay(text: str, path: list[str]) -> None:
    shorter = json_editor.drop(text, path)
    left = json_editor.read(shorter)
    expected = without_value(json_editor.read(text), path)
    assert left == expected or left == expected | {"servers": {}}  # kept for the comments in it
    assert set(comments(shorter)) <= set(comments(text))
    kept = [mark for mark in comments(text) if mark in comments(shorter)]
    assert comments(shorter) == kept
    if len(comments(shorter)) < len(comments(text)):
        assert left != json_editor.read(text)


@given(jsonc(), st.sampled_from([1, "x", {"y": []}]))
def test_a_value_is_replaced_in_its_place(text: str, value: Any) -> None:
    data = json_editor.read(text)
    assume("a" in data)
    changed = json_editor.put(text, ["a"], value)
    assert list(json_editor.read(changed).items()) == list((data | {"a": value}).items())
    assert set(comments(changed)) <= set(comments(text))


@given(st.text(alphabet='{}[]:,"\\/* \n\ra1', max_size=30))
def test_what_is_no_json_is_refused_and_never_hangs_or_crashes(text: str) -> None:
    with suppress(Broken):
        assert isinstance(json_editor.read(text), dict)


def test_long_files_are_edited_in_time_that_grows_with_their_length() -> None:
    history = {f"/home/me/project {n}": {"history": [{"display": 'a "word" // ' * 20}] * 20} for n in range(400)}
    text = json.dumps({"projects": history}, indent=2)
    assert len(text) > 2_000_000
    assert json_editor.drop(json_editor.put(text, PATH, ENTRY), PATH) == text
    assert json_editor.read('{"a": "' + "\\" * 99_998 + '"}')
    with pytest.raises(Broken):
        json_editor.read('{"a": "' + "x" * 100_000)


# the style of what comes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "servers": {\n    "ours": 1\n  }\n}\n'),
        ("// mine\n", '// mine\n{\n  "servers": {\n    "ours": 1\n  }\n}\n'),
        ("{}", '{\n  "servers": {\n    "ours": 1\n  }\n}'),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"servers": {\n\t\t"ours": 1\n\t}\n}'),
        ('{\r\n    "a": 1\r\n}', '{\r\n    "a": 1,\r\n    "servers": {\r\n        "ours": 1\r\n    }\r\n}'),
        ('{"a":1}', '{"a":1, "servers": {"ours": 1}}'),
        ('{"servers":{}}', '{"servers":{\n  "ours": 1\n}}'),
        ('{ "servers": { "x": 2, }, }', '{ "servers": { "x": 2, "ours": 1, }, }'),
        ('{\n  "servers": {\n    "x": 2 // two\n  }\n}', '{\n  "servers": {\n    "x": 2, // two\n    "ours": 1\n  }\n}'),
        ('{\n  "servers": {\n    "x": 2, // two\n    // end\n  }\n}',
         '{\n  "servers": {\n    "x": 2, // two\n    // end\n    "ours": 1,\n  }\n}'),
        ('{\n  "servers": { "ours": 7 /* old */ }\n}', '{\n  "servers": { "ours": 1 /* old */ }\n}'),
    ],
)  # fmt: skip
def test_what_comes_into_json_has_the_style_of_its_neighbours(before: str, after: str) -> None:
    assert json_editor.put(before, PATH, 1) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"servers": {"ours": 1}}', "{}"),
        ('{\n  "a": 2, // two\n  // about ours\n  "ours": 1, // one\n  "b": 3\n}',
         '{\n  "a": 2, // two\n  // about ours\n   // one\n  "b": 3\n}'),
        ('{"a": 2, // two\n"ours": 1 }', '{"a": 2 // two\n }'),
        ('{"ours": 1, "b": 3}', '{ "b": 3}'),
        ('{"a": 2 /* no more */ , "ours": 1}', '{"a": 2 /* no more */ }'),
        ('{"a": 2}', '{"a": 2}'),
        ("", ""),
    ],
)  # fmt: skip
def test_what_goes_out_of_json_takes_its_comma_along_and_no_comment(before: str, after: str) -> None:
    path = PATH if "servers" in before else ["ours"]
    assert json_editor.drop(before, path) == after


TOML = """# My Codex.
model = "gpt-5.5"            # the good one
approval_policy = "on-request"
notify = [
  "notify-send",   # desktop
  "Codex",
]

# Servers.
[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp"]   # pinned elsewhere

[mcp_servers.context7.env]
KEY = 'secret'

# What I trust.
[projects."/home/me/a b"]
trust_level = "trusted"
"""
YAML = """# My goose.
GOOSE_PROVIDER: anthropic  # or openai
GOOSE_MODEL: 'claude-sonnet'
extensions:
  # the built-in one
  developer:
    bundled: true
    enabled: true
    name: developer
    timeout: 300
    type: builtin
  github:
    args:
    - -y
    - '@modelcontextprotocol/server-github'   # official
    cmd: npx
    description: |
      Issues and
      pull requests

    enabled: false
    envs: {"A": "b"}
    name: github
    type: stdio

# Modes.
GOOSE_MODE: smart_approve
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("editor", "text", "path"),
    [(toml_editor, TOML, ["mcp_servers", "ours"]), (yaml_editor, YAML, ["extensions", "ours"])],
    ids=["toml", "yaml"],
)
def test_a_table_or_block_that_came_and_went_leaves_the_same_bytes(
    editor: Editor, text: str, path: list[str], newline: str
) -> None:
    text = text.replace("\n", newline)
    longer = editor.put(text, path, ENTRY)
    assert editor.read(longer) == with_value(editor.read(text), path, ENTRY)
    assert [line for line in longer.splitlines() if line in text.splitlines()][: len(text.splitlines())]
    assert longer.count("\r\n") == (longer.count("\n") if newline == "\r\n" else 0)
    kept = iter(longer.splitlines(keepends=True))
    assert all(line in kept for line in text.splitlines(keepends=True)), "a line is gone or has changed"
    assert editor.drop(longer, path) == text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", PATH),
        ('servers = { x = { command = "y" } }\n', PATH),
        ('servers.x.command = "y"\n[t]\nz = 1\n', PATH),
        ("[servers]\n[servers.x]\ny = 1\n[other]\nz = 1\n[servers.w]\ny = 2\n", PATH),
        ('[servers."ours"]\ncommand = "old"  # mine\nlimit = 5\n\n# next\n[b]\nz = [\n [1],\n]\n', PATH),
        ("a = '''\n[servers.ours]\n'''\n", PATH),
        ("a = 1", PATH),
        ("[[list]]\nx = 1\n[[list]]\nx = 2", PATH),
    ],
)
def test_toml_of_any_layout_takes_an_entry_and_gives_it_back(text: str, path: list[str]) -> None:
    before = tomllib.loads(text)
    longer = toml_editor.put(text, path, ENTRY)
    assert tomllib.loads(longer) == with_value(before, path, ENTRY) == toml_editor.read(longer)
    shorter = toml_editor.drop(longer, path)
    assert tomllib.loads(shorter) == without_value(before, path)
    assert re.findall(r"# next", shorter) == re.findall(r"# next", text)


def test_one_value_of_a_toml_table_changes_in_its_place() -> None:
    changed = toml_editor.put(TOML, ["mcp_servers", "context7", "args"], ["-y"])
    assert changed == TOML.replace('["-y", "@upstash/context7-mcp"]', '["-y"]')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "---\na: 1\n",
        "servers:\n",
        "servers: {}\nb: 2\n",
        "servers: {x: {y: 1}}  # in braces\n",
        "{servers: {x: 1}, b: [1, 2]}\n",
        "servers:\n    x:\n        y: 1   # four\n\nb: |\n  [x]\n",
        "servers:\n  # none yet\n  ours: old\nb: 1\n",
        "servers:\n  ours:\n    command: old  # mine\n    args:\n    - a\n    - b\n  # next\n  z: >\n    w\nb: 1",
    ],
)
def test_yaml_of_any_layout_takes_an_entry_and_gives_it_back(text: str) -> None:
    before = yaml.safe_load(text) or {}
    base = before | {"servers": before.get("servers") or {}}
    longer = yaml_editor.put(text, PATH, ENTRY)
    assert yaml.safe_load(longer) == with_value(base, PATH, ENTRY)
    shorter = yaml.safe_load(yaml_editor.drop(longer, PATH)) or {}
    assert without_value(shorter, PATH) in (without_value(base, PATH), without_value(base, ["servers"]))
    assert value_at(shorter, PATH) is None
    for comment in re.findall(r"# (?!mine).*", text):
        assert comment in yaml_editor.drop(longer, PATH)


def test_one_value_of_a_yaml_block_changes_in_its_place() -> None:
    changed = yaml_editor.put(YAML, ["extensions", "github", "args"], ["-y"])
    assert changed == re.sub(r"args:\n.*\n.*github'", 'args: ["-y"]', YAML)
    assert yaml_editor.put(YAML, ["extensions", "github", "enabled"], True) == YAML.replace(
        "enabled: false", "enabled: true"
    )


# what is broken


@pytest.mark.parametrize(
    ("editor", "text", "complaint"),
    [
        (json_editor, '{\n  "a": 1\n  "b": 2\n}', "line 3: Expecting ',' delimiter, column 3"),
        (json_editor, "[1]", "line 1: this is not a JSON object"),
        (json_editor, '{"a": NaN}', "line 1: NaN is not JSON"),
        (json_editor, '{"a": /* never closed }', "line 1: "),
        (json_editor, '{"a":' * 100_000, "line 1: "),
        (toml_editor, "a = 1\nb =\n", "line 2: "),
        (toml_editor, "[a]\n[a]\n", "a"),
        (yaml_editor, "a: 1\n b: 2\n", "line 2: "),
        (yaml_editor, "- 1\n", "line 1: this is not a mapping"),
        (yaml_editor, "a: 1\n---\nb: 2\n", "line 2: "),
        (yaml_editor, "\ta: 1\n", "line 1: "),
    ],
)
def test_a_broken_text_is_refused_with_its_line(editor: Editor, text: str, complaint: str) -> None:
    with pytest.raises(Broken, match=re.escape(complaint)):
        editor.read(text)


@EDITORS
def test_an_entry_cannot_come_into_what_holds_no_entries(editor: Editor) -> None:
    text = {json_editor: '{\n"servers": 3}', toml_editor: "\nservers = 3", yaml_editor: "\nservers: 3"}[editor]  # type: ignore[index]
    for change in (lambda: editor.put(text, PATH, ENTRY), lambda: editor.drop(text, PATH)):
        with pytest.raises(Broken, match="servers"):
            change()
    assert value_at(editor.read(text), PATH) is None


@EDITORS
def test_nothing_goes_where_nothing_is(editor: Editor) -> None:
    assert editor.drop("", PATH) == ""
    text = editor.put("", ["servers", "other"], ENTRY)
    assert editor.drop(text, PATH) == text


def test_programs_that_allow_less_than_comments_and_trailing_commas_are_followed() -> None:
    text = '{"a": [1,], /* b */ }'
    assert json_editor.read(text) == {"a": [1]}
    for reader, bad in ((json_editor.read_commented, text), (json_editor.read_strict, '{"a": 1} // b')):
        with pytest.raises(Broken, match="line 1: "):
            reader(bad)
    assert json_editor.read_commented('{"a": 1} // b') == json_editor.read_strict('{"a": 1}') == {"a": 1}
