"""The words of every denial: what happened, what to change, and the same told with numbers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Text(NamedTuple):
    """`detail` replaces `what` when the denial's context has all its numbers."""

    what: str
    remedy: str
    detail: str = ""


_TEXTS = {
    # The connection
    "CONNECTION_INACTIVE": Text(
        "The connection is switched off.",
        "Activate the connection and publish a new signal.",
    ),
    "CONNECTION_IN_ERROR": Text(
        "The connection is in error.",
        "Read its last error, correct it and run Test on the connection.",
    ),
    "LIVE_TRADING_DISABLED": Text(
        "Live trading is switched off for this installation.",
        "The operator must set PORTAL_LIVE_TRADING to true, or the connection must use paper mode.",
    ),
    "PAPER_MODE_UNAVAILABLE": Text(
        "This connection cannot trade on paper as it is set up.",
        "Ask the operator to correct the paper_ settings and the type of the connection.",
    ),
    "CREDENTIALS_MISSING": Text(
        "The connection has no API credentials.",
        "Enter the API key and secret of the exchange account.",
    ),
    "CREDENTIALS_UNREADABLE": Text(
        "The stored API credentials cannot be decrypted with the keys of this installation.",
        "Ask the operator to restore the credential key, or enter the credentials again.",
    ),
    "CREDENTIALS_REFUSED": Text(
        "The exchange refused the API credentials.",
        "Check that the key exists, may trade and allows this server's address, then enter it again.",
    ),
    "EXCHANGE_UNKNOWN": Text(
        "The connection names an exchange that is not known here.",
        "Correct the exchange name of the connection.",
    ),
    "EXCHANGE_UNREACHABLE": Text(
        "The exchange could not be reached before anything was sent.",
        "Check the exchange's status page, and publish a new signal when it answers.",
    ),
    "NOT_RECONCILED": Text(
        "The account could not be compared with its exchange after the start, and takes no entries before.",
        "Correct what the page of the connection names, or run portal reconcile; then publish a new signal.",
        "The account could not be compared with its exchange before the signal was too old: {reason}",
    ),
    "PRESET_DISABLED": Text(
        "The preset of the connection is switched off.",
        "Enable the preset or choose another one for the connection.",
    ),
    # The switch
    "TRADING_HALTED": Text(
        "Trading is halted.",
        "Wait, or ask the operator to resume trading under Trading state; then publish a new signal.",
    ),
    "TRADING_REDUCING": Text(
        "Trading is reducing: only exits are allowed.",
        "Wait, or ask the operator to resume trading; then publish a new signal.",
    ),
    "ORDER_UNRESOLVED": Text(
        "An earlier order on this symbol is still unresolved: it may exist at the exchange.",
        "Wait until it is settled (its page says what is being asked), then publish a new signal.",
    ),
    # The signal
    "SIGNAL_NOT_PUBLISHED": Text("The signal has not been published.", "Publish it."),
    "SIGNAL_EXPIRED": Text(
        "The signal had expired before it could be traded.",
        "Publish a new signal, with a later expiry.",
        "The signal expired at {expires_at}, before it could be traded.",
    ),
    "SIGNAL_TOO_OLD": Text(
        "The signal is older than the preset allows.",
        "Publish a new signal, or allow older ones in the preset (max_signal_age_seconds).",
        "The signal was {age_seconds} s old; the preset allows {max_age_seconds} s.",
    ),
    "SYMBOL_UNKNOWN": Text(
        "The exchange has no such market of this type.",
        "Correct the currency pair, or the market type of the preset.",
        "The exchange has no {market_type} market for {currency_pair}.",
    ),
    "SYMBOL_AMBIGUOUS": Text(
        "Several markets of the exchange fit the currency pair.",
        "Name the market exactly, as in BTC/USDT:USDT.",
        "Several markets of the exchange fit {currency_pair}: {candidates}.",
    ),
    "MARKET_INACTIVE": Text(
        "The exchange has suspended this market.",
        "Publish a new signal when the market trades again, or use another market.",
        "The exchange has suspended {symbol}.",
    ),
    "MARKET_TYPE_UNSUPPORTED": Text(
        "The connection cannot trade this type of market.",
        "Choose another market type in the preset or the signal, or use an account that has one.",
        "The connection cannot trade {market_type} markets here.",
    ),
    "MARKET_TYPE_MISMATCH": Text(
        "The currency pair names a perpetual contract, but spot is to be traded.",
        "Set the preset's market type to swap, or leave out what follows the colon.",
        "{currency_pair} names a perpetual contract, but spot is to be traded.",
    ),
    # Limits of preset, connection and installation
    "SYMBOL_NOT_ALLOWED": Text(
        "The symbol is not among the preset's allowed symbols.",
        "Add it to the allowed symbols of the preset (allowed_symbols).",
        "{symbol} is not among the preset's allowed symbols.",
    ),
    "SYMBOL_BLOCKED": Text(
        "The symbol is among the preset's blocked symbols.",
        "Take it off the blocked symbols of the preset (blocked_symbols).",
        "{symbol} is among the preset's blocked symbols.",
    ),
    "OUTSIDE_TRADING_HOURS": Text(
        "The preset does not trade at this time.",
        "Publish inside the trading hours, or change them in the preset (trading_hours).",
        "The preset trades {hours}; it was {local_time}.",
    ),
    "MAX_OPEN_POSITIONS": Text(
        "The connection has as many open positions as the preset allows.",
        "Close a position, or allow more in the preset (max_open_positions).",
        "The connection has {open} open positions; the preset allows {limit}.",
    ),
    "MAX_POSITIONS_PER_SYMBOL": Text(
        "The connection has as many positions on this symbol as the preset allows.",
        "Close one, or allow more in the preset (max_positions_per_symbol).",
        "The connection has {open} open positions on {symbol}; the preset allows {limit}.",
    ),
    "MAX_DAILY_LOSS": Text(
        "Today's loss has reached the preset's limit.",
        "Wait for tomorrow (UTC), or allow a larger loss in the preset (max_daily_loss_percent).",
        "Today's loss is {loss} %; the preset stops at {limit} %.",
    ),
    "MAX_ORDER_NOTIONAL": Text(
        "The order is worth more than one order of this connection may be.",
        "Lower the size in the preset, or raise the limit on the page of the connection. The operator "
        "may have set a lower one.",
        "The order would be worth {notional} {currency}; one order of this connection may be worth {limit}.",
    ),
    "MAX_DAILY_NOTIONAL": Text(
        "With this order, today's entries would be worth more than this connection may place in a day.",
        "Wait for tomorrow (UTC), or raise the limit on the page of the connection. The operator may "
        "have set a lower one.",
        "Today's entries are worth {spent} {currency}; with {notional} more they would pass the day's limit "
        "of {limit}.",
    ),
    "RUNAWAY_ENTRIES": Text(
        "There were more entries within a minute than are meant: a loop is assumed, and trading is halted.",
        "Stop what sends the signals, then have the operator resume trading, and publish a new signal.",
        "There were {count} {what} within a minute, {limit} are allowed: a loop is assumed, and trading is "
        "halted for {scope}.",
    ),
    "OPPOSITE_POSITION_OPEN": Text(
        "A position in the other direction is open on this symbol, and the order would only reduce it.",
        "Close it first (a signal with action close), or use an account in hedge mode.",
    ),
    "FOREIGN_POSITION": Text(
        "The account has a position on this market that Portico did not open, and would mix with it.",
        "Close it at the exchange, or have the operator set allow_foreign to true in the settings of "
        "the connection.",
    ),
    "DECISION_REJECTED": Text(
        "The decision step rejected the signal.",
        "Read its reason in the story of the execution, or change the decision settings of the preset.",
    ),
    # What there is to sell or close
    "NOTHING_TO_SELL": Text(
        "A spot account can only sell what it holds, and it holds nothing of this currency.",
        "Buy first, or use a preset with market type swap to go short.",
        "A spot account can only sell what it holds, and the free balance of {currency} is {free}.",
    ),
    "NOTHING_TO_CLOSE": Text("There is no open position to close.", "Nothing needs to be done."),
    # Prices
    "PRICE_MISSING": Text(
        "The exchange gave no usable price for this market.",
        "Look at the market at the exchange, and publish a new signal when it has prices.",
    ),
    "PRICE_STALE": Text(
        "The newest price is too old to trade on.",
        "Check where the connection takes its prices from, and publish a new signal.",
        "The newest price is {age_seconds} s old; at most {max_age_seconds} s are allowed.",
    ),
    "PRICE_CROSSED": Text(
        "The exchange's best bid is above its best ask, so its prices cannot be trusted.",
        "Check where the connection takes its prices from, and publish a new signal.",
        "The best bid {bid} is above the best ask {ask}, so these prices cannot be trusted.",
    ),
    "PRICE_IMPLAUSIBLE": Text(
        "The price jumped, and neither the order book nor the last trade confirmed it.",
        "Look at the market at the exchange, and publish a new signal when its price makes sense.",
        "Neither the order book nor the last trade confirmed the price {price}, which is extraordinary.",
    ),
    "PRICE_SLIPPAGE_EXCEEDED": Text(
        "The price has moved away from the signal's open_price by more than the preset allows.",
        "Publish a new signal with a current price, or allow more in the preset (max_slippage_bps).",
        "The price {price} is {slippage_bps} bps worse than {open_price}; the preset allows {limit_bps}.",
    ),
    "SPREAD_TOO_WIDE": Text(
        "The gap between bid and ask is wider than the preset allows.",
        "Wait for a calmer market, use a limit order, or allow more in the preset (max_slippage_bps).",
        "The spread is {spread_bps} bps; the preset allows {limit_bps}.",
    ),
    "PRICE_OUT_OF_BAND": Text(
        "The order's price is outside the band in which the exchange takes orders.",
        "Publish a new signal with an open_price inside the band.",
        "The order's price {price} is outside the allowed band from {low} to {high}.",
    ),
    "STOP_LOSS_WRONG_SIDE": Text(
        "The stop-loss is on the wrong side of the entry.",
        "Put sl below the entry for a buy, above it for a sell.",
        "The stop-loss {sl} is on the wrong side of the entry at {price}.",
    ),
    "TAKE_PROFIT_WRONG_SIDE": Text(
        "A take-profit is on the wrong side of the entry.",
        "Put tp above the entry for a buy, below it for a sell.",
        "The take-profit {tp} is on the wrong side of the entry at {price}.",
    ),
    "STOP_LOSS_REQUIRED": Text(
        "The preset needs a stop-loss, and there is none.",
        "Give the signal a stop-loss (sl), or set one in percent in the preset (stop_loss_mode).",
    ),
    "LIMIT_PRICE_REQUIRED": Text(
        "A limit or stop order needs a price, and the signal has no open_price.",
        "Give the signal an open_price, or choose market orders in the preset (order_type).",
    ),
    "TRIGGER_PRICE_WRONG_SIDE": Text(
        "A stop order would trigger at once.",
        "Put open_price above the market for a buy, below it for a sell, or use a market order.",
        "The stop order at {trigger_price} would trigger at once: the market is at {price}.",
    ),
    # What the venue can do
    "ORDER_TYPE_UNSUPPORTED": Text(
        "The exchange cannot take this type of order.",
        "Choose another order_type in the signal or the preset.",
        "The exchange cannot take {order_type} orders here.",
    ),
    "TIME_IN_FORCE_UNSUPPORTED": Text(
        "The exchange cannot take this order with this time in force.",
        "Choose another time_in_force in the signal or the preset.",
        "The exchange cannot take a {order_type} order with time in force {time_in_force}.",
    ),
    "LEVERAGE_UNSUPPORTED": Text(
        "The exchange cannot use the preset's leverage on this market.",
        "Lower the leverage in the preset.",
    ),
    "POSITION_MODE_UNSUPPORTED": Text(
        "The account's position mode cannot be traded with here.",
        "Change the account to one-way mode at the exchange, then run Test on the connection.",
    ),
    # Money
    "BALANCE_INSUFFICIENT": Text(
        "The free balance does not cover the order.",
        "Add funds, or lower the size in the preset.",
        "The order needs {needed} {currency}, fees and slippage included; {free} {currency} are free.",
    ),
    "QUANTITY_BELOW_MINIMUM": Text(
        "The order is smaller than the exchange's smallest quantity.",
        "Raise the size in the preset, or add funds if it is a part of the balance.",
        "The order would be {quantity} {unit}; the exchange's minimum is {minimum} {unit}.",
    ),
    "QUANTITY_ABOVE_MAXIMUM": Text(
        "The order is larger than the exchange's largest quantity.",
        "Lower the size in the preset, or give it a largest order (max_notional).",
        "The order would be {quantity} {unit}; the exchange's maximum is {maximum} {unit}.",
    ),
    "NOTIONAL_BELOW_MINIMUM": Text(
        "The order is worth less than the exchange accepts.",
        "Raise the size in the preset, or add funds if it is a part of the balance.",
        "The order would be worth {notional} {currency}; the exchange's minimum is {minimum} {currency}.",
    ),
    "NOTIONAL_ABOVE_MAXIMUM": Text(
        "The order is worth more than the exchange accepts.",
        "Lower the size in the preset, or give it a largest order (max_notional).",
        "The order would be worth {notional} {currency}; the exchange's maximum is {maximum} {currency}.",
    ),
    "NOTIONAL_BELOW_PRESET_MINIMUM": Text(
        "The order is worth less than the preset's min_notional.",
        "Raise the size in the preset, or lower its smallest order (min_notional).",
        "The order would be worth {notional} {currency}; the preset's minimum is {minimum} {currency}.",
    ),
    "INTERNAL_ERROR": Text(
        "Something unexpected happened before the order was sent; nothing was sent.",
        "Report it to the operator, with the number of the execution.",
    ),
}

TEXTS: Mapping[str, Text] = MappingProxyType(_TEXTS)
