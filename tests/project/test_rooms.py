"""The rooms of the code: CONTRIBUTING lists them from top to bottom, and imports point down that list only."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.places import ROOT

LAYERS = ("server", "tools", "store")
LARGEST = 16


def modules() -> dict[str, Path]:
    """Dotted name below `strategy_bank` → file; a package by its own name."""
    files = [file for layer in LAYERS for file in sorted((ROOT / layer).rglob("*.py"))]
    return {".".join(_parts(file)): file for file in files}


def _parts(file: Path) -> tuple[str, ...]:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(file: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of this project that a file imports anywhere, also inside functions and for type checkers."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("strategy_bank."):
            module = (node.module or "").removeprefix("strategy_bank.")
            names = {f"{module}.{alias.name}" for alias in node.names}
            yield from names & known.keys() or {module} & known.keys()
        elif isinstance(node, ast.Import):
            yield from {alias.name.removeprefix("strategy_bank.") for alias in node.names} & known.keys()


def rooms() -> list[str]:
    """The list in CONTRIBUTING, top to bottom: folders end with a slash, files with `.py`."""
    listed = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## The rooms")[1].split("```")[1]
    return re.findall(r"^((?:server|tools|store)/\S+)", listed, re.M)


def room_of(file: Path, listed: list[str]) -> str:
    """The entry of the list that a file belongs to: its own, else that of the nearest folder above it."""
    path = file.relative_to(ROOT).as_posix()
    return max((room for room in listed if path == room or (room.endswith("/") and path.startswith(room))), key=len)


KNOWN, LISTED = modules(), rooms()
SOURCES = [
    file
    for file in KNOWN.values()
    if file.parent.relative_to(ROOT).as_posix() not in LAYERS or file.name != "__init__.py"
]


def test_every_file_is_in_a_room_that_contributing_lists() -> None:
    homeless = [
        file.relative_to(ROOT).as_posix()
        for file in SOURCES
        if file.name != "__init__.py" and not any(_is_in(file, room) for room in LISTED)
    ]
    assert not homeless
    assert not [room for room in LISTED if not (ROOT / room).exists()]


def _is_in(file: Path, room: str) -> bool:
    path = file.relative_to(ROOT).as_posix()
    return path == room or (room.endswith("/") and path.startswith(room))


def test_imports_between_rooms_point_down_the_list_only() -> None:
    place = {room: number for number, room in enumerate(LISTED)}
    upwards: list[str] = []
    for name, file in KNOWN.items():
        if not any(_is_in(file, room) for room in LISTED):
            continue
        for other in imports(file, KNOWN):
            if any(_is_in(KNOWN[other], room) for room in LISTED):
                here, there = room_of(file, LISTED), room_of(KNOWN[other], LISTED)
                if place[there] < place[here]:
                    upwards.append(f"{name} imports {other}: {here} is below {there}")
    assert not upwards


def test_no_two_files_of_a_room_import_each_other_in_a_circle() -> None:
    arrows = {name: set(imports(file, KNOWN)) for name, file in KNOWN.items()}

    def reached(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            new = arrows[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    assert not [name for name in arrows if name in reached(name)]


@pytest.mark.parametrize("layer", LAYERS)
def test_no_room_has_more_files_than_a_reader_takes_in(layer: str) -> None:
    for folder in [ROOT / layer, *(path for path in (ROOT / layer).rglob("*") if path.is_dir())]:
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        assert len(files) <= LARGEST, folder


def test_the_packages_that_are_installed_are_the_folders_of_the_tree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    folders = {
        folder
        for layer in LAYERS
        for folder in [ROOT / layer, *(ROOT / layer).rglob("*")]
        if folder.is_dir() and folder.name != "__pycache__" and any(file.is_file() for file in folder.iterdir())
    }
    tree = {f"strategy_bank.{'.'.join(folder.relative_to(ROOT).parts)}" for folder in folders}
    assert set(project["tool"]["setuptools"]["packages"]) == tree | {"strategy_bank.examples"}


def test_every_command_is_in_a_file_of_its_name() -> None:
    from strategy_bank.server.cli.main import cli

    files = {file.stem.rstrip("_") for file in (ROOT / "server" / "cli").rglob("*.py")}
    assert set(cli.list_commands(None)) <= files  # type: ignore[arg-type]
