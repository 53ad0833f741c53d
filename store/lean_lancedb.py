"""LanceDB, imported without the client of a catalogue service that it brings and a bank never calls.

Everybody who needs LanceDB takes it from here: who imports it first decides what comes with it.
"""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

CATALOGUE = "lance_namespace_urllib3_client"


class _Models(ModuleType):
    """Has every class that is asked for: an object with the fields that it is given. LanceDB makes no more of them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        model = type(name, (SimpleNamespace,), {"__module__": self.__name__})
        setattr(self, name, model)
        return model


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] == CATALOGUE else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Models(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def without_the_catalogue() -> Generator[None]:
    """For imports: what is imported inside gets plain objects in place of the catalogue's 130 pydantic models.

    They were 40 % of the time and 10 MB of the memory that importing LanceDB took. One that was imported before stays.
    """
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of each compaction that a write undid; that is done again

with without_the_catalogue():
    import lancedb
    from lancedb.expr import Expr, col, lit
    from lancedb.index import FTS, Bitmap, IvfRq

__all__ = ["FTS", "Bitmap", "Expr", "IvfRq", "col", "lancedb", "lit"]
