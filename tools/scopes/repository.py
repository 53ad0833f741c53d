"""Finds the git repository that owns a folder, whatever the layout, by its files alone: git itself need not be installed.

A linked worktree and a submodule belong to the repository that has their git directories; a folder beside a bare repository
`.bare` belongs to that.
"""

from dataclasses import dataclass
from pathlib import Path

from strategy_bank.tools.scopes import config


@dataclass(frozen=True)
class Repository:
    """A repository. `worktree` is the folder with `.git` it was found by, and `git_dir` what all its worktrees share."""

    worktree: Path
    git_dir: Path

    @property
    def root(self) -> Path:
        """The folder that a user would call the project."""
        if self.git_dir.name.startswith("."):  # .git, or .bare
            return self.git_dir.parent
        return self.worktree if _pointer(self.worktree / ".git") == self.git_dir else self.git_dir

    @property
    def place(self) -> Path:
        """The folder by which the repository is known: the same for all its worktrees."""
        return self.git_dir.parent if self.git_dir.name == ".git" else self.git_dir

    def remote(self) -> str:
        """Return the address of `origin`, else of the first remote, as git would use it; empty without one."""
        own = config.entries(self.git_dir / "config")
        found = dict(reversed([(name, url) for section, name, key, url in own if (section, key) == ("remote", "url")]))
        address = found.get("origin") or next(reversed(found.values()), "")
        return config.rewritten(address, own) if address else ""


def repository_around(folder: Path) -> Repository | None:
    """Return the repository that owns the folder, an absolute path; None where there is none."""
    around = [folder, *folder.parents]
    for each in around:
        if git_dir := _git_dir_of(each):
            return _with_submodule(each) or Repository(each, _owner(git_dir))
    # a `.git` without contents is no repository for git, but somebody meant it as the root of a project
    return next((Repository(each, each / ".git") for each in around if _is_dir(each / ".git")), None)


def git_root(folder: Path) -> Path | None:
    """Return the nearest folder with a `.git`: this one or one above it."""
    return next((each for each in [folder, *folder.parents] if (each / ".git").exists()), None)


def _git_dir_of(folder: Path) -> Path | None:
    """Return the git directory that the folder has, is, or points to."""
    entry = folder / ".git"
    if _is_git_dir(entry):
        return entry.resolve()  # it may be a link to one that is elsewhere
    if (target := _pointer(entry)) is not None:
        # that of a worktree that was removed is gone, but lay in the repository's
        return next((each for each in [target, *target.parents] if _is_git_dir(each)), None)
    return folder if _is_git_dir(folder) else None


def _with_submodule(folder: Path) -> Repository | None:
    """Return the repository around a repository that it lists as its submodule, as those of old that have their own `.git`."""
    outer = repository_around(folder.parent) if folder != folder.parent else None
    if outer is None or not outer.worktree < folder:
        return None
    inside = folder.relative_to(outer.worktree).as_posix()
    listed = config.entries(outer.worktree / ".gitmodules")
    return (
        outer if ("submodule", "path", inside) in {(section, key, value) for section, _, key, value in listed} else None
    )


def _pointer(file: Path) -> Path | None:
    """Return the folder that a `.git` file names; None where it is no such file."""
    key, _, named = config.small_text(file).partition(":")
    return (file.parent / named.strip()).resolve() if key == "gitdir" and named.strip() else None


def _owner(git_dir: Path) -> Path:
    """Return the git directory that a worktree's or a submodule's belongs to; itself for all others."""
    if named := config.small_text(git_dir / "commondir").strip():
        return _owner((git_dir / named).resolve())
    inside = next((each for each in git_dir.parents if _is_git_dir(each)), None)
    if inside and "modules" in git_dir.relative_to(inside).parts:
        return _owner(inside)
    return git_dir


def _is_git_dir(folder: Path) -> bool:
    try:
        return (folder / "HEAD").is_file() and any((folder / name).exists() for name in ("objects", "commondir"))
    except OSError:  # a folder that this user may not look into
        return False


def _is_dir(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:
        return False
