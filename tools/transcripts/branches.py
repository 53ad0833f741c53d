"""Tells which records of a transcript stand on branches that the user went back from.

A session that was rewound is a tree, written down as a list. What was left behind is no part of the work: it is passed over,
and counted. It becomes no task of its own either, since nothing in the record says what was wrong with it.

    Claude Code   each record names its parent                    from the last record back along the parents
    Codex         `thread_rolled_back` says how many turns        back over the last prompts
    Gemini CLI    `$rewindTo` names a message                     from that message on

Records are known by their number in the transcript.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from strategy_bank.tools.transcripts.claude_code import is_typed
from strategy_bank.tools.transcripts.client_blocks import taken_apart
from strategy_bank.tools.transcripts.codex import response_item
from strategy_bank.tools.transcripts.entry import fields, objects, word


@dataclass
class Behind:
    """Holds the numbers of the records to pass over: those on branches left behind, and second copies of a record."""

    rewound: set[int] = field(default_factory=set[int])
    copies: set[int] = field(default_factory=set[int])

    def __contains__(self, number: int) -> bool:
        return number in self.rewound or number in self.copies


class _Node(NamedTuple):
    number: int
    parent: str
    session: str
    message: str  # id of the agent's message; several records may be pieces of one
    typed: bool  # the user's words, or a slash command
    worded: bool  # the user's words
    agent: bool


def behind_claude_code(records: Iterable[dict[str, Any]]) -> Behind:
    nodes, copies = _tree(records)
    is_tree = not any(node.agent and not node.parent for node in nodes.values())  # every answer has something before it
    way = _way_back(nodes) if is_tree else set[str]()
    return Behind(_left_behind(nodes, way) if way else set(), copies)


def behind_codex(records: Iterable[dict[str, Any]]) -> Behind:
    kept, prompts = _Kept(), list[int]()
    for number, record in enumerate(records):
        payload, item = fields(record.get("payload")), response_item(record)
        if item.get("role") == "user" and taken_apart(item.get("content")).words:
            prompts.append(number)
        turns = payload.get("num_turns") if payload.get("type") == "thread_rolled_back" else 0
        if isinstance(turns, int) and 0 < turns <= len(prompts):
            kept.go_back(prompts[-turns])
            del prompts[-turns:]
        kept.numbers.append(number)
    return kept.behind


def behind_gemini(records: Iterable[dict[str, Any]]) -> Behind:
    kept, places = _Kept(), dict[str, int]()
    for number, record in enumerate(records):
        target = places.get(word(record.get("$rewindTo")), number)
        kept.go_back(target)
        while places and target < number and places[last := next(reversed(places))] >= target:
            del places[last]
        if ident := word(record.get("id")):
            places.setdefault(ident, number)
        kept.numbers.append(number)
    return kept.behind


class _Kept:
    """Holds the numbers of the records so far; those that the user goes back over move to `behind`."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.behind = Behind()

    def go_back(self, target: int) -> None:
        while self.numbers and self.numbers[-1] >= target:
            self.behind.rewound.add(self.numbers.pop())


def _tree(records: Iterable[dict[str, Any]]) -> tuple[dict[str, _Node], set[int]]:
    """Return the records of the session itself by their id, and the numbers of second copies, as after a resumption."""
    nodes, copies = dict[str, _Node](), set[int]()
    for number, record in enumerate(records):
        ident = word(record.get("uuid"))
        if ident and ident in nodes:
            copies.add(number)
        elif ident and not record.get("isSidechain"):
            nodes[ident] = _node(number, record)
    return nodes, copies


def _node(number: int, record: dict[str, Any]) -> _Node:
    message = fields(record.get("message"))
    content = message.get("content")
    typed = is_typed(record) and not any(block.get("type") == "tool_result" for block in objects(content))
    said = taken_apart(content) if typed else None
    return _Node(
        number,
        word(record.get("logicalParentUuid")) or word(record.get("parentUuid")),
        word(record.get("sessionId")),
        word(message.get("id")),
        bool(said and (said.words or "command-name" in said.taken)),
        bool(said and said.words),
        record.get("type") == "assistant",
    )


def _way_back(nodes: dict[str, _Node]) -> set[str]:
    """Return the ids on the way from the last record to the first. Where the chain breaks, it goes on in the file's order."""
    order = list(nodes)
    places = {ident: place for place, ident in enumerate(order)}
    starts = {node.session: place for place, node in reversed(list(enumerate(nodes.values()))) if _is_start(node)}
    ident = next((each for each in reversed(order) if nodes[each].agent or nodes[each].typed), "")
    way = set[str]()
    while ident and ident not in way:
        way.add(ident)
        node = nodes[ident]
        if node.parent in nodes:
            ident = node.parent
        elif places[ident] == 0 or (_is_start(node) and starts[node.session] < places[ident]):
            ident = ""  # the first record, or a prompt for which the user went back to the start of the session
        else:
            ident = order[places[ident] - 1]
    return way


def _is_start(node: _Node) -> bool:
    return node.worded and not node.parent


def _left_behind(nodes: dict[str, _Node], way: set[str]) -> set[int]:
    """Return the numbers of the records on branches off the way that the user's words or another answer stand on."""
    messages = {nodes[ident].message for ident in way}
    goes_on = {nodes[ident].parent for ident in way if nodes[ident].typed}  # the way goes on here with the user's words
    starts = _starts(nodes, way)
    left = set[str]()
    for ident, start in starts.items():
        node = nodes[ident]
        answered = node.agent and node.message not in messages and nodes[start].parent in goes_on
        if node.typed or answered:
            left.add(start)
    return {nodes[ident].number for ident, start in starts.items() if start in left and _is_known(nodes, start)}


def _starts(nodes: dict[str, _Node], way: set[str]) -> dict[str, str]:
    """Return for each record off the way the one that its branch begins with."""
    starts = dict[str, str]()
    for each in nodes:
        ident = each
        path = dict[str, None]()  # ordered, and quick to look into
        while ident not in way and ident not in starts and ident not in path:
            path[ident] = None
            if (parent := nodes[ident].parent) not in nodes or parent in way:
                break
            ident = parent
        if path:
            start = starts.get(ident, next(reversed(path)))
            starts.update(dict.fromkeys(path, start))
    return starts


def _is_known(nodes: dict[str, _Node], start: str) -> bool:
    """Tell whether a branch hangs on the session: its parent is there, or it has none. Torn pieces are kept."""
    return not nodes[start].parent or nodes[start].parent in nodes


REWINDS: dict[str, bytes] = {"codex": b'"thread_rolled_back"', "gemini": b'"$rewindTo"'}
"""What a line holds with which the user went back; without it there are no branches."""


def behind(client: str, records: Iterator[dict[str, Any]]) -> Behind:
    return {"claude-code": behind_claude_code, "codex": behind_codex, "gemini": behind_gemini}[client](records)
