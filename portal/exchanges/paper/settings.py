"""What a connection's settings say about paper trading. Pure; the names all begin with `paper_`."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from portal.trading.fields import FieldError, shown
from portal.trading.numbers import NumberError, parse_decimal
from portal.trading.types import PositionMode

PREFIX = "paper_"
_DEFAULT_BALANCE = Decimal(10_000)
_MOST_LATENCY_MS = 5000
_MOST_SLIPPAGE_BPS = 1000
_LEAST_FRACTION = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """How one paper account is filled."""

    #: How much worse than the best price a taker fills, in hundredths of a percent.
    slippage_bps: Decimal = Decimal(2)
    #: How long an order travels before the venue looks at it.
    latency_ms: int = 50
    #: The part of an order that the market takes at each look; 1 fills at once.
    fill_fraction: Decimal = Decimal(1)
    #: Money at the start; under the empty name: of the currency in which most markets are quoted.
    balance: Mapping[str, Decimal] | None = None
    position_mode: PositionMode = PositionMode.ONE_WAY

    def opening(self, main_currency: str) -> dict[str, Decimal]:
        """What a new account holds, by currency."""
        given = self.balance if self.balance is not None else {"": _DEFAULT_BALANCE}
        return {currency or main_currency: total for currency, total in given.items()}


def read_paper_settings(settings: Mapping[str, object]) -> PaperSettings:
    """The `paper_…` names of `settings`; other names are not looked at. Raises FieldError with a sentence."""
    unknown = sorted(name for name in settings if name.startswith(PREFIX) and name not in _NAMES)
    if unknown:
        raise FieldError(f"has {', '.join(map(shown, unknown))}; known are {', '.join(_NAMES)}")
    default = PaperSettings()
    latency = _number(settings, "paper_latency_ms", Decimal(default.latency_ms), 0, _MOST_LATENCY_MS)
    return PaperSettings(
        slippage_bps=_number(settings, "paper_slippage_bps", default.slippage_bps, 0, _MOST_SLIPPAGE_BPS),
        latency_ms=int(latency),
        fill_fraction=_number(settings, "paper_fill_fraction", default.fill_fraction, _LEAST_FRACTION, 1),
        balance=_balance(settings.get("paper_balance")),
        position_mode=_position_mode(settings.get("paper_position_mode")),
    )


_NAMES = (
    "paper_balance", "paper_fill_fraction", "paper_latency_ms", "paper_position_mode", "paper_slippage_bps",
)  # fmt: skip


def _number(
    settings: Mapping[str, object], name: str, default: Decimal, least: Decimal | int, most: int
) -> Decimal:
    if settings.get(name) is None:
        return default
    number = _decimal(settings[name], name, positive=False)
    if not least <= number <= most:
        raise FieldError(f"{name} must be from {least} to {most}, was {shown(settings[name])}")
    return number


def _balance(value: object) -> Mapping[str, Decimal] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return {"": _decimal(value, "paper_balance")}
    if not value or not all(isinstance(name, str) and name.isalnum() for name in value):
        raise FieldError("paper_balance must name currencies, such as {'USDT': '10000'}")
    return {name: _decimal(total, f"paper_balance of {name}") for name, total in value.items()}


def _decimal(value: object, name: str, *, positive: bool = True) -> Decimal:
    try:
        return parse_decimal(value, name, positive=positive)
    except NumberError as error:
        raise FieldError(error.message.rstrip(".")) from None


def _position_mode(value: object) -> PositionMode:
    if value is None:
        return PositionMode.ONE_WAY
    if value not in tuple(PositionMode):
        raise FieldError(f"paper_position_mode must be one_way or hedge, was {shown(value)}")
    return PositionMode(str(value))
