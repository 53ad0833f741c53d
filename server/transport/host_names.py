"""Which host names a server answers to: those of this machine, and those of its settings."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^:/@\[\]\s]+)(:\d{1,5})?", re.I)


class HostNames:
    """Host names besides those of this machine. Against web pages that have their own name lead to this machine."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_bare(name) for name in names}

    def __contains__(self, authority: str) -> bool:
        """Tell whether `host` or `host:port` names this server."""
        found = _AUTHORITY.fullmatch(authority)
        name = _bare(found[1]) if found else ""
        return bool(name) and (name in self._names or is_loopback(name))


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host, which is `localhost` or an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _bare(name: str) -> str:
    return name.lower().removeprefix("[").removesuffix("]")
