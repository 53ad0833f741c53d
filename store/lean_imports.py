"""Imports libraries without the packages that they load at import and that a bank never uses.

Each window of an editor runs its own server, so each megabyte counts once per window. Importing lancedb and fastembed this way
takes about half of the processor time, and 135 instead of 179 MB of resident memory.

The libraries name these packages in annotations and in code that a bank does not reach: lancedb the client of catalogue
services, fastembed downloads and images. A package can leave this file when the library imports it where it is used, as
`import lance` does since https://github.com/lance-format/lance/pull/9273. `tests/store/test_lean.py` fails when that happens.
"""

import builtins
import re
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import reduce
from types import SimpleNamespace
from typing import Any, NamedTuple


class Package(NamedTuple):
    """A package to leave out: the libraries that get stand-ins for it, and a pattern of the names that these have."""

    name: str
    asked_by: frozenset[str]
    names: str
    has_records: bool = False  # the library makes objects of its classes; elsewhere calling a stand-in is an error


CATALOGUE = Package(
    "lance_namespace_urllib3_client",
    frozenset({"lance_namespace", "lancedb"}),
    r"models(\.[a-z0-9_]+)?(\.[A-Z]\w+)?",
    has_records=True,
)
HUB = Package(
    "huggingface_hub",
    frozenset({"fastembed"}),
    r"constants|list_repo_tree|model_info|snapshot_download|file_download(\.repo_folder_name)?|hf_api(\.RepoFile)?"
    r"|utils(\.HFValidationError|\.RepositoryNotFoundError|\.(dis|en)able_progress_bars|\.httpx(\.TransportError)?)?",
)
IMAGES = Package("PIL", frozenset({"fastembed"}), r"Image(\.Image|\.Resampling(\.BICUBIC|\.BILINEAR|\.LANCZOS)?)?")
REQUESTS = Package("requests", frozenset({"fastembed"}), "Response")

_one_at_a_time = threading.RLock()


class _StandIn(type):
    """Stands for a module, class or function. Its instances hold the fields that they are given."""

    _package: Package
    _path: str

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _stand_in(cls._package, f"{cls._path}.{name}")
        setattr(cls, name, made)  # the same one ever after
        return made

    def __call__(cls, *arguments: Any, **fields: Any) -> Any:
        if not cls._package.has_records:
            raise _refusal(cls._path)
        return super().__call__(*arguments, **fields)


def _stand_in(package: Package, path: str) -> _StandIn:
    _, _, name = path.partition(".")
    if name and not re.fullmatch(package.names, name):
        raise _refusal(path)
    return _StandIn(path.rpartition(".")[2], (SimpleNamespace,), {"_package": package, "_path": path})


def _refusal(path: str) -> ImportError:
    return ImportError(
        f"{path} was left out when the library that uses it was imported. Install the versions of the libraries that "
        "uv.lock names, or add the name to store/lean_imports.py.",
        name=path,
    )


def _importing(stand_ins: Mapping[str, Any], whole: Callable[..., Any]) -> Any:
    """Return an `__import__` that gives this thread `stand_ins` for the libraries that ask for them, and is `whole` else."""
    # a finder on `sys.meta_path` would put stand-ins into `sys.modules`, where every other thread finds them
    thread = threading.get_ident()

    def lean(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        package, *parts = name.split(".")
        made = stand_ins.get(package) if not level and threading.get_ident() == thread else None
        importer: Mapping[str, Any] = globals or {}
        if made is None or str(importer.get("__name__")).partition(".")[0] not in made._package.asked_by:
            return whole(name, globals, locals, fromlist, level)
        return reduce(getattr, parts, made) if fromlist else made

    return lean


@contextmanager
def without(*packages: Package) -> Generator[None]:
    """Give stand-ins for `packages` to the libraries that this thread imports inside the block. Raises ImportError.

    The libraries keep their stand-ins; `unload` one that others may need whole.
    """
    with _one_at_a_time:
        whole = builtins.__import__
        # a package that is loaded already costs nothing more
        stand_ins = {p.name: _stand_in(p, p.name) for p in packages if p.name not in sys.modules}
        lean = builtins.__import__ = _importing(stand_ins, whole)
        try:
            yield
        finally:
            stand_ins.clear()  # also where somebody wrapped `lean` meanwhile, and goes on calling it
            if builtins.__import__ is lean:
                builtins.__import__ = whole


def unload(library: str) -> None:
    """Forget the modules of `library`, so that the next import loads it anew. Objects made with it stay as they are."""
    for name in [name for name in sys.modules if name.partition(".")[0] == library]:
        del sys.modules[name]
