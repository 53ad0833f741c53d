"""The checks of `strategy-bank doctor`. Each says what it found, and what to do where something is wrong."""

import errno
import importlib.metadata
import os
import platform
import shutil
import stat
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio.to_thread
from pydantic import SecretStr

from strategy_bank.server.judges import SETTINGS_NEEDED, with_endpoint
from strategy_bank.server.settings import FIELDS, Settings, Sources, masked
from strategy_bank.server.transport.token import TOKEN_FILE
from strategy_bank.server.unexpected import in_words
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder
from strategy_bank.store.errors import BankBusy, JudgeFailed, StrategyBankError
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.os_errors import way_out_of
from strategy_bank.store.records import FOR_A_PERSON, NO_PROJECT_SCOPE, Episode, Run, Strategy
from strategy_bank.store.scratch import lend_scratch
from strategy_bank.tools.scopes.registry import scope_in
from strategy_bank.tools.scopes.workspace import workspace_of

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Status = Literal["ok", "warn", "fail"]
PACKAGES = ("strategy-bank", "mcp", "lancedb", "fastembed", "openai")
LITTLE_ROOM, NO_ROOM = 500_000_000, 20_000_000  # free bytes on the disk of the bank
_REASON_CHARS = 200
_READ_AT_MOST = 500  # strategies whose language is looked at, half a millisecond each
_OTHER_LANGUAGES = (
    "Such lessons are hardly found. Have them written in English, or take a model that knows many languages: "
    "`strategy-bank models use sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2`."
)
_TINY = ("Make the test suite pass.", "[1] action: pytest -q\n[1] observation: 3 passed in 0.10s")


@dataclass(frozen=True)
class Finding:
    about: str
    status: Status
    found: str
    advice: str = ""


Tell = Callable[[Finding], None]


async def examine(sources: Sources, tell: Tell, ask_endpoint: bool) -> None:
    """Run every check, in an order in which the first failure explains the later ones. Raises InvalidInput."""
    settings = sources.settings()
    location, model = settings.location, [DEFAULT_MODEL]
    tell_versions(tell, settings.uses_endpoint)
    await guarded("settings", tell, partial(_settings, sources, settings))
    await guarded("home", tell, partial(_home, location))
    await guarded("lock", tell, partial(_lock, location))
    await guarded("bank", tell, partial(_bank, settings, model))
    await guarded("model", tell, partial(_model, location.models_dir, model[0]))
    await guarded("judge", tell, partial(_judge, settings, ask_endpoint))
    await guarded("write and recall", tell, partial(_write_and_recall, location))


async def guarded(about: str, tell: Tell, check: Callable[[Tell], Awaitable[None]]) -> None:
    """Run a check, which tells what it finds. What it raises is a finding too."""
    try:
        await check(tell)
    except StrategyBankError as exc:
        tell(Finding(about, "fail", str(exc)))
    except Exception as exc:  # noqa: BLE001 a diagnosis reports whatever it meets
        tell(Finding(about, "fail", in_words(exc)))


