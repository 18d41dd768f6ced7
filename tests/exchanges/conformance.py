"""Writes `docs/venue-conformance.md`: what every exchange of the installed ccxt does with our orders, found
offline. `python -m tests.exchanges.conformance > docs/venue-conformance.md`; a test compares the two, so that
an upgrade of ccxt that changes any of it is seen before it trades."""

import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache

import ccxt

from portal.exchanges.venues import Venue
from portal.exchanges.venues_table import listed_venues, venue
from portal.trading.proof import ANSWERS_NEEDED, NO_WINDOW_SLACK, SLACK
from tests.exchanges.ambiguity import SAMPLED, Summary, class_cells, wire_cells
from tests.exchanges.probing import Finding, probe
from tests.exchanges.setups import CANNOT, SETUPS, prepared_exchange

EXCHANGES = tuple(sorted(ccxt.exchanges))
#: One venue whose rules nobody looked at stands for all of them where only the rules count.
UNLISTED = "an exchange without an entry"
_MARKETS = ("spot", "swap")


@cache
def findings(name: str) -> dict[str, Finding]:
    """By kind of market."""
    if name in CANNOT:
        return {}
    found = {market: probe(name, swap=market == "swap") for market in _MARKETS}
    return {market: finding for market, finding in found.items() if finding is not None}


@cache
def wire_summary() -> Summary:
    return Summary.of(cell for name in EXCHANGES if name not in CANNOT for cell in wire_cells(name, SAMPLED))


@cache
def class_summary() -> Summary:
    names = [name for name in listed_venues() if not venue(name).needs_base_url]
    return Summary.of(cell for name in (*names, UNLISTED) for cell in class_cells(name, SAMPLED))


def render() -> str:
    """The whole page."""
    return "\n".join([_introduction(), _counts(), _table(), _cannot(), _ambiguity()])


def _introduction() -> str:
    return f"""# What every exchange does with our orders

*This page is generated; run `python -m tests.exchanges.conformance > docs/venue-conformance.md` after a
change of `portal/exchanges/venues_table.py` or of ccxt, and read the difference before you commit it.*

Found offline with ccxt {ccxt.__version__}: on each of its {len(EXCHANGES)} exchanges our own adapter placed
an order and asked for it, over a wire that records and never sends. So the page says what *leaves*; what an
exchange makes of it is in its own documentation, and in [adding an exchange](adding-an-exchange.md) where
somebody looked.

* **entry**: `yes` where the venue table has one, `careful` where the most careful assumptions hold: class C,
  no window, lists of orders count only when they are empty.
* **our id**: the field of the order request that carries our client order id. *As is* means that ccxt hands
  the unified name on without writing that field itself: nothing says that the exchange reads it.
* **asked by**: the kinds of question that really leave, with the field that carries our id when one does
  (`path`: it is a part of the address).
* **proves**: what {ANSWERS_NEEDED} times "not found" can prove of an order that nobody acknowledged. *Never
  placed*: a second order may follow. *Nothing left*: nothing waits and nothing was executed, but it may have
  ended unfilled, so no second order follows. *Nothing*: a person has to look.
* **window**: the fields that tell the exchange until when it may take the request. Without one, "not found"
  is believed {NO_WINDOW_SLACK.seconds} s after our own deadline instead of {SLACK.seconds} s.
* **class**: what it does with an id that it has seen: A replays, B-all refuses for ever, B-open refuses while
  the first order is open, C does not check.
* **market orders**: by *quantity*; or *buys need a price*, the worst acceptable one, because the exchange
  sizes them by cost; or *all need a price*.

Where spot and swap differ, both are given: spot / swap.
"""


