"""LanceDB, imported without the client of a catalogue service that it brings and a bank never calls.

Its 130 pydantic models were 40 % of the time and 10 MB of the memory that importing LanceDB took; it fills a few of them, and
takes plain objects as well. Everybody who needs LanceDB takes it from here: who imports it first decides what comes with it.
"""

import os

from strategy_bank.store.lean_imports import CATALOGUE, without

os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of each compaction that a write undid; that is done again

with without(CATALOGUE):
    import lancedb
    from lancedb.expr import Expr, col, lit
    from lancedb.index import FTS, Bitmap, IvfRq

__all__ = ["FTS", "Bitmap", "Expr", "IvfRq", "col", "lancedb", "lit"]
