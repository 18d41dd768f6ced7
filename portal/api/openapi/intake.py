"""What is sent to us: the signal."""

from portal.api.openapi.build import FLAG, TEXT, closed, described, one_of
from portal.db import JsonDict
from portal.trading.types import MarketType, OrderType, Side, SignalAction

_PRICE: JsonDict = {
    "type": ["string", "number"],
    "description": "Greater than zero; at most 15 digits before and 18 after the point. Best a string.",
}
_PLAN: JsonDict = {"type": ["string", "integer"], "description": "The name or the id of a plan."}

_FIELDS: JsonDict = {
    "currency_pair": described(
        TEXT, "`BTC/USDT`, `EUR/USD`; `BTC/USDT:USDT` names one derivative market exactly."
    ),
    "direction": one_of(Side),
    "action": described(one_of(SignalAction), "`open` unless given."),
    "order_type": described(one_of(OrderType), "The preset of each connection decides unless given."),
    "open_price": _PRICE | {"description": "Limit or trigger price; for market orders the price you saw."},
    "sl": _PRICE,
    "tp": {
        "anyOf": [_PRICE, {"type": "array", "items": _PRICE, "maxItems": 3}],
        "description": "One to three targets.",
    },
    "time_in_force": {"type": "string", "enum": ["standard", "IOC", "FOK"]},
    "market_type": described(one_of(MarketType), "The preset of each connection decides unless given."),
    "expires_at": {
        "type": "string",
        "format": "date-time",
        "description": "With an offset; at most 30 days ahead.",
    },
    "plans": {
        "anyOf": [_PLAN, {"type": "array", "items": _PLAN}],
        "description": "Plans that carry the signal. Administrators' own connections take every signal.",
    },
    "dedupe_key": described(
        TEXT | {"maxLength": 200},
        "Yours, one per signal. The same key and content again is answered with the first signal; other "
        "content is "
        "refused with 409.",
    ),
    "publish": described(FLAG, "True unless given: a signal goes out at once. False stores a draft."),
}
_REQUIRED = ("currency_pair", "direction")

SCHEMAS: JsonDict = {
    "NewSignal": closed(_FIELDS, optional=set(_FIELDS) - set(_REQUIRED)),
    "Submitted": closed({
        "id": {"type": "integer", "minimum": 1},
        "is_published": FLAG,
        "executions": {"type": "integer", "minimum": 0, "description": "Accounts it went to."},
    }),
}  # fmt: skip
