"""Tells which scope the work in a folder belongs to."""

from pathlib import Path

from strategy_bank.store.records import GLOBAL_SCOPE


def git_root(folder: Path) -> Path | None:
    """Return the nearest folder with a `.git`: this one or one above it."""
    return next((each for each in [folder, *folder.parents] if (each / ".git").exists()), None)


def scope_around(folder: Path) -> str:
    """Return the name of the git root around the folder, else `global`."""
    root = git_root(folder)
    return root.name if root and root.name else GLOBAL_SCOPE


def scope_of_session(cwd: str) -> str:
    """Return the scope of a past session that ran in `cwd`: that of the folder, or its name where it is gone."""
    folder = Path(cwd)
    if cwd and folder.name and not folder.is_dir():
        return folder.name  # `global` would show a project's lessons everywhere
    return scope_around(folder)
