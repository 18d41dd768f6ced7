"""The classes of venues that a stop can meet: where it rests, in which form, or that it is ours alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app

from portal.db import end_read, transaction
from portal.exchanges import venues_table
from portal.models import ExecutionConnection, ExecutionPosition, MarketDoubt
from portal.services import prices
from portal.trading.types import ConnectionMode, ExecutionStatus
from tests.services.desk import Desk
from tests.world import save

MARKETS = {"sandbox": "spot", "sandboxusdm": "swap", "binance": "spot", "binanceusdm": "swap"}


@dataclass(frozen=True, slots=True)
class VenueClass:
    """`how`: native (stop-market rests there), limited (stops have a limit price), local (none rests),
    paper."""

    exchange: str
    how: str

    @property
    def name(self) -> str:
        return f"{self.how} {MARKETS[self.exchange]}"

    @property
    def paper(self) -> bool:
        return self.how == "paper"


CLASSES = [
    *(VenueClass("sandbox", how) for how in ("native", "limited", "local")),
    *(VenueClass("sandboxusdm", how) for how in ("native", "limited", "local")),
    *(VenueClass(exchange, "paper") for exchange in ("binance", "binanceusdm")),
]


@contextmanager
def set_up(desk: Desk, venue: VenueClass, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block the practice exchange is a venue of this class."""
    entries = venues_table._ENTRIES
    if venue.how == "limited":
        monkeypatch.setitem(entries, venue.exchange, replace(entries[venue.exchange], stop_needs_price=True))
    elif venue.how == "local":
        monkeypatch.setitem(entries, venue.exchange, replace(entries[venue.exchange], guards=frozenset()))
    extensions = current_app.extensions
    settings = extensions["portal_settings"]
    urls = {**settings.exchange_urls, "binance": desk.sandbox.url, "binanceusdm": desk.sandbox.url}
    extensions["portal_settings"] = replace(settings, exchange_urls=urls)
    yield
    extensions["portal_settings"] = settings


def position_at(desk: Desk, venue: VenueClass, preset: dict[str, Any] | None = None, **signal: Any) -> int:
    """A position of 1000 USDT at 50 000 on a venue of this class, guarded as the class allows; its id."""
    rules = desk.sized(**{"market_type": MARKETS[venue.exchange], **(preset or {})})
    if venue.paper:
        save(
            ExecutionConnection(
                name="alpha", exchange_name=venue.exchange, mode=ConnectionMode.PAPER, preset=rules,
                settings={"paper_latency_ms": 0}, is_admin_owned=True, admin_id=desk.admin_id,
            )
        )  # fmt: skip
    else:
        desk.account(exchange=venue.exchange, preset=rules)
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(**signal)
    assert execution.status is ExecutionStatus.FILLED, execution.message
    desk.protect()
    return desk.position().id


def checked_ago(seconds: float) -> None:
    """As if the last check were so long ago."""
    past = sa.literal(timedelta(seconds=seconds), sa.Interval)
    end_read()
    with transaction() as session:
        session.execute(sa.update(ExecutionPosition).values(marked_at=ExecutionPosition.marked_at - past))
        session.execute(sa.update(MarketDoubt).values(seen_at=MarketDoubt.seen_at - past))
    prices.forget()
