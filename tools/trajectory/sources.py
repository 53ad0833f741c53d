"""The hosts that an agent went to, as far as its own actions name addresses."""

import re

from strategy_bank.store.records import SOURCES_KEPT
from strategy_bank.tools.trajectory.normal_form import values_of

_HOST = re.compile(r"://(?:[^\s/?#@\"'<>]{1,200}@)?(\[[0-9a-f:.]{2,45}\]|\w[\w.-]{0,252})", re.I)


def sources(text: str) -> list[str]:
    """Return the distinct hosts of the addresses in the actions of a text in normal form, the first SOURCES_KEPT."""
    found = (host.lower().rstrip(".-") for value in values_of(text, "action") for host in _HOST.findall(value))
    return list(dict.fromkeys(found))[:SOURCES_KEPT]
