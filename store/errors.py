"""Defines the errors of strategy-bank. Every message says what happened and what to do about it.

    StrategyBankError
    ├── BankError              the bank could not do what was asked
    │   ├── BankUnavailable    the folder or object store cannot be opened, read or written
    │   ├── BankBusy           other processes kept this one from writing for too long
    │   ├── Conflict           another process changed the same record meanwhile; the step is repeated
    │   ├── BankTooNew         the bank was written by a newer version of strategy-bank
    │   ├── ModelMismatch      the bank holds vectors of another embedding model
    │   └── NotFound           no strategy, episode or run has that id
    ├── ModelUnavailable       the embedding model is missing, damaged or cannot be loaded
    ├── InvalidInput           what the caller sent cannot be used as it is
    └── JudgeFailed            a judge gave no usable judgement; the episode stays pending

`store/` and `tools/judging/openai_client.py` translate the errors of lancedb, fastembed and openai into these; nothing else
catches theirs.
"""


class StrategyBankError(Exception):
    """The base of all errors that users of strategy-bank can see."""


class BankError(StrategyBankError):
    """The bank could not do what was asked."""


class BankUnavailable(BankError):
    """The bank's folder or object store cannot be opened, read or written."""


class BankBusy(BankError):
    """Other processes kept this one from writing for longer than the configured wait."""


class Conflict(BankError):
    """Another process changed a record between reading and writing it. `Bank.atomically` repeats the step."""


class BankTooNew(BankError):
    """The bank's format is newer than this version understands."""


class ModelMismatch(BankError):
    """The bank's vectors come from another embedding model than the one in use."""


class NotFound(BankError):
    """No record has the id that was asked for."""


class ModelUnavailable(StrategyBankError):
    """The embedding model is missing, damaged or cannot be loaded."""


class InvalidInput(StrategyBankError):
    """The input cannot be used as it is; the message says what could be."""


class JudgeFailed(StrategyBankError):
    """A judge gave no usable judgement. This is never a verdict: the episode stays pending with the reason."""
