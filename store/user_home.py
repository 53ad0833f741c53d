"""The folder of the user, which a service or a container may not have."""

from pathlib import Path

from strategy_bank.store.errors import InvalidInput


def user_home() -> Path:
    """Return the user's folder. Raises InvalidInput where there is none."""
    return expanded(Path("~"))


def expanded(path: Path) -> Path:
    """Return the path with `~` or `~name` at its beginning as a folder. Raises InvalidInput where there is no such folder."""
    try:
        return path.expanduser()
    except (RuntimeError, KeyError) as exc:
        first = path.parts[0]
        why = (
            "HOME is not set, and this user has no entry in passwd" if first == "~" else f"there is no user {first[1:]}"
        )
        raise InvalidInput(f"The folder {path} cannot be found: {why}. Set HOME, or give an absolute path.") from exc
