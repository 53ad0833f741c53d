"""Imports LanceDB without its client for catalogue services.

LanceDB fills a few of the client's 130 pydantic models, and accepts plain objects as well. All code imports LanceDB from
here, since the first import decides what comes with it.
"""

import os

from strategy_bank.store.lean_imports import CATALOGUE, without

os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of each compaction that a write undoes

with without(CATALOGUE):
    import lancedb
    from lancedb.expr import Expr, col, func, lit
    from lancedb.index import FTS, Bitmap, IvfRq

__all__ = ["FTS", "Bitmap", "Expr", "IvfRq", "col", "func", "lancedb", "lit"]
