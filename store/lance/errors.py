"""Translates LanceDB's errors into Conflict, ModelMismatch or BankUnavailable, with the place and what to do."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from strategy_bank.store.errors import BankUnavailable, Conflict, ModelMismatch
from strategy_bank.store.os_errors import bank_trouble


def is_conflict(exc: Exception) -> bool:
    """Return whether LanceDB gave up, after its own retries, because others committed first."""
    return re.search("commit conflict|concurrent writers", str(exc)) is not None


def is_gone(exc: Exception) -> bool:
    """Return whether a file was missing: it is damage, or another process deleted the version that was being read."""
    return "not found" in str(exc).lower()


@contextmanager
def committing(uri: str) -> Generator[None]:
    """Translate the errors of a commit, and let nothing cancel it."""
    # a cancelled commit goes on for a moment, when the caller has already released the lock
    with anyio.CancelScope(shield=True), translated(uri):
        yield


@contextmanager
def translated(uri: str) -> Generator[None]:
    """Translate the errors of LanceDB in this block."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as exc:
        if is_conflict(exc):
            raise Conflict(f"Other processes are writing to the bank at {uri} at the same time.") from exc
        if re.search("does not exist in schema|No field named (vector|tokens)_", str(exc)):
            raise ModelMismatch(
                f"Another process has re-embedded the bank at {uri} with another model. Restart the server."
            ) from exc
        raise BankUnavailable(bank_trouble(uri, exc)) from exc
