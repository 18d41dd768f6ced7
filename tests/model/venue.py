"""An exchange as the protocol sees it: takes requests, late ones too, shows orders with a delay, forgets to
answer. It knows what really happened, and is the judge."""

from dataclasses import dataclass, field
from enum import StrEnum

from portal.trading.proof import Endpoint, shows_no_trace
from tests.model.fates import Fates, Flight, Life

FULL = (
    (Endpoint.ORDER, Endpoint.ORDER),
    (Endpoint.OPEN,) * 2,
    (Endpoint.HISTORY,) * 2,
    (Endpoint.FILLS,) * 2,
)
#: What is asked, and as what kind of endpoint its silence counts.
ROUTES: dict[str, tuple[tuple[Endpoint, Endpoint], ...]] = {
    "by id": FULL,
    "lists": FULL[1:],
    "pending by id": ((Endpoint.OPEN, Endpoint.OPEN), *FULL[1:]),
    "open and fills": (FULL[1], FULL[3]),
}


class Answer(StrEnum):
    TAKEN = "taken"
    REFUSED = "refused"
    LIMITED = "limited"
    TOO_LATE = "too late"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of venue: what it does with an id it has seen, whether requests carry a deadline, and how it
    can be asked."""

    identity: str
    window: bool
    routes: str = "by id"


@dataclass(slots=True, eq=False)
class Taken:
    """An order that the venue took."""

    client_order_id: str
    at: float
    life: Life

    @property
    def ends_at(self) -> float:
        return self.at + self.life.waits

    def waits(self, now: float) -> bool:
        return self.at <= now < self.ends_at

    def filled(self, now: float) -> bool:
        return self.life.fills and now >= self.ends_at

    def shown(self, endpoint: Endpoint, now: float) -> bool:
        taken, ended = self.at + self.life.lag, self.ends_at + self.life.end_lag
        if endpoint is Endpoint.ORDER:
            return now >= taken
        if endpoint is Endpoint.OPEN:
            return taken <= now < self.ends_at
        return now >= ended and (self.life.fills or endpoint is Endpoint.HISTORY)


@dataclass(slots=True)
class Venue:
    cell: Cell
    fates: Fates
    #: Its clock minus ours.
    skew: float = 0.0
    orders: list[Taken] = field(default_factory=list)

    def receive(
        self, client_order_id: str, not_after: float, now: float, flight: Flight
    ) -> tuple[Answer, Taken | None]:
        """A request arrives. What it takes becomes an order after the wait inside."""
        if self.cell.window and now + self.skew > not_after:
            return Answer.TOO_LATE, None
        if flight.refusal is not None:
            return Answer(flight.refusal), None
        for seen in self.known(client_order_id):
            if self.cell.identity == "A":
                return Answer.TAKEN, seen
            if self.cell.identity == "B-all" or (self.cell.identity == "B-open" and now < seen.ends_at):
                return Answer.DUPLICATE, None
        taken = Taken(client_order_id, now + flight.inside, self.fates.life())
        self.orders.append(taken)
        return Answer.TAKEN, taken

    def known(self, client_order_id: str) -> list[Taken]:
        return [order for order in self.orders if order.client_order_id == client_order_id]

    def look_up(
        self, client_order_id: str, now: float, *, has_its_id: bool
    ) -> tuple[Taken | None, frozenset[Endpoint]]:
        """As `ccxt_query.find_order`: route after route until found; what failed is no answer. An order whose
        own id is known can be asked for by that."""
        absent: set[Endpoint] = set()
        known = self.known(client_order_id)
        for endpoint, kind in (*FULL[:has_its_id], *ROUTES[self.cell.routes]):
            if endpoint is Endpoint.FILLS and shows_no_trace(absent):
                continue
            if self.fates.query_fails():
                continue
            shown = next((order for order in known if order.shown(endpoint, now)), None)
            if shown is None:
                absent.add(kind)
            elif endpoint is not Endpoint.FILLS:  # fills that may be ours settle nothing
                return shown, frozenset()
        return None, frozenset(absent)
