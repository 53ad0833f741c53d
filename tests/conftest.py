"""Shared parts of the tests: a real bank in a folder of its own, a real client in both eras of the protocol."""

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.store.embedding import embedder
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.tools.judging.judge import Judge
from tests.support.connecting import ERAS, Connect
from tests.support.measuring import keep_lines_after_queries

keep_lines_after_queries()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that are marked `both_eras` run once with each."""
    if "era" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_eras"):
        metafunc.parametrize("era", ERAS)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged model, put in place once for all banks of the session."""
    folder = tmp_path_factory.mktemp("models")
    Embedder(folder).warm()
    return folder


@pytest.fixture(scope="session", autouse=True)
def loaded_once() -> Iterator[None]:
    """Banks of one worker whose model files are the same share the loaded model: each load takes an eighth of a second."""
    load, loaded = embedder._load, dict[tuple[Any, ...], Any]()

    def load_once(factory: Any, name: str, **options: Any) -> Any:
        if "specific_model_path" not in options:
            return load(factory, name, **options)
        files = Path(options["specific_model_path"]).resolve()
        key = (name, *[(file.resolve(), file.stat().st_mtime_ns) for file in sorted(files.iterdir())])
        if key not in loaded:
            loaded[key] = load(factory, name, **options)
        return loaded[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedder, "_load", load_once)
        yield


@pytest.fixture
def home(tmp_path: Path, models_dir: Path) -> Path:
    """A fresh STRATEGY_BANK_HOME that has the model already."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "models").symlink_to(models_dir, target_is_directory=True)
    return folder


@pytest.fixture(autouse=True)
def untraced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage doubles what a process costs, so it counts the lines only of those that tests marked `traced` start."""
    if not request.node.get_closest_marker("traced"):
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            monkeypatch.delenv(name)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    """For a server process on that bank: nothing of the developer's own settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("STRATEGY_BANK_")}
    return inherited | {"STRATEGY_BANK_HOME": str(home), "STRATEGY_BANK_SCOPE": "project"}


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return Settings.read(environment)


@pytest.fixture
def era() -> str:
    """Today's protocol; see `pytest_generate_tests`."""
    return ERAS[0]


@pytest.fixture
def connect(settings: Settings, era: str) -> Connect:
    """`async with connect() as client`: an in-memory client on a server of its own, on the test's bank."""

    @asynccontextmanager
    async def client(
        judge: Judge | None = None, change: dict[str, Any] | None = None, **options: Any
    ) -> AsyncGenerator[Client]:
        server = create_server(settings.model_copy(update=change or {}), judge=judge)
        async with Client(server, mode=era, raise_exceptions=False, **options) as connected:
            yield connected

    return client
