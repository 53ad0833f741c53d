"""Tells what a folder says about the project it belongs to: by what it is known, and what its scope could be called."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PureWindowsPath

from strategy_bank.store.records import GLOBAL_SCOPE, NO_PROJECT_SCOPE
from strategy_bank.tools.scopes.remote import local_folder, normalised
from strategy_bank.tools.scopes.repository import Repository, repository_around

LONGEST_NAME = 200
_RESERVED = {GLOBAL_SCOPE, NO_PROJECT_SCOPE}
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_SIBLINGS_LOOKED_AT = 50
_DEEP = 3  # parts of a folder that is somebody's own, as / and srv and code
_LONGEST_CHAIN = 5  # of clones of clones


@dataclass(frozen=True)
class Workspace:
    """A project as a folder shows it.

    `identities` are what it is known by, the surest first: `remote:` and an address, `path:` and a folder. `names` are those
    its scope can have, the shortest first. `former` is the scope that the folder had before projects were told apart.
    `traces` are folders that are gone; where one of them is known, it says more than what stands around it now.
    """

    identities: tuple[str, ...]
    names: tuple[str, ...]
    remote: str = ""
    former: str = ""
    traces: tuple[str, ...] = ()


def workspace_of(folder: str | PurePath, *, named: bool = False) -> Workspace | None:
    """Return what a folder shows, or None where it belongs to no project: outside of repositories, the user's home, `/`.

    A folder that is `named`, by a client or a person, is a project also without a repository. One that is gone belongs to what
    stands around it.
    """
    if _WINDOWS.match(str(folder)) and not Path(folder).is_absolute():
        return _of_windows(PureWindowsPath(folder))
    path = Path(folder)
    if not path.is_absolute():
        return None
    here = _resolved(path)
    if not _is_dir(here):
        return _of_gone(here)
    repository = repository_around(here)
    if repository and not _holds_home(repository.root):
        return _of_repository(repository)
    return _of_folder(here) if named and not _holds_home(here) else None


def printable_name(name: str) -> str:
    """Return a scope's name without characters that steer a terminal or cannot be stored, at most LONGEST_NAME long."""
    shown = "".join("�" if unicodedata.category(letter)[0] == "C" else letter for letter in name)
    return shown.strip()[:LONGEST_NAME].strip()


def _of_repository(repository: Repository) -> Workspace:
    remote, places = _known_by(repository)
    paths = dict.fromkeys([*places, repository.place, repository.worktree])
    nearest = repository.worktree.name
    return Workspace(
        identities=(*([f"remote:{remote}"] if remote else []), *map(_by_path, paths)),
        names=tuple(_names(repository.root, remote)),
        remote=remote,
        former=printable_name(nearest),
    )


def _known_by(repository: Repository, chain: int = _LONGEST_CHAIN) -> tuple[str, list[Path]]:
    """Return the address of the remote, or the places of what it was cloned from on this machine."""
    address = repository.remote()
    if not address or normalised(address):
        return normalised(address), []
    source = _resolved(repository.place / local_folder(address))
    origin = repository_around(source) if chain and _is_dir(source) else None
    if origin is None or origin.git_dir == repository.git_dir:
        return "", [source]
    remote, places = _known_by(origin, chain - 1)
    return remote, [*places, origin.place]


def _of_folder(folder: Path) -> Workspace:
    return Workspace((_by_path(folder),), tuple(_names(folder, "")))


def _of_gone(folder: Path) -> Workspace | None:
    """Return what is around a folder that is gone: a repository, else its siblings', else the first part that is missing."""
    missing = [each for each in [folder, *folder.parents] if not _is_dir(each)]
    around = missing[-1].parent
    if (repository := repository_around(around) or _of_siblings(around)) and not _holds_home(repository.root):
        found = _of_repository(repository)
        return replace(found, former="", traces=tuple(map(_by_path, missing)))
    project = _of_missing(missing, around)
    traces = tuple(map(_by_path, missing))
    return Workspace(
        (_by_path(project),), tuple(_names(project, "")), former=printable_name(folder.name), traces=traces
    )


def _of_missing(missing: Sequence[Path], around: Path) -> Path:
    """Return the part that was the project: the first missing one of a folder where projects are, else the last."""
    folder = missing[0]
    if folder.parent.parent.name == "worktrees":  # of editors: worktrees/<project>/<some id>
        return folder.parent
    # of another machine's path, or one in the hidden folder of a program, the first missing part says nothing
    where_projects_are = len(around.parts) >= _DEEP and around != _home()
    return missing[-1] if where_projects_are and not any(part.startswith(".") for part in around.parts) else folder


def _of_siblings(folder: Path) -> Repository | None:
    """Return the repository of which all worktrees in the folder are; None where they are of several, or there are none."""
    if _holds_home(folder):
        return None
    try:
        worktrees = [each for each in sorted(folder.iterdir())[:_SIBLINGS_LOOKED_AT] if (each / ".git").is_file()]
    except OSError:
        return None
    found = {each.git_dir: each for each in map(repository_around, worktrees) if each}
    return next(iter(found.values())) if len(found) == 1 else None


def _of_windows(folder: PureWindowsPath) -> Workspace | None:
    """Return what the words of a Windows path say, for transcripts that came from another machine."""
    parts = folder.parts
    inside = [at for at in range(1, len(parts) - 1) if parts[at : at + 2] == (".claude", "worktrees")]
    project = PureWindowsPath(*parts[: inside[0]]) if inside else folder
    return Workspace((f"path:{project}",), tuple(_names(project, ""))) if project.name else None


def is_there(identity: str) -> bool:
    """Tell whether what a project is known by is more than a folder that is gone from this machine."""
    kind, _, place = identity.partition(":")
    return kind != "path" or _is_dir(Path(place))


def _by_path(folder: PurePath) -> str:
    return "path:" + str(folder).encode("utf-8", "backslashreplace").decode()


def _names(root: PurePath, remote: str) -> Iterator[str]:
    """Yield names, the shortest first; the last one belongs to no other project."""
    last = root.name.removesuffix(".git") or root.name
    longer = ["/".join(remote.split("/")[-2:]), remote] if remote else []
    above = [part for part in root.parts[:-1] if part != root.anchor]
    paths = ["/".join([*above[-count:], last]) for count in range(1, len(above) + 1)] or [f"{last} at the root"]
    for name in map(printable_name, [last, *longer, *paths]):
        if name and name not in _RESERVED:
            yield name


def _holds_home(folder: Path) -> bool:
    """Tell whether the folder is the user's home or holds it: no project, even where it is a repository of dotfiles."""
    home = _home()
    return folder == Path(folder.anchor) or (home is not None and folder in (home, *home.parents))


def _home() -> Path | None:
    try:
        return _resolved(Path.home())
    except RuntimeError:  # nobody knows where this user's home is
        return None


def _resolved(folder: Path) -> Path:
    try:
        return folder.resolve()
    except (OSError, RuntimeError):  # links in a circle
        return folder.absolute()


def _is_dir(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False
