"""Does work on large texts in a process of its own, because patterns hold the interpreter for as long as they read.

A report of 2 MB takes seconds to clean. In a thread of this process every other client would wait for it.
"""

import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import anyio
import anyio.to_thread

from strategy_bank.store.errors import StrategyBankError

P = ParamSpec("P")
T = TypeVar("T")
LARGE = 64_000  # bytes of the arguments from which a process of its own is worth its start
LIMIT_S = 20.0  # clients wait for a minute at most, and cleaning a report may take this long twice
logger = logging.getLogger(__name__)
_one_at_a_time = anyio.Lock()  # each takes 60 MB


class TooSlow(StrategyBankError):
    """The work did not end in time, or its process was killed."""


async def aside(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Return what `work` returns: done in a thread, or in a process of its own where the arguments are large.

    Function, arguments and result are pickled. Raises what `work` raises, and TooSlow.
    """
    order = _packed((work, arguments, options))
    if len(order) < LARGE:
        return await anyio.to_thread.run_sync(lambda: work(*arguments, **options))
    async with _one_at_a_time:
        done = await _in_time(order)
    if done is None:
        return await anyio.to_thread.run_sync(lambda: work(*arguments, **options))
    return cast(T, _opened(done))


def _packed(order: Any) -> bytes:
    try:
        return pickle.dumps(order)
    except RecursionError:  # nested so deeply that the work refuses it too
        return b""


def _opened(done: bytes) -> Any:
    result = pickle.loads(done)
    if isinstance(result, StrategyBankError):
        raise result
    return result


async def _in_time(order: bytes) -> bytes | None:
    """Return the packed result, or None where no process can be started here or it fails. Raises TooSlow."""
    # -P: no file in the folder where the server was started may pass for a module
    command = [sys.executable, "-P", "-m", __name__]
    no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        with anyio.fail_after(LIMIT_S):
            ended = await anyio.run_process(command, input=order, stderr=None, check=False, creationflags=no_window)
    except TimeoutError as exc:
        raise TooSlow(f"Reading it took longer than {LIMIT_S:g} s. Send the decisive steps only.") from exc
    except OSError as exc:
        logger.warning("No process can be started for a large text, so other clients may have to wait: %s", exc)
        return None
    if ended.returncode < 0:
        raise TooSlow(f"Reading it was ended by signal {-ended.returncode}. Send the decisive steps only.")
    return ended.stdout if ended.returncode == 0 else None


def main() -> None:
    """Do the work that stands on standard input, and write its result to standard output."""
    work, arguments, options = pickle.load(sys.stdin.buffer)
    reply, sys.stdout = sys.stdout.buffer, sys.stderr
    try:
        done: Any = work(*arguments, **options)
    except StrategyBankError as exc:
        done = exc
    reply.write(pickle.dumps(done))
    reply.flush()


if __name__ == "__main__":
    main()
