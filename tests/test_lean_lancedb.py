"""LanceDB is imported without the models of a catalogue service, and works all the same."""

import subprocess
import sys
from typing import Any

import pytest

from strategy_bank.store.lean_lancedb import CATALOGUE, without_the_catalogue


def ran(program: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


def test_the_store_does_not_load_it() -> None:
    loaded = (
        "import sys, strategy_bank.store.lance; "
        f"print([n for n, m in sys.modules.items() if n.startswith({CATALOGUE!r}) and getattr(m, '__file__', None)])"
    )
    assert ran(loaded) == "[]"


def test_one_that_was_imported_before_stays() -> None:
    model = f"from {CATALOGUE}.models import ListTablesResponse as before"
    assert (
        ran(
            f"{model}; import strategy_bank.store.lance; import lancedb.db as db; print(db.ListTablesResponse is before)"
        )
        == "True"
    )


def test_a_model_holds_what_it_is_given_and_is_the_same_wherever_it_is_imported_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == CATALOGUE]:
        monkeypatch.delitem(sys.modules, name)
    finders = list(sys.meta_path)
    with without_the_catalogue():
        models: Any = __import__(f"{CATALOGUE}.models", fromlist=["ListTablesResponse"])
    assert sys.meta_path == finders
    answer = models.ListTablesResponse(tables=["strategies"], page_token=None)
    assert (answer.tables, answer.page_token) == (["strategies"], None)
    assert models.ListTablesResponse is models.ListTablesResponse
    with pytest.raises(AttributeError):
        _ = models.__all__


def test_the_finder_goes_after_a_failed_import_too() -> None:
    finders = list(sys.meta_path)
    with pytest.raises(ImportError), without_the_catalogue():
        raise ImportError
    assert sys.meta_path == finders
