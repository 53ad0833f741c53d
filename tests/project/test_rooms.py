"""The rooms of the code: CONTRIBUTING lists them from top to bottom, and imports point down that list only."""

import ast
import re
import tomllib
from pathlib import Path

import click

from strategy_bank.server.cli.main import cli
from tests.support.places import ROOT

LAYERS = ("server", "tools", "store")
LARGEST = 16


def dotted(path: str) -> str:
    """`store/lance/table.py` → `store.lance.table`; a package by its own name."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def room_of(path: str) -> str:
    """Return the entry of the list that a file belongs to: its own, else that of the nearest folder above it, else none."""
    entries = (room for room in ROOMS if path == room or (room.endswith("/") and path.startswith(room)))
    return max(entries, key=len, default="")


def imports(path: str) -> set[str]:
    """Return the files of this project that a file imports anywhere, also inside functions and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= modules & MODULES.keys() or {node.module} & MODULES.keys()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES.keys()
    return {MODULES[name] for name in found}


ROOMS = re.findall(
    r"^((?:server|tools|store)/\S+)",
    (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("## The rooms")[1].split("```")[1],
    re.M,
)
"""Top to bottom: folders end with a slash, files with `.py`."""
FILES = [file.relative_to(ROOT).as_posix() for layer in LAYERS for file in sorted((ROOT / layer).rglob("*.py"))]
MODULES = {f"strategy_bank.{dotted(path)}": path for path in FILES}
ARROWS = {path: imports(path) for path in FILES}


def test_every_file_is_in_a_room_that_contributing_lists() -> None:
    assert not [path for path in FILES if not path.endswith("__init__.py") and not room_of(path)]
    assert not [room for room in ROOMS if not (ROOT / room).exists()]


def test_imports_between_rooms_point_down_the_list_only() -> None:
    place = {room: number for number, room in enumerate(ROOMS)}
    assert not [
        f"{path} imports {other}, which stands above it"
        for path in FILES
        for other in ARROWS[path]
        if room_of(path) and room_of(other) and place[room_of(other)] < place[room_of(path)]
    ]


def test_no_two_files_of_a_room_import_each_other_in_a_circle() -> None:
    def reached(start: str) -> set[str]:
        seen, waiting = set[str](), [start]
        while waiting:
            new = ARROWS[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    assert not [path for path in FILES if path in reached(path)]


def test_no_room_has_more_files_than_a_reader_takes_in() -> None:
    def files(folder: Path) -> int:
        return sum(file.name != "__init__.py" for file in folder.glob("*.py"))

    tops = [ROOT / name for name in (*LAYERS, "tests", "bench", "conformance")]
    folders = [folder for top in tops for folder in (top, *top.rglob("*")) if folder.is_dir()]
    assert not [folder for folder in folders if files(folder) > LARGEST]


def test_the_packages_that_are_installed_are_the_folders_of_the_tree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    files = [file for layer in LAYERS for file in (ROOT / layer).rglob("*") if file.suffix != ".pyc" and file.is_file()]
    tree = {f"strategy_bank.{dotted(file.parent.relative_to(ROOT).as_posix())}" for file in files}
    assert set(project["tool"]["setuptools"]["packages"]) == tree | {"strategy_bank.examples"}


def test_every_command_is_in_a_file_of_its_name() -> None:
    files = {file.stem.rstrip("_") for file in (ROOT / "server" / "cli").rglob("*.py")}
    assert set(cli.list_commands(click.Context(cli))) <= files
