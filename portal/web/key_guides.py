"""Where each exchange makes API keys, and what to allow a key of this portal. Pure text. The one rule that is
the same everywhere: a key never gets the right to withdraw."""

from dataclasses import dataclass, field, replace

from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.venues_table import venue


@dataclass(frozen=True, slots=True)
class KeyGuide:
    """How one exchange words it."""

    #: The way through its menus.
    where: str
    #: Rights to tick, in the exchange's own words.
    allow: tuple[str, ...]
    #: Rights that must stay off, in the exchange's own words.
    never: tuple[str, ...] = ("Withdraw",)
    #: What else has to be known.
    notes: tuple[str, ...] = field(default=())
    title: str = ""


_PASSPHRASE = "You choose a passphrase there; enter it here too. It cannot be looked up later."  # noqa: S105
_GENERIC = KeyGuide(
    "the page of your account that is called API, API keys or API management",
    ("Read", "Trade (spot, and futures or perpetuals if you trade them)"),
    ("Withdraw", "Transfer"),
    ("Nobody has looked at this exchange closely yet. Practice with it first.",),
)
_PRACTICE = KeyGuide(
    "nowhere: the practice exchange is part of this portal", (), (),
    ("The practice exchange is part of this portal. It has prices and fills of its own, and no money. "
     "An account with 10,000 USDT is opened for you.",),
)  # fmt: skip
_BINANCE = KeyGuide(
    "Profile → Account → API Management → Create API, system generated",
    ("Enable Reading", "Enable Spot & Margin Trading", "Enable Futures, if you trade perpetuals"),
    ("Enable Withdrawals", "Permits Universal Transfer"),
    ("Binance lets a key trade only when it is restricted to trusted IP addresses.",),
)
_BYBIT = KeyGuide(
    "Profile → API → Create New Key, system generated, Read-Write",
    ("Unified Trading: Orders and Positions", "SPOT: Trade"),
    ("Assets: Withdrawal", "Assets: Transfer"),
    ("Without fixed IP addresses the key ends after three months.",),
)
_KUCOIN = KeyGuide(
    "Profile → API Management → Create API", ("General", "Spot Trading", "Futures Trading"),
    ("Withdrawal", "FlexTransfers"), (_PASSPHRASE,),
)  # fmt: skip
_KRAKEN = KeyGuide(
    "Settings → Connections & API → Create API key",
    ("Query funds", "Query open orders & trades", "Query closed orders & trades", "Create & modify orders",
     "Cancel & close orders"),
    ("Withdraw funds", "Deposit funds"),
)  # fmt: skip
GUIDES = {
    "sandbox": _PRACTICE,
    "sandboxusdm": _PRACTICE,
    "binance": _BINANCE,
    "binanceusdm": _BINANCE,
    "bybit": _BYBIT,
    "okx": KeyGuide(
        "Profile → API → Create API key, for API trading", ("Read", "Trade"), ("Withdraw",),
        (_PASSPHRASE, "Without fixed IP addresses the key ends after 14 days in which it is not used."),
    ),
    "kucoin": _KUCOIN,
    "kucoinfutures": _KUCOIN,
    "gate": KeyGuide(
        "Profile → API Management → Create API key, APIv4",
        ("Spot trade: read and write", "Perpetual futures: read and write", "Wallet: read only"),
    ),
    "mexc": KeyGuide(
        "Profile → API Management → Create",
        ("Account: view", "Spot trade", "Futures: view and order placing"), ("Withdraw", "Transfer"),
        ("Without fixed IP addresses the key ends after 90 days.",),
    ),
    "bitget": KeyGuide(
        "Profile → API keys → Create API key, system generated",
        ("Read-write: Spot trade", "Futures orders and holdings"),
        ("Withdraw", "Transfer"), (_PASSPHRASE,),
    ),
    "kraken": _KRAKEN,
    "krakenfutures": KeyGuide(
        "Futures → Settings → API keys → Create key", ("General API: full access",),
        ("Withdrawal API: no access",),
    ),
    "deribit": KeyGuide(
        "Account → API → Add new key", ("account: read", "trade: read_write", "wallet: read"),
        ("wallet: read_write", "custody"),
    ),
    "hyperliquid": KeyGuide(
        "More → API → Generate an API wallet, then Authorize", ("An API wallet may trade; nothing to tick",),
        ("The private key of your own wallet: it can withdraw. Never enter it here",),
        ("Enter the address of your own wallet, and the private key of the API wallet.",),
    ),
    "coinbase": KeyGuide(
        "Settings → API → Create API key", ("View", "Trade"), ("Transfer",),
    ),
}  # fmt: skip


_OWN_TITLES = {"sandboxusdm": "Practice exchange, perpetuals"}


def guide_for(exchange_name: str) -> KeyGuide:
    """What is known of this exchange, or the careful general rule."""
    found = GUIDES.get(exchange_name, _GENERIC)
    own = _OWN_TITLES.get(exchange_name, "Practice exchange") if exchange_name in OWN_EXCHANGES else ""
    return replace(found, title=own or venue(exchange_name).title or exchange_name)
