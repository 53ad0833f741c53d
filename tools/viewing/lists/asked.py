"""What an address asks of a list: its parameters, which stay the same, as a filter, an order and a page.

`q` is for words, a facet goes by its name, `order` and `page` by theirs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.viewing.lists.kinds import Kind, Where
from strategy_bank.tools.viewing.lists.spans import AGE, AGES, WHERE, more

if TYPE_CHECKING:
    from strategy_bank.store.lance.filters import Equal
    from strategy_bank.store.lance.listing import Listing

PAGE = 50
WORDS, WORD_CHARS = 8, 200  # of one search


@dataclass(frozen=True)
class Asked:
    """What an address asks of a list."""

    kind: Kind[Any]
    q: str = ""
    thorough: bool = False  # the long column is searched too
    chosen: Mapping[str, str] = field(default_factory=dict[str, str])  # of facets, by name
    order: str = "-created_at"
    page: int = 1

    @classmethod
    def of(cls, kind: Kind[Any], given: Mapping[str, str]) -> "Asked":
        """Read the parameters of an address; those that nobody knows are left out. Raises InvalidInput."""
        names = [*kind.facets, AGE, *more(kind)]
        chosen = {name: value for name in names if (value := given.get(name, ""))}
        for name, known in ((AGE, AGES), *more(kind).items()):
            if chosen.get(name, next(iter(known))) not in known:
                raise InvalidInput(f"{name} is one of {', '.join(known)}.")
        order = given.get("order") or "-created_at"
        if order not in kind.orders:
            raise InvalidInput(f"order is one of {', '.join(kind.orders)}.")
        page = given.get("page") or "1"
        if not page.isascii() or not page.isdigit() or not 0 < int(page) < 10_000_000:
            raise InvalidInput("page is a number from 1 on.")
        q = given.get("q", "").strip()
        return cls(kind, q, bool(kind.long and given.get("thorough")), chosen, order, int(page))

    @cached_property
    def words(self) -> list[str]:
        """The words that each stand somewhere in what is shown; what is in quotation marks is one."""
        return [(quoted or plain)[:WORD_CHARS] for quoted, plain in re.findall(r'"([^"]+)"|(\S+)', self.q)][:WORDS]

    def parameters(self, **changes: object) -> dict[str, str]:
        """Return the parameters of this list with changes; an empty value takes one away. The first page has no number."""
        own: dict[str, object] = {"q": self.q, "thorough": "yes" if self.thorough else "", **self.chosen}
        own |= {"order": "" if self.order == "-created_at" else self.order}
        own |= {"page": "" if self.page == 1 else self.page} if "page" in changes else {}
        return {name: str(value) for name, value in (own | changes).items() if value not in ("", 1)}

    def where(self) -> "Equal":
        """Return the filter of the whole list."""
        return self.facets() | self._holding()

    def _holding(self) -> Where:
        if not self.words:
            return {}
        from strategy_bank.store.lance.filters import Holding

        first, *others = [*self.kind.searched, *([self.kind.long] if self.thorough else [])]
        return {first: Holding(self.words, others)}

    def facets(self) -> Where:
        """Return the filter without the words."""
        filtered: Where = {}
        for name, value in self.chosen.items():
            if name in self.kind.facets:
                filtered |= self.kind.facets[name].where(name, value)
            else:
                filtered |= WHERE[name](value)
        return filtered

    def listing(self, limit: int = PAGE) -> "Listing":
        from strategy_bank.store.lance.listing import Listing

        return Listing(self.where(), self.order, (self.page - 1) * limit, limit)
