"""Libraries are imported without what they bring along and a bank never calls, and work all the same."""

import subprocess
import sys
from typing import Any

import pytest

from strategy_bank.store.lean_imports import without

NEVER_CALLED = ("lance_namespace_urllib3_client", "huggingface_hub", "requests", "PIL")
LOADED = f"print(sorted(name for name in sys.modules if name.partition('.')[0] in {NEVER_CALLED}))"
EMBED = (
    "import sys, pathlib; from strategy_bank.store.embedding.embedder import Embedder; "
    "Embedder(pathlib.Path(sys.argv[1])).warm(); "
)


def ran(program: str, *arguments: object) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def test_a_server_that_stores_embeds_and_redacts_loads_none_of_it(models_dir: Any) -> None:
    store = "import strategy_bank.store.bank; from strategy_bank.tools.safety.redact import redact; redact('x'); "
    assert ran(EMBED + store + LOADED, models_dir) == "[]"


def test_one_that_was_imported_before_stays() -> None:
    before = "from lance_namespace_urllib3_client.models import ListTablesResponse as before"
    stays = "import strategy_bank.store.lance.table; import lancedb.db as db; print(db.ListTablesResponse is before)"
    assert ran(f"{before}; {stays}") == "True"


def test_who_has_embedded_can_fetch_a_model(models_dir: Any) -> None:
    whole = "from fastembed.common.model_management import snapshot_download as s; print(s.__module__)"
    assert ran(EMBED + whole, models_dir) == "huggingface_hub._snapshot_download"


def test_a_stand_in_holds_what_it_is_given_and_is_the_same_wherever_it_is_imported_from() -> None:
    with without("catalogue"):
        models: Any = __import__("catalogue.models", fromlist=["ListTablesResponse"])
        again: Any = __import__("catalogue.models", fromlist=["ListTablesResponse"])
    answer = models.ListTablesResponse(tables=["strategies"], page_token=None)
    assert (answer.tables, answer.page_token) == (["strategies"], None)
    assert models.ListTablesResponse is again.ListTablesResponse
    assert models.errors.NotFound is models.errors.NotFound
    assert isinstance(models.errors.NotFound(), models.errors.NotFound)
    with pytest.raises(AttributeError):
        _ = models.__all__


def test_stand_ins_are_for_the_imports_inside_only() -> None:
    finders = list(sys.meta_path)
    with without("catalogue"):
        __import__("catalogue.models")
    assert sys.meta_path == finders
    with pytest.raises(ModuleNotFoundError):
        __import__("catalogue")


def test_they_go_after_a_failed_import_too() -> None:
    finders = list(sys.meta_path)
    with pytest.raises(ImportError):
        _fail_to_import()
    assert sys.meta_path == finders
    assert "catalogue" not in sys.modules


def _fail_to_import() -> None:
    with without("catalogue"):
        __import__("catalogue.models")
        raise ImportError
