"""Which of a venue's own words ccxt has a class for. A class that ccxt took from the HTTP status alone says
nothing about the order, even when the answer carries some code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portal.exchanges.ccxt_codes import VenueWords

#: Shorter words would be found in any answer by accident.
_SHORTEST_TEXT = 6


@dataclass(frozen=True, slots=True)
class VenueTables:
    """The words by which ccxt recognises a venue's errors."""

    #: Whole codes or messages.
    exact: frozenset[str] = frozenset()
    #: Parts of an answer.
    broad: frozenset[str] = frozenset()

    def name(self, words: VenueWords, body: str) -> bool:
        """Whether the answer says something that these tables know."""
        if words.code in self.exact or words.text in self.exact:
            return True
        return any(text in body for text in self.broad)


#: One per exchange and process: built on the first error, from tables that no account changes.
_BUILT: dict[str, VenueTables] = {}


def tables_of(client: Any) -> VenueTables:
    """What `client` (any ccxt client of the venue) recognises."""
    if client.id not in _BUILT:
        _BUILT[client.id] = _build(client)
    return _BUILT[client.id]


def _build(client: Any) -> VenueTables:
    exact, broad = set[str](), set[str]()
    for table, word in _words(client.exceptions, ""):
        exact.add(word)
        if table == "broad" or (len(word) >= _SHORTEST_TEXT and not word.isdigit()):
            broad.add(word)
    return VenueTables(frozenset(exact), frozenset(broad))


def _words(table: Any, name: str) -> Iterator[tuple[str, str]]:
    for key, value in (table or {}).items():
        if isinstance(value, Mapping):
            yield from _words(value, key)
        else:
            yield name, str(key)
