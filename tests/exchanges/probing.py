"""Tries one exchange offline through our own adapter and notes what would have left: where our id travels,
which questions can be asked, what carries the deadline."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.exchanges.venues import QueryRoute, Venue, WindowStyle, shape_client_order_id
from portal.trading.orders import OrderRef
from portal.trading.proof import Endpoint, shows_absence, shows_no_trace
from tests.exchanges.captured import CLIENT_ORDER_ID, RecordingWire, Sent, made_up_request
from tests.exchanges.fields import fields_of, names_of
from tests.exchanges.setups import prepared_exchange

#: On a whole second that no exchange would produce by itself.
SENT_AT = datetime(2035, 7, 13, 11, 7, 5, tzinfo=UTC)
WINDOW = timedelta(milliseconds=4321)
_WRITES_IT = re.compile(r"""^[^#]*(\w\['clientOrderId'\] =|'clientOrderId':)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Question:
    """One query route that really asks: the kind of endpoint, and the field that carries our id, if any."""

    kind: Endpoint
    field: str

    def __str__(self) -> str:
        return f"{self.kind} by `{self.field}`" if self.field else str(self.kind)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one kind of market of one exchange does."""

    #: The fields of the order that carry our id; empty: it is dropped.
    id_fields: tuple[str, ...]
    #: ccxt hands the unified name on without knowing it: nothing says that the exchange reads it.
    unread: bool
    window_fields: tuple[str, ...]
    window_missing: bool
    questions: tuple[Question, ...]
    #: What ccxt asks before the order, that is not listed as harmless.
    first_reads: tuple[str, ...]
    #: Why nothing was sent.
    unsent: str = ""

    @property
    def proof(self) -> str:
        """What the questions together can prove of an order that nobody acknowledged."""
        kinds = {question.kind for question in self.questions}
        if shows_no_trace(kinds):
            return "never placed"
        return "nothing left" if shows_absence(kinds) else "nothing"


def probe(name: str, *, swap: bool) -> Finding | None:
    """The finding for one kind of market; None when the exchange has none."""
    prepared = prepared_exchange(name, swap=swap)
    if prepared is None:
        return None
    exchange, wire = prepared
    venue = exchange.session.venue
    error = _place(exchange)
    if not wire.sent or not wire.wrote or error.code in (ErrorCode.BAD_ANSWER, ErrorCode.UNSUPPORTED):
        return Finding((), False, (), False, (), (), unsent=str(error.__cause__ or error))
    order, shaped = wire.sent[-1], _shaped(venue)
    ids = tuple(names_of(order, shaped))
    window = tuple(_window_fields(order, venue))
    return Finding(
        id_fields=ids,
        unread=ids == ("clientOrderId",) and not _writes_unified_name(exchange),
        window_fields=window,
        window_missing=venue.window is not WindowStyle.NONE and not window,
        questions=tuple(_questions(name, venue, swap=swap)),
        first_reads=tuple(_first_reads(wire, venue)),
    )


def _place(exchange: CcxtExchange) -> ExchangeError:
    [symbol] = exchange.instruments()
    request = made_up_request(symbol, quantity=Decimal(2), sent_at=SENT_AT, not_after=SENT_AT + WINDOW)
    try:
        exchange.place_order(request)
    except ExchangeError as error:
        return error
    raise AssertionError("silence was taken for an order")


def _shaped(venue: Venue) -> str:
    return str(shape_client_order_id(CLIENT_ORDER_ID, venue.id_shape))


def _window_fields(order: Sent, venue: Venue) -> Iterator[str]:
    """The fields whose value could only come from the stored moments."""
    if venue.window is WindowStyle.NONE:
        return
    starts, ends = int(SENT_AT.timestamp() * 1000), int((SENT_AT + WINDOW).timestamp() * 1000)
    width = str(ends - starts)
    told = {str(starts), str(ends), width, f"{SENT_AT + WINDOW:%Y-%m-%dT%H:%M:%S}.321Z"}
    yield from dict.fromkeys(name for name, value in fields_of(order) if value in told)


def _questions(name: str, venue: Venue, *, swap: bool) -> Iterator[Question]:
    for route in venue.routes_for(swap=swap):
        sent = _ask(name, route, swap=swap)
        if sent:
            found = [field for each in sent for field in names_of(each, _shaped(venue))]
            yield Question(route.kind, found[0] if found else "")


def _ask(name: str, route: QueryRoute, *, swap: bool) -> list[Sent]:
    """What is sent when only this route is used."""
    prepared = prepared_exchange(name, swap=swap)
    assert prepared is not None
    exchange, wire = prepared
    session = exchange.session
    session.venue = replace(session.venue, routes=(route,), swap_routes=None)
    [symbol] = exchange.instruments()
    try:
        exchange.find_order(OrderRef(client_order_id=CLIENT_ORDER_ID, symbol=symbol, sent_at=SENT_AT))
    except ExchangeError:
        return [sent for sent in wire.sent if not _answered(sent, wire)]
    return wire.sent


def _answered(sent: Sent, wire: RecordingWire) -> bool:
    return any(part in sent.url for part in wire.answers)


def _first_reads(wire: RecordingWire, venue: Venue) -> Iterator[str]:
    for sent in wire.sent[:-1]:
        if not any(part in sent.url for part in venue.preparation):
            yield f"{sent.method} {sent.url.split('?')[0].split('/', 3)[-1]}"


def _writes_unified_name(exchange: CcxtExchange) -> bool:
    """Whether ccxt's order functions of this exchange write a field of that name themselves."""
    kind = type(exchange.session.client)
    makers = [name for name in dir(kind) if name.startswith("create") and "order" in name.lower()]
    own = [getattr(kind, name) for name in makers if not _is_of_base(kind, name)]
    return any(_WRITES_IT.search(inspect.getsource(maker)) for maker in own)


def _is_of_base(kind: type, name: str) -> bool:
    owner = next(base for base in kind.__mro__ if name in vars(base))
    return owner.__module__ == "ccxt.base.exchange"
