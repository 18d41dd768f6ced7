"""Venue codes whose meaning is finer, or other, than the ccxt class they come out as."""

from collections.abc import Mapping

from portal.exchanges.ccxt_codes import VenueWords
from portal.exchanges.dialects import BINANCE, BYBIT, OKX
from portal.exchanges.errors import ErrorCode

_BINANCE: Mapping[str, ErrorCode] = {
    # "Order would immediately trigger". ccxt takes it for a cancel-and-replace of spot, which nobody sends.
    "-2021": ErrorCode.INVALID_ORDER,
    "-2022": ErrorCode.WOULD_NOT_REDUCE,
    "-4061": ErrorCode.WRONG_POSITION_MODE,
    "-4118": ErrorCode.WOULD_NOT_REDUCE,
    "-1013": ErrorCode.INVALID_ORDER,
    "-1021": ErrorCode.CLOCK_OUTSIDE_WINDOW,
    "-5028": ErrorCode.CLOCK_OUTSIDE_WINDOW,
    "-2015": ErrorCode.AUTHENTICATION_FAILED,
    "-2019": ErrorCode.INSUFFICIENT_FUNDS,
    "-1015": ErrorCode.RATE_LIMITED,
    # Rules of a market: precision, quantity, price, step and tick.
    **dict.fromkeys(
        ("-1111", "-4003", "-4004", "-4005", "-4013", "-4014", "-4023", "-4164"), ErrorCode.INVALID_ORDER
    ),
    # "Reach max stop order limit". ccxt's class for it says only that something was refused.
    "-4045": ErrorCode.REFUSED,
    "-4140": ErrorCode.MARKET_CLOSED,
    "-5021": ErrorCode.INVALID_ORDER,
    "-5022": ErrorCode.INVALID_ORDER,
}
_BYBIT: Mapping[str, ErrorCode] = {
    "10002": ErrorCode.CLOCK_OUTSIDE_WINDOW,
    "110017": ErrorCode.WOULD_NOT_REDUCE,
}
_OKX: Mapping[str, ErrorCode] = {
    "50102": ErrorCode.CLOCK_OUTSIDE_WINDOW,
    "51169": ErrorCode.WOULD_NOT_REDUCE,
    "51170": ErrorCode.WOULD_NOT_REDUCE,
}
_KNOWN: Mapping[str, Mapping[str, ErrorCode]] = {
    **dict.fromkeys((*BINANCE, "binanceus"), _BINANCE),
    **dict.fromkeys(BYBIT, _BYBIT),
    **dict.fromkeys(OKX, _OKX),
    "coinbase": {"INSUFFICIENT_FUND": ErrorCode.INSUFFICIENT_FUNDS},
    "gate": {
        "BALANCE_NOT_ENOUGH": ErrorCode.INSUFFICIENT_FUNDS,
        "REQUEST_EXPIRED": ErrorCode.CLOCK_OUTSIDE_WINDOW,
        "INCREASE_POSITION": ErrorCode.WOULD_NOT_REDUCE,
    },
    "bitget": {
        "40008": ErrorCode.CLOCK_OUTSIDE_WINDOW,
        "22002": ErrorCode.WOULD_NOT_REDUCE,
        "40774": ErrorCode.WRONG_POSITION_MODE,
    },
}
#: Codes that say several things: which, only the words beside them tell.
_BY_WORDS: Mapping[str, tuple[str, str, ErrorCode]] = {
    **dict.fromkeys(BYBIT, ("10001", "position idx not match position mode", ErrorCode.WRONG_POSITION_MODE)),
    **dict.fromkeys(OKX, ("51000", "posside", ErrorCode.WRONG_POSITION_MODE)),
}
#: Binance answers -2010 to several refusals and tells them apart in words only.
_NO_FUNDS = ("insufficient balance", "Margin is insufficient")


def known_meaning(ccxt_id: str, words: VenueWords) -> ErrorCode | None:
    """Our code for the venue's, when the venue's says more than ccxt's class. Never for a code that may be a
    success.
    """
    if words.code is None:
        return None
    if words.code == "-2010":
        return (
            ErrorCode.INSUFFICIENT_FUNDS
            if any(text in words.text for text in _NO_FUNDS)
            else ErrorCode.REFUSED
        )
    code, phrase, meaning = _BY_WORDS.get(ccxt_id, ("", "", None))
    if words.code == code and phrase in words.text.casefold():
        return meaning
    return _KNOWN.get(ccxt_id, {}).get(words.code)
