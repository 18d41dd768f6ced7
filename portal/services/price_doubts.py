"""What is remembered of markets whose price could not be acted on: since when, why, and what was read, so
that the next check can confirm it. Joins nobody's transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, end_read, transaction
from portal.models import ExecutionPosition, MarketDoubt
from portal.services.marks import WATCHED
from portal.trading.price_sanity import Doubt, Judged, mark_of, seen_before

_OLD_MINUTES = 3

_SENTENCES: Mapping[Doubt, str] = {
    Doubt.MISSING: "the exchange gives no price that could be one",
    Doubt.CROSSED: "the best bid is above the best ask",
    Doubt.STALE: "the newest price of the exchange is older than two minutes",
    Doubt.OUTSIDE_BAND: "the price jumped, and order book and last trade do not confirm it",
    Doubt.UNPROVED: "nothing confirms the price",
    Doubt.NOT_LISTED: "the exchange does not list this market any more",
    Doubt.UNREAD: "the exchange does not answer",
}


def sentence(doubt: Doubt) -> str:
    """Why a price is not used, for people, without a full stop."""
    return _SENTENCES[doubt]


def confirm_by_last_check(
    exchange_name: str, verdicts: Mapping[str, Judged], now: datetime
) -> dict[str, Judged]:
    """`verdicts`, with jumps accepted that the last check has seen in the order book, too. Reads only."""
    if not any(verdict.in_the_book and verdict.doubt for verdict in verdicts.values()):
        return dict(verdicts)
    rows = db.session.execute(
        sa.select(MarketDoubt.symbol, MarketDoubt.price, MarketDoubt.seen_at).where(
            MarketDoubt.exchange_name == exchange_name, MarketDoubt.in_the_book
        )
    ).all()
    end_read()
    before = {symbol: (price, seen_at) for symbol, price, seen_at in rows}
    confirmed = dict(verdicts)
    for symbol in before.keys() & verdicts.keys():
        price, seen_at = before[symbol]
        confirmed[symbol] = seen_before(verdicts[symbol], price, seen_at, now)
    return confirmed


def remember(exchange_name: str, verdicts: Mapping[str, Judged], now: datetime) -> None:
    """Write down which of the markets just read are doubted, and forget the others. Commits; may be
    repeated."""
    doubted = {symbol: verdict for symbol, verdict in verdicts.items() if verdict.doubt is not None}
    here = MarketDoubt.exchange_name == exchange_name
    with transaction() as session:
        good = [symbol for symbol in verdicts if symbol not in doubted]
        if good:
            session.execute(sa.delete(MarketDoubt).where(here, MarketDoubt.symbol.in_(good)))
        if doubted:
            rows = [_row(exchange_name, symbol, doubted[symbol], now) for symbol in sorted(doubted)]
            put = insert(MarketDoubt).values(rows)
            changes = {name: put.excluded[name] for name in ("doubt", "price", "in_the_book", "seen_at")}
            session.execute(
                put.on_conflict_do_update(index_elements=["exchange_name", "symbol"], set_=changes)
            )


def forget_unwatched(watched: Iterable[tuple[str, str]], now: datetime) -> None:
    """Drop what was remembered of markets without positions. Commits; may be repeated."""
    market = sa.tuple_(MarketDoubt.exchange_name, MarketDoubt.symbol)
    old = MarketDoubt.seen_at < now - timedelta(minutes=10)
    with transaction() as session:
        session.execute(sa.delete(MarketDoubt).where(old, market.not_in(list(watched))))


def of(position: ExecutionPosition) -> MarketDoubt | None:
    """What is wrong with the price of an open position's market now. Reads only, in the caller's
    transaction."""
    return db.session.execute(
        sa.select(MarketDoubt).where(
            MarketDoubt.exchange_name == position.exchange_name, MarketDoubt.symbol == position.symbol
        )
    ).scalar_one_or_none()


def explain(position: ExecutionPosition, now: datetime) -> str:
    """What a reader should know of an open position's price; nothing when it is good. Reads only."""
    if position.status not in WATCHED or position.marked_at is None:
        return ""
    doubt, minutes = of(position), int((now - position.marked_at).total_seconds() // 60)
    if doubt is None and minutes < _OLD_MINUTES:
        return ""
    why = f": {sentence(doubt.doubt)}" if doubt is not None else ""
    return (
        f"Its price is {minutes} min old{why}. Portico closes nothing on such a price; a stop that rests at"
        " the exchange works all the same."
    )


def _row(exchange_name: str, symbol: str, verdict: Judged, now: datetime) -> dict[str, object]:
    return {
        "exchange_name": exchange_name,
        "symbol": symbol,
        "doubt": verdict.doubt,
        "price": mark_of(verdict.ticker),
        "in_the_book": verdict.in_the_book,
        "seen_at": now,
        "since": now,
    }
