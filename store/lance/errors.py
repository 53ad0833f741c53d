"""Errors of LanceDB leave it as Conflict, ModelMismatch or BankUnavailable, with the place and the way out."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import anyio

from strategy_bank.store.errors import BankUnavailable, Conflict, ModelMismatch
from strategy_bank.store.os_errors import bank_trouble


def is_conflict(exc: Exception) -> bool:
    """Whether LanceDB gave up, after its own retries, because others committed first."""
    return re.search("commit conflict|concurrent writers", str(exc)) is not None


@contextmanager
def committing(uri: str) -> Generator[None]:
    """Not to be cancelled: LanceDB would go on for a moment, when the caller has let go of the lock already."""
    with anyio.CancelScope(shield=True), translated(uri):
        yield


@contextmanager
def translated(uri: str) -> Generator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as exc:
        if is_conflict(exc):
            raise Conflict(f"Others write to the bank at {uri} at the same time.") from exc
        if re.search("does not exist in schema|No field named (vector|tokens)_", str(exc)):
            raise ModelMismatch(
                f"The bank at {uri} has been re-embedded with another model meanwhile. Restart the server."
            ) from exc
        raise BankUnavailable(bank_trouble(uri, exc)) from exc
