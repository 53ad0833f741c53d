"""Imports of libraries without the packages that they bring along and that a bank never calls.

A window of an editor runs a server of its own, so each megabyte counts once for every window.
"""

import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

_one_at_a_time = threading.RLock()


class _StandInClass(type):
    """Has every attribute that is asked for, a stand-in too."""

    def __getattr__(cls, name: str) -> Any:
        return _stand_in(cls, name)


class _StandIn(ModuleType):
    """Has every class that is asked for: an object with the fields that it is given."""

    def __getattr__(self, name: str) -> Any:
        return _stand_in(self, name)


def _stand_in(owner: Any, name: str) -> Any:
    """Made at the first time it is asked for, the same ever after."""
    if name.startswith("__"):
        raise AttributeError(name)
    made = _StandInClass(name, (SimpleNamespace,), {"__module__": getattr(owner, "__name__", "")})
    setattr(owner, name, made)
    return made


class _Finder(MetaPathFinder, Loader):
    def __init__(self, packages: frozenset[str]) -> None:
        self._packages = packages

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] in self._packages else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def without(*packages: str) -> Generator[None]:
    """For imports: only what is imported inside gets stand-ins for these packages. One that is loaded already stays."""
    with _one_at_a_time:
        finder = _Finder(frozenset(packages) - sys.modules.keys())
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            for name in [name for name, module in sys.modules.items() if isinstance(module, _StandIn)]:
                del sys.modules[name]


def forget(package: str) -> None:
    """The next import reads the package anew, with all that it brings. What was made with it goes on as it is."""
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
