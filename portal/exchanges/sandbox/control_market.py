"""Control plane: prices, books, latency and the clock."""

from portal.exchanges.sandbox.book import BookShape
from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.control_input import body_of, decimal_in, number_in, symbol_in, whole_in
from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.faults import ENDPOINTS
from portal.exchanges.sandbox.motion import read_recording, save_prices

#: Routes whose answers can be scripted to be wrong.
QUOTED = ("bookTicker", "24hr", "depth")


def set_price(control: Control, call: Call) -> object:
    body = body_of(call)
    symbol = symbol_in(control, body)
    control.motion.leave_path(symbol)
    control.exchange.prices.set(symbol, decimal_in(body.get("price"), "price"))
    if body.get("hold"):
        control.motion.held.add(symbol)
    save_prices(control.exchange)
    return {"symbol": symbol, "price": str(control.exchange.prices.last(symbol))}


def set_path(control: Control, call: Call) -> object:
    body = body_of(call)
    symbol = symbol_in(control, body)
    rows = body.get("steps")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        rows = []
    steps = [(number_in(at, "seconds"), decimal_in(price, "price")) for at, price in rows]
    if not steps or any(price <= 0 for _, price in steps):
        raise bad_control("A path is a list of [seconds, price] with prices above zero.")
    control.motion.follow(symbol, sorted(steps), bool(body.get("hold")))
    return {"symbol": symbol, "steps": len(steps)}


def set_replay(control: Control, call: Call) -> object:
    body = body_of(call)
    symbol = symbol_in(control, body)
    steps = read_recording(str(body.get("csv", "")), number_in(body.get("speed", 1), "speed"))
    if any(price <= 0 for _, price in steps):
        raise bad_control("A recorded price must be above zero.")
    control.motion.follow(symbol, steps, bool(body.get("hold")))
    return {"symbol": symbol, "steps": len(steps), "seconds": steps[-1][0]}


def set_walk(control: Control, call: Call) -> object:
    body = body_of(call)
    volatility = number_in(body.get("volatility_bps", control.motion.volatility_bps), "volatility_bps")
    control.motion.start_walk(number_in(body.get("interval", 0), "interval"), volatility)
    return {"interval": control.motion.interval, "volatility_bps": control.motion.volatility_bps}


def set_book(control: Control, call: Call) -> object:
    """Shape of the synthetic book of one symbol, or of all of them when none is named."""
    body = body_of(call)
    shape = BookShape()
    for name in ("spread_bps", "step_bps", "depth_factor"):
        if name in body:
            setattr(shape, name, abs(decimal_in(body[name], name)))
    shape.levels = max(1, min(1000, whole_in(body.get("levels", shape.levels), "levels")))
    if body.get("symbol"):
        control.exchange.shapes[symbol_in(control, body)] = shape
    else:
        control.exchange.default_shape = shape
        control.exchange.shapes.clear()
    return {}


def set_misquote(control: Control, call: Call) -> object:
    """Fields of one market data route's answers that are wrong from now on; none: the truth again."""
    body = body_of(call)
    symbol, route, fields = symbol_in(control, body), str(body.get("route")), body.get("fields")
    if route not in QUOTED or not isinstance(fields, dict):
        raise bad_control(f"A misquote names a route ({', '.join(QUOTED)}) and its fields.")
    control.exchange.misquotes.pop((route, symbol), None)
    if fields:
        control.exchange.misquotes[route, symbol] = fields
    return {}


def set_latency(control: Control, call: Call) -> object:
    body = body_of(call)
    endpoint = str(body.get("endpoint", "*"))
    if endpoint not in ENDPOINTS:
        raise bad_control(f"There is no endpoint {endpoint!r}. Known: {', '.join(sorted(ENDPOINTS))}.")
    seconds = number_in(body.get("seconds", 0), "seconds")
    if not 0 <= seconds <= 600:
        raise bad_control("The latency lies between 0 and 600 seconds.")
    control.exchange.latency[endpoint] = seconds
    if not any(control.exchange.latency.values()):
        control.exchange.latency.clear()
    return control.exchange.latency


def set_rules(control: Control, call: Call) -> object:
    """New trading rules of one symbol, on both sides: `lot_size`, `tick_size`, `min_notional`, `active`."""
    body = body_of(call)
    symbol = symbol_in(control, body)
    for market in control.exchange.markets.values():
        if market.symbol != symbol:
            continue
        for name in ("lot_size", "tick_size", "min_notional"):
            if name in body:
                setattr(market, name, abs(decimal_in(body[name], name)))
        market.active = bool(body.get("active", market.active))
    return {"symbol": symbol}


def set_clock(control: Control, call: Call) -> object:
    control.exchange.clock.offset_ms = whole_in(body_of(call).get("offset_ms", 0), "offset_ms")
    return {"offset_ms": control.exchange.clock.offset_ms}
