"""What an exchange needs beyond a made-up market and made-up keys before ccxt builds an order for it: answers
to what it reads first, keys of the right kind, facts of the market. And the few where that is not enough."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from portal.exchanges.ccxt_adapter import CcxtExchange
from tests.exchanges.captured import RecordingWire, captured_exchange
from tests.exchanges.test_ccxt_requests import PREPARATION

#: 32 bytes as Solana and Orderly write them.
_BASE58 = "4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi"
_ADDRESS = "0x" + "12" * 20
_FAR = 9_999_999_999_999


@dataclass(frozen=True, slots=True)
class Setup:
    credentials: Mapping[str, str | Callable[[], str]] = field(default_factory=dict)
    #: Options of ccxt's that the account's owner would have to give.
    options: Mapping[str, object] = field(default_factory=dict)
    #: What a sign-in would have left in the client.
    signed_in: Mapping[str, object] = field(default_factory=dict)
    #: Part of a URL: what is answered there.
    answers: Mapping[str, Any] = field(default_factory=dict)
    market: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)


@cache
def _ed25519_key() -> str:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(b"\x11" * 32)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


_ORDERLY = Setup(credentials={"secret": _BASE58})
SETUPS: Mapping[str, Setup] = {
    "bitbns": Setup(market={"uppercaseId": "BTC_USDT"}),
    "bitvavo": Setup(options={"operatorId": 1}),
    "bullish": Setup(
        answers={
            "/hmac/login": {"token": "t", "authorizer": "1"},
            "/trading-accounts": [{"tradingAccountId": "1", "tradingAccountName": "Primary Account"}],
        }
    ),
    "cex": Setup(options={"accountId": "main"}),
    "derive": Setup(
        options={"subaccount_id": 1, "max_fee": "100", "deriveWalletAddress": _ADDRESS},
        info={"base_asset_address": _ADDRESS, "base_asset_sub_id": "0"},
    ),
    "extended": Setup(
        answers={
            "/user/account/info": {"status": "OK", "data": {"l2Vault": 1, "l2Key": "0x1"}},
            "/user/fees": {"status": "OK", "data": [{"makerFeeRate": "0", "takerFeeRate": "0.00025"}]},
        },
        info={
            "l2Config": {
                "type": "STARKX",
                "collateralId": "0x1",
                "collateralResolution": 1_000_000,
                "syntheticId": "0x2",
                "syntheticResolution": 1_000_000,
            }
        },
    ),
    "gemini": Setup(credentials={"apiKey": "account-of-nobody"}),
    "grvt": Setup(
        credentials={"apiKey": ""},
        signed_in={
            "signInExpiration": _FAR,
            "AuthAccountId": "1",
            "AuthCookieValue": "gravity=x",
            "accountId": "1",
            "userMainAccountId": "0x1",
        },
        market={"precision": {"price": "0.01", "amount": "0.0001", "base": "0.000000001"}},
        info={"instrument_hash": "0x1"},
    ),
    "hibachi": Setup(info={"underlyingDecimals": 8, "settlementDecimals": 6, "id": 1}),
    "lbank": Setup(credentials={"secret": "a" * 32}),
    "modetrade": _ORDERLY,
    "nado": Setup(
        answers={
            "type=contracts": {"status": "success", "data": {"chain_id": "1", "endpoint_addr": _ADDRESS}}
        },
        market={"id": "1"},
    ),
    "ndax": Setup(answers={"GetUserAccounts": [1]}, market={"id": "1"}),
    "pacifica": Setup(credentials={"privateKey": _BASE58}),
    "paradex": Setup(
        answers={
            "/system/config": {
                "l1_chain_id": "1",
                "starknet_chain_id": "PRIVATE_SN_PARACLEAR_MAINNET",
                "paraclear_account_hash": "0x1",
                "paraclear_account_proxy_hash": "0x1",
            },
            "/v1/auth": {"jwt_token": "t"},
        }
    ),
    "revolutx": Setup(credentials={"privateKey": _ed25519_key}),
    "woofipro": _ORDERLY,
}
#: What no set-up here can bring about. Nothing is known of their requests, so they must never be assumed.
CANNOT: Mapping[str, str] = {
    "apex": "signs with a binary library that is not part of ccxt (`zklink_sdk`)",
    "coinbaseinternational": "ccxt fails while it builds the sign-in, before anything is sent",
    "dydx": "signs with a library that ccxt does not bring along (`protobuf`)",
    "lighter": "signs with a binary library that is not part of ccxt",
    "polymarket": "ccxt fails while it signs, before anything is sent",
}


def prepared_exchange(name: str, *, swap: bool) -> tuple[CcxtExchange, RecordingWire] | None:
    """An adapter for `name` that has all it needs, and the wire that records it; None when the exchange has
    no such markets."""
    setup = SETUPS.get(name, Setup())
    keys = {key: value if isinstance(value, str) else value() for key, value in setup.credentials.items()}
    exchange, wire = captured_exchange(name, swap=swap, **keys)
    client = exchange.session.client
    if not client.has.get("swap" if swap else "spot") or not exchange.instruments():
        return None
    if keys.get("apiKey") == "":
        client.apiKey = None
    client.options.update({**setup.options, **setup.signed_in})
    named = [market for markets in client.markets_by_id.values() for market in markets]
    for market in (*client.markets.values(), *named):
        market.update(setup.market)
        market["info"].update(setup.info)
    wire.answers = {**PREPARATION, **setup.answers}
    return exchange, wire


def base64_json(text: str) -> str:
    """What `text` hides when it is base64; else nothing."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError:
        return ""
