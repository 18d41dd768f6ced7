"""Choices about an account that its owner may hand to the exchange library: which wallet, which sub-account.
By name and by value; nothing that moves requests elsewhere or loosens a check. Pure."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from portal.trading.fields import FieldError, shown

Reader = Callable[[object, str], object]


def _word(value: object, name: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_. :@-]{1,100}", value):
        raise FieldError(f"{name} must be a name of letters and digits, was {shown(value)}")
    return value


def _word_or_switch(value: object, name: str) -> str | bool:
    return value if isinstance(value, bool) else _word(value, name)


def _whole(value: object, name: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,18}", text):
        raise FieldError(f"{name} must be a whole number, was {shown(value)}")
    return int(text)


def _above_zero(value: object, name: str) -> str:
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        number = Decimal(0)
    if isinstance(value, bool) or not number.is_finite() or number <= 0:
        raise FieldError(f"{name} must be a number above zero, was {shown(value)}")
    return format(number, "f")


def _address(value: object, name: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"0x[0-9A-Fa-f]{40}", value):
        raise FieldError(f"{name} must be an address of 0x and 40 hexadecimal digits, was {shown(value)}")
    return value


#: Everywhere.
_COMMON: Mapping[str, Reader] = dict.fromkeys(
    ("defaultType", "defaultSubType", "defaultSettle", "portfolioMargin", "unifiedAccount", "vaultAddress"),
    _word_or_switch,
)
#: Without these the venue takes no order; elsewhere the same names mean nothing.
_OF_VENUE: Mapping[str, Mapping[str, Reader]] = {
    "bitvavo": {"operatorId": _whole},
    "cex": {"accountId": _word},
    "derive": {"subaccount_id": _whole, "max_fee": _above_zero, "deriveWalletAddress": _address},
}


def read_account_options(exchange_name: str, settings: Mapping[str, object]) -> dict[str, object]:
    """What of a connection's settings reaches the library. Other names are not for it and stay out. Raises
    FieldError for a value that cannot be meant."""
    readers = {**_COMMON, **_OF_VENUE.get(exchange_name, {})}
    return {
        name: readers[name](value, name)
        for name, value in settings.items()
        if name in readers and value is not None
    }