def tell_versions(tell: Tell, needs_openai: bool) -> None:
    tell(Finding("python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}"))
    for package in PACKAGES:
        try:
            tell(Finding(package, "ok", importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            optional = package == "openai" and not needs_openai
            advice = "pip install 'strategy-bank[llm]'" if package == "openai" else f"pip install {package}"
            why = "not installed, needed for an endpoint judge only" if optional else "not installed"
            tell(Finding(package, "ok" if optional else "fail", f"{why}: {advice}"))


async def _settings(sources: Sources, settings: Settings, tell: Tell) -> None:
    values = ", ".join(f"{name}={masked(getattr(settings, name)) or '(not set)'}" for name in FIELDS)
    tell(Finding("settings", "ok", values))
    for ignored in sources.ignored:
        tell(Finding("settings", "warn", ignored, "`strategy-bank config` shows those that are known."))
    file, kept = sources.file, [getattr(settings, name) for name, one in sources.given.items() if one.source == "file"]
    if os.name == "posix" and any(isinstance(each, SecretStr) for each in kept) and file.stat().st_mode & 0o077:
        tell(Finding("config file", "warn", f"{file} holds a secret and others may read it", f"chmod 600 '{file}'"))
    else:
        there = os.path.exists(file)  # noqa: ASYNC240 one local look, and Path.exists raises in a closed folder
        found = f"read from {file}" if there else f"none at {file}"
        tell(Finding("config file", "ok", f"{found}; `strategy-bank config` shows what comes from where"))


async def _home(location: Location, tell: Tell) -> None:
    location.prepare()
    mode = location.home.stat().st_mode & 0o777
    tables = [] if location.lock_file is None else [Path(location.tables_uri)]
    folders = [folder for folder in [location.home, *tables] if os.path.isdir(folder)]  # noqa: ASYNC240 local looks
    closed = [folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)]
    if closed:
        advice = way_out_of(errno.EACCES, str(closed[0]))
        tell(Finding("home", "fail", f"{closed[0]} is not writable", advice))
    elif os.name == "posix" and mode & (0o007 if location.home.stat().st_mode & stat.S_ISGID else 0o077):
        advice = f"chmod 700 '{location.home}'"
        tell(Finding("home", "warn", f"{location.home} may be read by others (mode {mode:o})", advice))
    else:
        tell(Finding("home", "ok", f"{location.home}, mode {mode:o}, tables at {masked(location.tables_uri)}"))
    if os.name == "posix":
        for finding in _rights(location, tables):
            tell(finding)
    free = shutil.disk_usage(location.home).free
    status = "fail" if free < NO_ROOM else "warn" if free < LITTLE_ROOM else "ok"
    tell(Finding("disk", status, f"{free / 1e9:.1f} GB free", "" if status == "ok" else "Make room on this disk."))


def _rights(location: Location, tables: Sequence[Path]) -> Iterator[Finding]:
    """Yield what is wrong with whom the token and the tables are open to."""
    token = location.home / TOKEN_FILE
    if os.path.isfile(token) and token.stat().st_mode & 0o077:
        yield Finding("token", "warn", f"others may read the token in {token}", f"chmod 600 '{token}'; write a new one")
    for folder in filter(os.path.isdir, tables):
        mode = folder.stat().st_mode & 0o7777
        team = (mode | folder.parent.stat().st_mode) & stat.S_ISGID
        if team and not mode & stat.S_IWGRP:
            advice = f"chmod -R g+rwX '{folder.parent}', and umask 007 for everybody; docs/teams.md tells more."
            yield Finding("tables", "warn", f"the team cannot write to {folder} (mode {mode:o})", advice)
        elif mode & (0o007 if team else 0o077):
            advice = f"chmod {'o-rwx' if team else '700'} '{folder}'"
            yield Finding("tables", "warn", f"{folder} is open to others (mode {mode:o})", advice)


async def _lock(location: Location, tell: Tell) -> None:
    if location.lock_file is None:
        tell(Finding("lock", "ok", "none needed in an object store"))
        return
    try:
        async with WriteLock(location.lock_file, 0).hold():
            pass
    except BankBusy:
        advice = "That is normal for a moment. If it stays so, look for a stopped strategy-bank process and end it."
        tell(Finding("lock", "warn", f"another process is writing (lock {location.lock_file})", advice))
    else:
        tell(Finding("lock", "ok", "free"))


async def _bank(settings: Settings, model: list[str], tell: Tell) -> None:
    """Open and read the bank, and put the name of its model into `model`."""
    from strategy_bank.store.bank import Bank

    location = settings.location
    if location.lock_file is not None and not os.path.exists(location.tables_uri):  # noqa: ASYNC240 one local look
        tell(Finding("bank", "ok", f"none yet at {location.tables_uri}; it is made at first use"))
        workspace = workspace_of(Path.cwd())
        _scope(settings.scope or (workspace.names[0] if workspace else NO_PROJECT_SCOPE), tell)
        return
    bank = await Bank.open(location)
    try:
        model[0] = bank.embedder.name
        await bank.read_through()
        await _counts(bank, tell)
        await _pending(bank, tell)
        await _pieces(bank, tell)
        await _languages(bank, tell)
        began = time.perf_counter()
        scope = await scope_in(bank, settings.scope, Path.cwd())
        _scope(scope.name, tell)
        hits = await bank.search("Is the bank well?", scope.readable, 1)
        tell(Finding("recall", "ok", f"answered in {_ms(began)} with {len(hits)} strategies, model loading included"))
    finally:
        await bank.close()


def _scope(name: str, tell: Tell) -> None:
    tell(Finding("scope", "ok", f"{name}, in this folder; a client's server uses that of the client's project"))


async def _counts(bank: "Bank", tell: Tell) -> None:
    active = await bank.count(Strategy, status="active")
    waiting = await bank.count(Strategy, status=list(FOR_A_PERSON))
    strategies, episodes, runs = [await bank.count(kind) for kind in (Strategy, Episode, Run)]
    found = f"{active} of {strategies} strategies active, {episodes} episodes, {runs} runs"
    if waiting:
        advice = "`strategy-bank review` shows them one by one and lets you decide."
        tell(Finding("bank", "warn", f"{found}; {waiting} wait for a person", advice))
    else:
        tell(Finding("bank", "ok", found))


async def _pending(bank: "Bank", tell: Tell) -> None:
    rows = await bank.cells(Episode, ["reason"], status="pending")
    if not rows:
        tell(Finding("pending", "ok", "no episode waits for a judgement"))
    reasons = Counter(row["reason"][:_REASON_CHARS] or "nobody has judged them yet" for row in rows)
    for reason, number in reasons.most_common(5):
        tell(Finding("pending", "warn", f"{number} episodes: {reason}", "`strategy-bank distill` has them judged."))


async def _pieces(bank: "Bank", tell: Tell) -> None:
    from strategy_bank.store.maintenance.upkeep import COMPACT_AT

    pieces = await bank.fragments()
    found = ", ".join(f"{name} {number}" for name, number in pieces.items())
    if max(pieces.values()) < COMPACT_AT * 2:
        tell(Finding("pieces", "ok", found))
    else:
        tell(Finding("pieces", "warn", f"{found}: recall gets slow", "A running server compacts them; start a client."))


async def _languages(bank: "Bank", tell: Tell) -> None:
    """Say whether the model can read the active strategies, judged by some that lie evenly in the bank."""
    rows = await bank.cells(Strategy, [], status="active")
    ids = [row["id"] for row in rows[:: 1 + len(rows) // _READ_AT_MOST]]
    strategies = await bank.all(Strategy, id=ids, status="active") if ids else []
    unread = [each for each in strategies if not await bank.can_read(each.wording)]
    found = (
        f"the model reads {len(strategies) - len(unread)} of {len(strategies)} active strategies that were looked at"
    )
    if len(unread) * 2 <= len(strategies):
        tell(Finding("languages", "ok", found))
    else:
        tell(Finding("languages", "warn", f"{found}; the others are hardly English", _OTHER_LANGUAGES))


async def _model(folder: Path, name: str, tell: Tell) -> None:
    embedder = Embedder(folder, name)
    began = time.perf_counter()
    await anyio.to_thread.run_sync(embedder.warm)
    loaded, began = _ms(began), time.perf_counter()
    await anyio.to_thread.run_sync(embedder.read_query, "fix the flaky upload test")
    checked = ", sha256 as expected" if name == DEFAULT_MODEL else ""
    tell(Finding("model", "ok", f"{name}{checked}, checked and loaded in {loaded}, one query {_ms(began)}"))


async def _judge(settings: Settings, ask: bool, tell: Tell) -> None:
    if not settings.uses_endpoint and not (ask and settings.llm_model):
        tell(Finding("judge", "fail" if ask else "ok", "the agent itself", SETTINGS_NEEDED if ask else ""))
        return
    where = f"{settings.llm_model} at {masked(settings.llm_base_url or 'the default address of the openai library')}"
    if not ask:
        tell(Finding("judge", "ok", f"{where}; not asked now, --endpoint does"))
        return
    began = time.perf_counter()
    try:
        verdict = await with_endpoint(settings, lambda judge: judge.judge(*_TINY, None, distill=False))
    except JudgeFailed as exc:
        advice = "Check llm_base_url, llm_model and llm_api_key; `strategy-bank config` shows them."
        tell(Finding("judge", "fail", str(exc), advice))
    else:
        tell(Finding("judge", "ok", f"{where} answered in {_ms(began)}: {verdict.verdict if verdict else 'nothing'}"))


async def _write_and_recall(location: Location, tell: Tell) -> None:
    from strategy_bank.server.doctor.self_test import write_and_recall

    began = time.perf_counter()
    scratch = lend_scratch(location.home)
    with tempfile.TemporaryDirectory(prefix="strategy-bank-doctor-", dir=scratch, ignore_cleanup_errors=True) as folder:
        _lend(location.models_dir, Path(folder) / "models")
        problem = await write_and_recall(Location(Path(folder)))
    if problem:
        tell(Finding("write and recall", "fail", problem, "Please report this as a bug."))
        return
    elsewhere = (
        "" if scratch or os.name == "nt" else f" in {Path(folder).parent}, since {location.home} takes no scratch files"
    )
    where = f"a throw-away bank{elsewhere}"
    tell(Finding("write and recall", "ok", f"reported, learned and found again in {where}, {_ms(began)}"))


def _lend(models: Path, place: Path) -> None:
    """Link the models instead of copying them, where the system lets this user make links."""
    if os.path.isdir(models):  # Path.is_dir raises where the folder is another user's
        with suppress(OSError):
            place.symlink_to(models.resolve(), target_is_directory=True)


def _ms(began: float) -> str:
    return f"{(time.perf_counter() - began) * 1000:,.0f} ms"
