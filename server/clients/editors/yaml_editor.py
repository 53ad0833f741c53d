"""Edits YAML as text: one entry of a mapping is put or dropped, every other byte stays. PyYAML tells where things are."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml

from strategy_bank.server.clients.editors.base import Broken, nested, newline_of

_DEEPEST = 100  # levels of nesting
_MOST_VALUES = 1_000_000
_STEP = 2  # columns of indentation in what is written


def read(text: str) -> dict[str, Any]:
    _check_nodes(_composed(text), (), {})
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise _broken(exc) from exc
    except (ValueError, TypeError, RecursionError) as exc:  # a date that is none, a key that cannot be one
        raise Broken(1, f"this cannot be read ({exc})") from exc
    if value is not None and not isinstance(value, dict):
        raise Broken(1, "this is not a mapping")
    return cast(dict[str, Any], value or {})


def _composed(text: str) -> yaml.Node | None:
    try:
        return cast(yaml.Node | None, yaml.compose(text))  # pyright: ignore[reportUnknownMemberType]
    except yaml.YAMLError as exc:
        raise _broken(exc) from exc
    except RecursionError as exc:
        raise Broken(1, "this is nested too deeply") from exc


def _check_nodes(node: yaml.Node | None, above: tuple[yaml.Node, ...], sizes: dict[int, int]) -> int:
    """Return how many values there are, aliases followed; `sizes` keeps the number by the id of a node.

    Raises Broken for a key that is there twice, of which programs take one or the other, and for what holds itself.
    """
    if node in above or len(above) > _DEEPEST:
        raise Broken(cast(yaml.Node, node).start_mark.line + 1, "this holds itself, or is nested too deeply")
    if not isinstance(node, yaml.CollectionNode) or id(node) in sizes:
        return sizes.get(id(node), 1)
    if isinstance(node, yaml.MappingNode):
        _check_keys(node)
    inner = node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
    size = sum(_check_nodes(each, (*above, node), sizes) for each in cast(list[yaml.Node], inner)) + 1
    if size > _MOST_VALUES:
        raise Broken(node.start_mark.line + 1, "its aliases stand for too many values")
    sizes[id(node)] = size
    return size


def _check_keys(node: yaml.MappingNode) -> None:
    keys = set[tuple[str, str]]()
    for key, _ in cast(list[tuple[yaml.Node, yaml.Node]], node.value):
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (key.tag, key.value) in keys:
            raise Broken(key.start_mark.line + 1, f"the key {key.value} is there twice")
        keys.add((key.tag, key.value))


def put(text: str, path: Sequence[str], value: Any) -> str:
    place = _compose(text)
    if place is None:
        lead = "" if not text or text.endswith("\n") else newline_of(text)
        return f"{text}{lead}{_entry(text, path, value, 0)}{newline_of(text)}"
    place, depth = _deepest(place, path)
    pair = _find(place, path[depth])
    if pair is None:
        return _insert(text, place, path[depth:], value)
    begin, column = pair[0].start_mark.index, pair[0].start_mark.column
    return text[:begin] + _entry(text, path[depth:], value, column) + text[_end(text, pair[1]) :]


def drop(text: str, path: Sequence[str]) -> str:
    root = _compose(text)
    if root is None:
        return text
    place, depth = _deepest(root, path)
    pair = _find(place, path[depth])
    if pair is None or depth < len(path) - 1:
        return text
    if place.flow_style:
        return _without_in_braces(text, place, path[depth])
    if len(place.value) == 1 and depth:
        return _without_parent(text, path, pair)
    return _without_lines(text, pair)


def _deepest(place: yaml.MappingNode, path: Sequence[str]) -> tuple[yaml.MappingNode, int]:
    """Return the last mapping on the path that holds anything, and which name of the path is one of its keys, or would be."""
    for depth, name in enumerate(path[:-1]):
        pair = _find(place, name)
        if pair is None or _is_empty(pair[1]):
            return place, depth
        place = _mapping(pair[1], name)
    return place, len(path) - 1


def _compose(text: str) -> yaml.MappingNode | None:
    """Return the mapping that the text is; None where it says nothing."""
    node = _composed(text)
    if node is None or (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
        return None
    return _mapping(node, "this")


def _insert(text: str, place: yaml.MappingNode, path: Sequence[str], value: Any) -> str:
    """Return the text with an entry after the last one of the mapping, and after the comment in its line."""
    if place.flow_style:
        at = place.end_mark.index - 1
        shown = json.dumps(nested(path, value), ensure_ascii=False)[1:-1]
        lead = ", " if place.value else ""
        return text[:at].rstrip() + lead + shown + text[at:]
    end = text.find("\n", _end(text, place))
    end = len(text) if end < 0 else end - text[:end].endswith("\r")
    column = place.start_mark.column
    return f"{text[:end]}{newline_of(text)}{' ' * column}{_entry(text, path, value, column)}{text[end:]}"


def _without_lines(text: str, pair: tuple[yaml.Node, yaml.Node]) -> str:
    begin = text.rfind("\n", 0, pair[0].start_mark.index) + 1
    end = text.find("\n", _end(text, pair[1]))
    if end < 0:
        return text[:begin].removesuffix("\n").removesuffix("\r")
    return text[:begin] + text[end + 1 :]


def _without_parent(text: str, path: Sequence[str], pair: tuple[yaml.Node, yaml.Node]) -> str:
    """Return the text without the mapping whose last entry is dropped; with comments in it, it stays, empty."""
    above, depth = _deepest(cast(yaml.MappingNode, _compose(text)), path[:-1])
    key = cast(tuple[yaml.Node, yaml.Node], _find(above, path[depth]))[0]
    if "#" not in text[key.end_mark.index : pair[0].start_mark.index]:
        return drop(text, path[:-1])
    shorter, colon = _without_lines(text, pair), text.index(":", key.end_mark.index) + 1
    return f"{shorter[:colon]} {{}}{shorter[colon:]}"


def _without_in_braces(text: str, place: yaml.MappingNode, name: str) -> str:
    rest = [text[key.start_mark.index : _end(text, value)] for key, value in place.value if key.value != name]
    return f"{text[: place.start_mark.index]}{{{', '.join(rest)}}}{text[place.end_mark.index :]}"


def _find(place: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next((pair for pair in place.value if pair[0].value == name), None)


def _mapping(node: yaml.Node, name: str) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode):
        raise Broken(node.start_mark.line + 1, f"{name} is not a mapping")
    return node


def _is_empty(node: yaml.Node) -> bool:
    """Tell whether a value is nothing, or a pair of braces with nothing in it."""
    if isinstance(node, yaml.MappingNode):
        return not node.value
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _end(text: str, node: yaml.Node) -> int:
    """Return the offset after the last character of a value; PyYAML's own for a block lies after the comments that follow."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _end(text, node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _end(text, node.value[-1])
    end = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return len(text[:end].rstrip())
    return end


def _entry(text: str, path: Sequence[str], value: Any, column: int) -> str:
    """Return `name:` and the lines below it, all but the first indented to the column; leaves are JSON, which is YAML."""
    newline = newline_of(text)
    if path[1:]:
        value = nested(path[1:], value)
    if not isinstance(value, Mapping) or not value:
        return f"{path[0]}: {json.dumps(value, ensure_ascii=False)}"
    below = column + _STEP
    items = cast(Mapping[str, Any], value).items()
    lines = [f"{' ' * below}{_entry(text, [name], each, below)}" for name, each in items]
    return newline.join([f"{path[0]}:", *lines])


def _broken(exc: yaml.YAMLError) -> Broken:
    mark = getattr(exc, "problem_mark", None)
    return Broken(mark.line + 1 if mark else 1, getattr(exc, "problem", None) or str(exc).splitlines()[0])