def _counts() -> str:
    every = [finding for name in EXCHANGES for finding in findings(name).values()]
    sent = [finding for finding in every if not finding.unsent]
    exact = [finding for finding in sent if finding.id_fields and not finding.unread]
    unread = [finding for finding in sent if finding.unread]
    proofs = Counter(finding.proof for finding in sent)
    rows = [
        ("exchanges", len(EXCHANGES)),
        ("of these tried", len(EXCHANGES) - len(CANNOT)),
        ("kinds of market tried", len(every)),
        ("our id leaves in a field that ccxt writes", len(exact)),
        ("our id leaves as is", len(unread)),
        ("our id is dropped or changed", len(sent) - len(exact) - len(unread)),
        ("absence can be proved: never placed", proofs["never placed"]),
        ("absence can be proved: nothing left", proofs["nothing left"]),
        ("absence cannot be proved", proofs["nothing"]),
        ("the request carries its window", sum(bool(finding.window_fields) for finding in sent)),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {text} | {number} |" for text, number in rows), ""])


def _table() -> str:
    head = "| exchange | entry | our id | asked by | proves | window | class | market orders | notes |"
    rows = [_row(name) for name in EXCHANGES if name not in CANNOT]
    return "\n".join(["## Exchange by exchange\n", head, "|---|---|---|---|---|---|---|---|---|", *rows, ""])


def _row(name: str) -> str:
    entry, found = venue(name), findings(name)
    cells = [
        name,
        "yes" if name in listed_venues() else "careful",
        _both(_id(finding) for finding in found.values()),
        _both(", ".join(map(str, finding.questions)) or "nothing" for finding in found.values()),
        _both(finding.proof for finding in found.values()),
        _both(_names(finding.window_fields) or "none" for finding in found.values()),
        entry.identity.value,
        _market_orders(name),
        "; ".join(_notes(name, entry, found)),
    ]
    return f"| {' | '.join(cells)} |"


def _both(texts: Iterator[str]) -> str:
    return " / ".join(dict.fromkeys(texts))


def _names(fields: tuple[str, ...]) -> str:
    return " + ".join(f"`{field}`" for field in fields)


def _id(finding: Finding) -> str:
    if finding.unread:
        return "as is"
    return _names(finding.id_fields) or "**dropped**"


def _market_orders(name: str) -> str:
    prepared = prepared_exchange(name, swap=False) or prepared_exchange(name, swap=True)
    assert prepared is not None
    capabilities = prepared[0].capabilities
    if capabilities.market_needs_price:
        return "all need a price"
    return "buys need a price" if capabilities.market_buy_needs_price else "quantity"


def _notes(name: str, entry: Venue, found: dict[str, Finding]) -> Iterator[str]:
    if entry.serial:
        yield "one request at a time"
    if name in listed_venues() and not entry.lists_name_our_id:
        yield "lists count only when empty"
    if name in SETUPS and SETUPS[name].options:
        yield f"needs the ccxt option {', '.join(f'`{option}`' for option in SETUPS[name].options)}"
    reads = dict.fromkeys(read for finding in found.values() for read in finding.first_reads)
    if reads:
        yield f"reads first: {', '.join(f'`{read}`' for read in reads)}"
    if any(finding.window_missing for finding in found.values()):
        yield "**the window does not travel**"
    unsent = [f"{market}: {finding.unsent[:80]}" for market, finding in found.items() if finding.unsent]
    if unsent:
        yield f"**not sent** ({'; '.join(unsent)})"


def _cannot() -> str:
    rows = [f"* **{name}**: {reason}." for name, reason in sorted(CANNOT.items())]
    intro = "Nothing is known of what these would send. They have no entry, and no order of ours leaves:\n"
    return "\n".join(["## Not tried\n", intro, *rows, ""])


def _ambiguity() -> str:
    wire, classes = wire_summary(), class_summary()
    total, wrong = wire.cells + classes.cells, [*wire.wrong, *classes.wrong]
    verdict = "\n".join(f"* {text}" for text in wrong)
    return f"""## What a failed answer proves

An order was answered with each of {len(SAMPLED)} HTTP statuses from 400 to 599 (all of them for the biggest
exchanges, in the tests) and five kinds of body: nothing, HTML, garbage, JSON without a code, JSON with a code
that nobody knows. Every exception class of ccxt was judged the same way, once for each entry and once for an
exchange without one. *Unknown* means that the exchange is asked; *refused for now*, that the same intent may
be tried again; *refused*, that the order ends as rejected.

| answer | unknown | refused for now | refused |
|---|---|---|---|
{_groups(wire, "over the wire")}
{_groups(classes, "any exception class")}

429 and 418 are answered before anything is processed. 401 refuses only with a code of the exchange's own.

**{len(wrong)} of {total:,} answers with an unknown outcome were taken for a refusal.**
{verdict}"""


def _groups(summary: Summary, what: str) -> str:
    headings = dict.fromkeys(heading for heading, _ in sorted(summary.groups))
    counts = (
        (heading, *(summary.groups[heading, group] for group in ("unknown", "refused for now", "refused")))
        for heading in headings
    )
    return "\n".join(f"| {heading}, {what} | {a:,} | {b:,} | {c:,} |" for heading, a, b, c in counts)


if __name__ == "__main__":
    sys.stdout.write(render())
