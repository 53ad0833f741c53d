"""Turns what a view found into HTML. All that is stored was written by somebody else, so nothing of it is ever markup.

Jinja2 escapes every value, and `finalize` shows the characters that hide (store/visible_text.py), in each text of each page.
"""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from strategy_bank.store.visible_text import folded, visible

_ADDRESSES = {"st": "/lessons/", "ep": "/episodes/", "run": "/runs/", "rc": "/recalls/"}
_ID = re.compile(r"(st|ep|run|rc)_[0-9a-f]{16}")
# a form whose answer takes the place of what the page shows, where there is JavaScript; without it, the browser does
_SMOOTH = Markup('hx-boost="true" hx-target="main" hx-select="main" hx-swap="outerMorph"')


@cache
def environment() -> Environment:
    """Return the templates, with the filters and functions that all of them have."""
    made = Environment(
        loader=PackageLoader("strategy_bank.server.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(_FILTERS)
    made.globals.update(_GLOBALS)
    for name in made.list_templates(extensions=["html"]):
        made.get_template(name)  # now: an upgrade may replace the files while the page is open
    return made


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def short(text: str, most: int = 120) -> str:
    """Return the beginning of a text as one line."""
    line = folded(text[: most * 4])
    return line if len(line) <= most and len(text) <= most * 4 else f"{line[:most].rstrip()}…"


def percent(share: float) -> str:
    return f"{share:.0%}"


def counted(number: int, name: str, plural: str = "") -> str:
    """Return `1 lesson`, `2 lessons`."""
    return f"{number:,} {name if number == 1 else plural or f'{name}s'}"


def when(time: datetime | None) -> Markup:
    """Return a time as the page shows it, in UTC; a browser with JavaScript shows it in its own zone."""
    if time is None:
        return Markup("")
    utc = time.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M}")


def address(id: str) -> str:
    """Return where a record is shown; empty where it is none."""
    found = _ID.fullmatch(id)
    return _ADDRESSES[found[1]] + id if found else ""


def link(id: str, text: str = "") -> Markup:
    """Return a link to a record with its title or id; only the text where there is no such page."""
    shown = escape(folded(text or id))
    where = address(id)
    return Markup('<a href="{}">{}</a>').format(where, shown) if where else Markup("<span>{}</span>").format(shown)


@cache
def static(name: str) -> str:
    """Return the address of a file of the page, which changes with what is in it, so that a browser may keep it."""
    digest = hashlib.sha256(files("strategy_bank.server.page").joinpath("static", name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


_FILTERS: dict[str, Any] = {"line": folded, "short": short, "percent": percent, "counted": counted}
_GLOBALS: dict[str, Any] = {"when": when, "link": link, "static": static, "smooth": _SMOOTH}
