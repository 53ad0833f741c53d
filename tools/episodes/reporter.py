"""Who reports: the program, and the connection that it came by."""

from typing import NamedTuple

from strategy_bank.store.records import CLIENT_CHARS
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.workspace import printable_name

COMMAND_LINE = "command line"


class Reporter(NamedTuple):
    """A client by its name and version, and its session: over stdio one process, over HTTP see `server/mcp/reporter.py`.

    Both are empty where nobody knows. `shares`: others may come by the same session, so that what came by it before need not be
    known to this one.
    """

    client: str = ""
    session: str = ""
    shares: bool = False

    def sent(self, session: str) -> bool:
        """Tell whether what came by a session came from this reporter, who has it before it then."""
        return bool(session) and session == self.session and not self.shares


NOBODY = Reporter()


def client_name(said: str) -> str:
    """Return the name that a client gives itself as it is kept: one line, without secrets and control characters."""
    return redact(printable_name(" ".join(said.split()))).text[:CLIENT_CHARS].strip()
