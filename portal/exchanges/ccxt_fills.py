"""The account's fills, all pages of them. Venues page forwards or backwards in time; both are followed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import ccxt

from portal.exchanges.ccxt_numbers import to_milliseconds
from portal.exchanges.ccxt_reports import to_fill
from portal.exchanges.ccxt_session import CcxtSession
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.forced_closes import listed_apart
from portal.trading.orders import FillReport

#: More than this is an error, not a reason to stop quietly: missing fills are wrong positions.
MOST_PAGES = 200
#: No venue cuts a page off below this many trades unless asked to.
SMALLEST_PAGE = 20

_Trade = Mapping[str, Any]


def read_fills(
    session: CcxtSession, symbol: str, since: datetime, exchange_order_id: str | None
) -> list[FillReport]:
    """Fills on `symbol` since `since`, oldest first, of one order when given. Raises ExchangeError."""
    session.instrument(symbol)
    trades = _of_order(session, symbol, exchange_order_id) if exchange_order_id is not None else None
    if trades is None:
        trades = _all_pages(session, symbol, since)
    fills = (_fill(session, trade) for trade in trades)
    wanted = {fill.exchange_fill_id: fill for fill in fills if fill is not None}
    kept = [
        fill
        for fill in wanted.values()
        if exchange_order_id is None or fill.exchange_order_id == exchange_order_id
    ]
    return sorted(kept, key=lambda fill: (fill.filled_at, fill.exchange_fill_id))


def _fill(session: CcxtSession, trade: _Trade) -> FillReport | None:
    fill = to_fill(trade)
    return replace(fill, forced=session.is_forced(trade)) if fill is not None else None


def read_trades(
    session: CcxtSession, symbol: str, since: int, params: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """One page of ccxt trades since `since` (milliseconds). Raises ExchangeError; may be repeated."""
    try:
        trades: list[Mapping[str, Any]] = session.read("fetch_my_trades", symbol, since, None, dict(params))
    except ExchangeError:
        if session.wire.wrote:
            raise
        # ccxt refused before asking: a few venues cannot be asked for a time. They are asked for all.
        trades = session.read("fetch_my_trades", symbol)
        trades = [trade for trade in trades if int(trade.get("timestamp") or since) >= since]
    return trades


def _of_order(session: CcxtSession, symbol: str, exchange_order_id: str) -> list[_Trade] | None:
    """The trades of one order where the venue can be asked for them, else None."""
    if session.venue.fills_order_field:
        params = {session.venue.fills_order_field: exchange_order_id}
        trades: list[_Trade] = session.read("fetch_my_trades", symbol, None, None, params)
        return trades
    if not session.has("fetchOrderTrades"):
        return None
    try:
        trades = session.read("fetch_order_trades", exchange_order_id, symbol)
    except ExchangeError as error:
        if isinstance(error.__cause__, ccxt.NotSupported):  # for this kind of market
            return None
        raise
    return trades


def _all_pages(session: CcxtSession, symbol: str, since: datetime) -> list[_Trade]:
    pages = _Pages(lambda start, params: read_trades(session, symbol, start, params))
    apart = listed_apart(session.venue.ccxt_id, swap=":" in symbol)
    for start, span in _spans(session, symbol, since):
        for params in ({}, *apart):
            pages.follow(start, {**span, **params})
    return list(pages.trades.values())


def _spans(session: CcxtSession, symbol: str, since: datetime) -> list[tuple[int, dict[str, Any]]]:
    """Venues that answer for a few days only are asked span by span."""
    days = _widest_days(session.client.features or {}, swap=":" in symbol)
    now = datetime.now(UTC)
    if days is None or now - since <= timedelta(days=days):
        return [(to_milliseconds(since), {})]
    spans: list[tuple[int, dict[str, Any]]] = []
    start = since
    while start < now:
        end = start + timedelta(days=days)
        spans.append((to_milliseconds(start), {"until": to_milliseconds(end)}))
        start = end
    return spans


def _widest_days(features: Mapping[str, Any], *, swap: bool) -> int | None:
    described = (features.get("swap") or {}).get("linear") if swap else features.get("spot")
    days = ((described or {}).get("fetchMyTrades") or {}).get("untilDays")
    return int(days) if days else None


class _Pages:
    """Collects trades by id until a venue has nothing new in either direction."""

    def __init__(self, ask: Callable[[int, dict[str, Any]], list[_Trade]]) -> None:
        self._ask = ask
        self._asked = 0
        self.trades: dict[object, _Trade] = {}

    def follow(self, start: int, params: dict[str, Any]) -> None:
        page = self._page(start, params)
        if len(page) < SMALLEST_PAGE:
            return
        oldest, newest = _time(page[0], start), _time(page[-1], start)
        while later := self._page(newest, params):
            newest = max(newest, _time(later[-1], start))
        # Venues that answer newest first left out what lies between `start` and the oldest trade of the first
        # page.
        while oldest > start and (earlier := self._page(start, {**params, "until": oldest})):
            oldest = min(oldest, _time(earlier[0], start))

    def _page(self, start: int, params: dict[str, Any]) -> list[_Trade]:
        """The trades of one page that were not known yet, oldest first."""
        self._asked += 1
        if self._asked > MOST_PAGES:
            raise ExchangeError(
                ErrorCode.BAD_ANSWER,
                f"There were more than {MOST_PAGES} pages of fills; none were taken. Ask for a shorter time.",
                outcome=Outcome.UNKNOWN,
            )
        new = {_key(trade): trade for trade in self._ask(start, params)}
        new = {key: trade for key, trade in new.items() if key not in self.trades}
        self.trades.update(new)
        return sorted(new.values(), key=lambda trade: _time(trade, start))


def _key(trade: _Trade) -> object:
    parts = (trade.get(name) for name in ("order", "timestamp", "price", "amount"))
    return trade.get("id") or tuple(parts)


def _time(trade: _Trade, default: int) -> int:
    return int(trade.get("timestamp") or default)
