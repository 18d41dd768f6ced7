"""What one order and one day may be worth. Limits only ever lower each other."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from numbers import Real

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.fields import FieldError, shown

ORDER, DAY = "max_order_notional", "max_daily_notional"
FOREIGN = "allow_foreign"


def lowest(*limits: Decimal | None) -> Decimal | None:
    """The limit that counts; None when there is none."""
    return min((each for each in limits if each is not None), default=None)


def read_limits(settings: Mapping[str, object]) -> dict[str, Decimal]:
    """The limits among a connection's settings. Raises FieldError for one that cannot be meant."""
    return {name: _positive(name, settings[name]) for name in (ORDER, DAY) if settings.get(name) is not None}


def allows_foreign(settings: Mapping[str, object]) -> bool:
    """Whether entries may join a position that is not ours, where the venue makes one of both. Raises
    FieldError for anything but true and false."""
    value = settings.get(FOREIGN, False)
    if not isinstance(value, bool):
        raise FieldError(f"{FOREIGN} must be true or false, was {shown(value)}")
    return value


def order_denial(notional: Decimal, limit: Decimal | None, currency: str) -> Denial | None:
    """A single order. One that is exactly worth the limit passes."""
    if limit is None or notional <= limit:
        return None
    return deny(DenialCode.MAX_ORDER_NOTIONAL, notional=notional, limit=limit, currency=currency)


def day_denial(notional: Decimal, spent: Decimal, limit: Decimal | None, currency: str) -> Denial | None:
    """An order on top of what the day has `spent` already."""
    if limit is None or spent + notional <= limit:
        return None
    return deny(DenialCode.MAX_DAILY_NOTIONAL, notional=notional, spent=spent, limit=limit, currency=currency)


def runaway_denial(counts: Iterable[tuple[str, str, int, int]]) -> tuple[Denial, str] | None:
    """The first of (scope, what, count, limit) that is above its limit, and the scope to be halted."""
    for scope, what, count, limit in counts:
        if count > limit:
            return deny(DenialCode.RUNAWAY_ENTRIES, count=count, what=what, limit=limit, scope=scope), scope
    return None


def _positive(name: str, value: object) -> Decimal:
    number = isinstance(value, (str, Decimal, Real)) and not isinstance(value, bool)
    try:
        amount = Decimal(str(value)) if number else Decimal(0)
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise FieldError(f"{name} must be a positive number, was {shown(value)}")
    return amount
