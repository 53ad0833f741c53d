"""Processes that Ctrl-C reaches."""

import signal
import subprocess
from collections.abc import Sequence
from typing import Any


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """Start a process that ends on SIGINT, even where pytest was told to ignore it, as by `nohup` or in a background job."""
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # what is ignored stays ignored in a child
    try:
        return subprocess.Popen(command, **options)
    finally:
        signal.signal(signal.SIGINT, ours)
