"""The table of docs/venue-conformance.md is what the installed ccxt does, and what it says is good enough."""

import difflib
from pathlib import Path

import pytest

from portal.exchanges.errors import Outcome
from portal.exchanges.venues import WindowStyle
from portal.exchanges.venues_table import listed_venues, venue
from tests.exchanges import conformance
from tests.exchanges.ambiguity import ALL, BIGGEST, Summary, wire_cells
from tests.exchanges.captured import CLIENT_ORDER_ID
from tests.exchanges.conformance import EXCHANGES, findings
from tests.exchanges.setups import CANNOT, prepared_exchange
from tests.exchanges.test_ccxt_requests import refuse

PAGE = Path(__file__).parents[2] / "docs" / "venue-conformance.md"
TRIED = [name for name in EXCHANGES if name not in CANNOT]
LISTED = [name for name in listed_venues() if not venue(name).needs_base_url]


def test_f49_page_is_what_the_installed_ccxt_does() -> None:
    kept, found = PAGE.read_text(encoding="utf-8"), conformance.render()
    difference = difflib.unified_diff(
        kept.splitlines(), found.splitlines(), "kept", "found", n=0, lineterm=""
    )
    assert kept == found, "\n".join(
        ["run: python -m tests.exchanges.conformance > docs/venue-conformance.md", *difference]
    )


@pytest.mark.parametrize("name", TRIED)
def test_f49_our_id_reaches_the_order_of_every_exchange_intact(name: str) -> None:
    assert findings(name), "no kind of market was tried"
    for market, finding in findings(name).items():
        assert not finding.unsent, (market, finding.unsent)
        assert finding.id_fields, (market, "our id was dropped")
        assert not any("inside" in field for field in finding.id_fields), (market, "our id was changed")


@pytest.mark.parametrize("name", LISTED)
def test_a_venue_with_an_entry_keeps_what_the_entry_says(name: str) -> None:
    for market, finding in findings(name).items():
        assert not finding.unread, f"{market}: nothing says that the exchange reads our id"
        assert not finding.window_missing, f"{market}: the window does not travel"
        assert bool(finding.window_fields) is (venue(name).window is not WindowStyle.NONE)
        assert not finding.first_reads, f"{market}: name {finding.first_reads} in `preparation`"
        assert finding.proof != "nothing", f"{market}: no absence could ever be proved"


@pytest.mark.parametrize("name", sorted(CANNOT))
def test_an_exchange_that_cannot_be_tried_gets_no_order_from_us(name: str) -> None:
    """When this fails, ccxt can do more than it could: take the exchange out of `CANNOT`."""
    assert name not in listed_venues()
    for swap in (False, True):
        prepared = prepared_exchange(name, swap=swap)
        if prepared is not None:
            exchange, wire = prepared
            refuse(exchange)
            assert not any(CLIENT_ORDER_ID in sent.text for sent in wire.sent)


def test_no_failed_answer_with_an_unknown_outcome_is_taken_for_a_refusal() -> None:
    wire, classes = conformance.wire_summary(), conformance.class_summary()
    assert wire.wrong == []
    assert classes.wrong == []
    assert wire.cells > 15_000
    assert classes.cells > 150_000


@pytest.mark.parametrize("name", BIGGEST)
def test_no_status_at_a_big_exchange_makes_a_refusal_of_an_unknown_outcome(name: str) -> None:
    summary = Summary.of(wire_cells(name, ALL))
    assert summary.wrong == []
    assert summary.cells == len(ALL) * 5


def test_the_judge_of_answers_notices_a_refusal_that_nothing_proves() -> None:
    """ccxt calls 404 at HollaEx a bad request: whoever believes the class alone would reject."""
    cells = list(wire_cells("hollaex", (404,)))
    assert {cell.kind for cell in cells} >= {"BadRequest"}
    assert not any(cell.is_wrong for cell in cells)
    for cell in cells:
        cell.error.outcome = Outcome.NOT_PLACED
    assert all(cell.is_wrong for cell in cells)
