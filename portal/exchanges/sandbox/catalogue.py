"""The default list of markets, with start prices and rules close to the real ones."""

from decimal import Decimal

from portal.exchanges.sandbox.markets import Kind, Market

#: base, start price in USDT, spot tick, spot lot, perpetual tick, perpetual lot
ASSETS = (
    ("BTC", "60000", "0.01", "0.00001", "0.1", "0.001"),
    ("ETH", "3000", "0.01", "0.0001", "0.01", "0.001"),
    ("BNB", "600", "0.01", "0.001", "0.01", "0.01"),
    ("SOL", "150", "0.01", "0.001", "0.01", "0.01"),
    ("XRP", "0.6", "0.0001", "0.1", "0.0001", "0.1"),
    ("ADA", "0.45", "0.0001", "0.1", "0.0001", "1"),
    ("DOGE", "0.12", "0.00001", "1", "0.00001", "1"),
    ("AVAX", "30", "0.01", "0.01", "0.001", "1"),
    ("DOT", "6", "0.001", "0.01", "0.001", "0.1"),
    ("LINK", "14", "0.01", "0.01", "0.001", "0.01"),
    ("LTC", "80", "0.01", "0.001", "0.01", "0.001"),
    ("BCH", "400", "0.1", "0.001", "0.01", "0.001"),
    ("TRX", "0.13", "0.0001", "0.1", "0.00001", "1"),
    ("NEAR", "5", "0.001", "0.1", "0.001", "1"),
    ("ATOM", "7", "0.001", "0.01", "0.001", "0.01"),
    ("UNI", "8", "0.001", "0.01", "0.001", "1"),
    ("FIL", "4.5", "0.001", "0.01", "0.001", "0.1"),
    ("APT", "7.5", "0.001", "0.01", "0.001", "0.1"),
    ("ARB", "0.8", "0.0001", "0.1", "0.0001", "0.1"),
    ("OP", "1.6", "0.001", "0.01", "0.0001", "0.1"),
    ("SUI", "1.2", "0.0001", "0.1", "0.0001", "0.1"),
    ("ETC", "22", "0.01", "0.01", "0.001", "0.01"),
    ("XLM", "0.1", "0.0001", "1", "0.00001", "1"),
    ("AAVE", "120", "0.01", "0.001", "0.01", "0.1"),
)
#: A market that is listed and closed on both sides.
CLOSED = ("LUNA", "0.5", "0.0001", "0.01", "0.0001", "1")
PERP_MIN_NOTIONAL = {"BTC": "100", "ETH": "20"}
SPOT_DEPTH = {"USDT": "250000", "BTC": "5"}
#: Cross pairs whose price follows from two others: symbol → (numerator, denominator).
DERIVED = {"ETHBTC": ("ETHUSDT", "BTCUSDT")}


def _market(
    kind: Kind, base: str, quote: str, price: str, tick: str, lot: str, active: bool = True
) -> Market:
    perp = kind == "perp"
    lot_size = Decimal(lot)
    max_quantity = (Decimal("60000000") / Decimal(price) // lot_size + 1) * lot_size
    min_notional = PERP_MIN_NOTIONAL.get(base, "5") if perp else ("5" if quote == "USDT" else "0.0001")
    return Market(
        symbol=base + quote,
        kind=kind,
        base=base,
        quote=quote,
        tick_size=Decimal(tick),
        lot_size=lot_size,
        min_notional=Decimal(min_notional),
        max_quantity=max_quantity,
        market_max_quantity=max(lot_size, max_quantity // 10 // lot_size * lot_size),
        band_up=Decimal("1.15" if perp else "5"),
        band_down=Decimal("0.85" if perp else "0.2"),
        taker_fee=Decimal("0.0005" if perp else "0.001"),
        maker_fee=Decimal("0.0002" if perp else "0.001"),
        depth_notional=Decimal(SPOT_DEPTH[quote]),
        active=active,
    )


def default_markets() -> list[Market]:
    """Every market of the practice exchange: 27 spot markets, 25 perpetuals, one of each closed."""
    markets: list[Market] = []
    for base, price, tick, lot, perp_tick, perp_lot in (*ASSETS, CLOSED):
        active = base != CLOSED[0]
        markets.append(_market("spot", base, "USDT", price, tick, lot, active))
        markets.append(_market("perp", base, "USDT", price, perp_tick, perp_lot, active))
    markets.append(_market("spot", "ETH", "BTC", "0.05", "0.00001", "0.001"))
    markets.append(_market("spot", "EUR", "USDT", "1.08", "0.0001", "0.1"))
    return markets


def start_prices() -> dict[str, Decimal]:
    """Start price of every symbol."""
    prices = {f"{row[0]}USDT": Decimal(row[1]) for row in (*ASSETS, CLOSED)}
    return prices | {"ETHBTC": Decimal("0.05"), "EURUSDT": Decimal("1.08")}
