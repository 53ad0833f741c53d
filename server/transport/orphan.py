"""Tells when a server has lost its client though its input goes on: a process beside it may hold the other end of the pipe."""

import os
import time

SILENCE_S = 600.0  # what started the server may have ended before the client did, and a client that lives speaks again
_LOOK_EVERY_S = 30.0


class Watch:
    """Watches the process that started this one, and whether lines still come.

    Where that one was gone before, or is a container's first process, nothing changes later, and nothing is found.
    """

    def __init__(self, silence_s: float) -> None:
        self._parent = os.getppid()
        self._silence_s = silence_s
        self.heard()

    def heard(self) -> None:
        """Note that a line came."""
        self._heard_at = time.monotonic()  # it stands still while the machine sleeps

    def wait(self) -> None:
        """Return once the parent is another and no line has come for so many seconds."""
        while os.getppid() == self._parent or time.monotonic() - self._heard_at < self._silence_s:
            time.sleep(min(self._silence_s, _LOOK_EVERY_S))
