"""Libraries are imported without what they bring along and a bank never uses, and nobody else notices."""

import builtins
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from strategy_bank.store.lean_imports import CATALOGUE, HUB, IMAGES, REQUESTS, Package, unload, without

LEFT_OUT = (CATALOGUE, HUB, IMAGES, REQUESTS)
LOADED = f"print(sorted({ {p.name for p in LEFT_OUT} } & sys.modules.keys()))"
EMBED = (
    "import sys, pathlib; from strategy_bank.store.embedding.embedder import Embedder; "
    "Embedder(pathlib.Path(sys.argv[1])).warm(); "
)
SERVICE = Package("catalogue", frozenset({"library"}), r"models(\.Answer)?", has_records=True)
DOWNLOADS = Package("downloads", frozenset({"library"}), "fetch")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Writes a package `library` with this text, imports it without the two packages, and leaves no trace of it."""
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("catalogue", "downloads"):
        (tmp_path / f"{name}.py").write_text("real = True\n")

    def imported(text: str) -> ModuleType:
        (tmp_path / "library.py").write_text(text)
        with without(SERVICE, DOWNLOADS):
            module = __import__("library")
        return module

    yield imported
    for name in ("library", "catalogue", "downloads"):
        unload(name)


def ran(program: str, *arguments: object) -> str:
    """Return what a fresh interpreter prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


@pytest.mark.slow
def test_a_server_that_stores_embeds_and_redacts_loads_none_of_it(models_dir: Any) -> None:
    store = "import strategy_bank.store.bank; from strategy_bank.tools.safety.redact import redact; redact('x'); "
    assert ran(EMBED + store + LOADED, models_dir) == "[]"


@pytest.mark.slow
def test_the_libraries_still_load_each_of_the_packages_by_themselves() -> None:
    lancedb, others = "import sys, lancedb; ", "import sys, fastembed; "
    assert ran(lancedb + LOADED) == f"['{CATALOGUE.name}']"
    assert ran(others + LOADED) == str(sorted(package.name for package in (HUB, IMAGES, REQUESTS)))


@pytest.mark.slow
def test_one_that_was_imported_before_stays() -> None:
    before = "from lance_namespace_urllib3_client.models import ListTablesResponse as before"
    stays = "import strategy_bank.store.lance.table; import lancedb.db as db; print(db.ListTablesResponse is before)"
    assert ran(f"{before}; {stays}") == "True"


@pytest.mark.slow
def test_who_has_embedded_can_fetch_a_model(models_dir: Any) -> None:
    whole = "from fastembed.common.model_management import snapshot_download as s; print(s.__module__)"
    assert ran(EMBED + whole, models_dir) == "huggingface_hub._snapshot_download"


@pytest.mark.slow
def test_a_fastembed_that_uses_more_than_the_list_has_is_imported_whole_with_a_warning() -> None:
    program = (
        "import sys, logging; logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
        "from strategy_bank.store.embedding import embedder\n"
        "embedder._import_without(embedder.HUB._replace(names='constants'))\n"
        "from fastembed.common.model_management import snapshot_download as s; print(s.__module__)"
    )
    said, module = ran(program).splitlines()
    assert said.startswith("fastembed is imported whole, which takes 17 MB more: huggingface_hub.")
    assert module == "huggingface_hub._snapshot_download"


def test_a_stand_in_holds_what_it_is_given_and_is_the_same_wherever_it_is_imported_from(library: Any) -> None:
    found = library("import catalogue.models\nfrom catalogue.models import Answer\nimport catalogue.models as models")
    answer = found.Answer(tables=["strategies"], page_token=None)
    assert (answer.tables, answer.page_token) == (["strategies"], None)
    assert found.catalogue.models is found.models
    assert found.models.Answer is found.Answer
    assert isinstance(answer, found.Answer)


@pytest.mark.parametrize(
    "text",
    [
        "from catalogue import connect",
        "import catalogue\ncatalogue.models.Question",
        "import catalogue.api.tables as t",
    ],
)
def test_a_name_that_is_not_on_the_list_is_refused_with_a_way_out(library: Any, text: str) -> None:
    with pytest.raises(
        ImportError, match=r"catalogue\.\S+ was left out .* uv\.lock names, or add the name to store/lean"
    ):
        library(text)
    assert "catalogue" not in sys.modules


def test_what_is_left_out_cannot_be_called_later(library: Any) -> None:
    found = library("from downloads import fetch")
    with pytest.raises(ImportError, match=r"downloads\.fetch was left out"):
        found.fetch("model")


def test_other_threads_import_the_package_itself_while_the_stand_ins_are_there(library: Any) -> None:
    seen: list[object] = []

    def other() -> None:
        scope: dict[str, Any] = {"__name__": "library.helper"}  # even a function of the same library
        exec("import catalogue, downloads", scope)
        seen.extend([scope["catalogue"].real, scope["downloads"].real])

    sys.modules["meanwhile"] = Meanwhile(other)
    try:
        found = library(
            "from catalogue.models import Answer\nimport meanwhile\nmeanwhile.run()\nfrom downloads import fetch"
        )
    finally:
        del sys.modules["meanwhile"]
    assert seen == [True, True]
    assert not hasattr(sys.modules["downloads"], "fetch")
    assert found.fetch is not None  # the library itself got the stand-in, though the package is loaded by now


class Meanwhile(ModuleType):
    """Runs something in another thread, in the middle of an import."""

    def __init__(self, action: Callable[[], None]) -> None:
        super().__init__("meanwhile")
        self._action = action

    def run(self) -> None:
        thread = threading.Thread(target=self._action)
        thread.start()
        thread.join()


def test_other_libraries_that_are_imported_inside_get_the_package_itself(library: Any, tmp_path: Path) -> None:
    (tmp_path / "bystander.py").write_text("import catalogue")
    found = library("import bystander\nimport catalogue")
    unload("bystander")
    assert found.bystander.catalogue.real
    assert found.catalogue.models


def test_nothing_is_left_behind_after_an_import_that_failed_too(library: Any) -> None:
    before, loaded = builtins.__import__, set(sys.modules)
    with pytest.raises(ZeroDivisionError):
        library("from catalogue.models import Answer\n1 / 0")
    assert builtins.__import__ is before
    assert set(sys.modules) == loaded
    assert __import__("catalogue").real


def test_an_import_function_that_somebody_put_around_ours_meanwhile_stays_and_works(monkeypatch: Any) -> None:
    with without(SERVICE):
        ours = builtins.__import__

        def around(*arguments: Any, **named: Any) -> Any:
            return ours(*arguments, **named)

        monkeypatch.setattr(builtins, "__import__", around)
    assert builtins.__import__ is around
    with pytest.raises(ModuleNotFoundError):
        exec("import catalogue", {"__name__": "library"})
