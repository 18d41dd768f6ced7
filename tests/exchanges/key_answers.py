"""What venues answer about a key: written from their documented fields, one trading key and one that may
withdraw each. `None` as the answer to a URL means that the venue refuses that question.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.exchanges.captured import CREDENTIALS

KEY = CREDENTIALS["apiKey"]


@dataclass(frozen=True)
class Case:
    """`answers` maps a part of a URL to a body. `safe` has no right to withdraw, `unsafe` is laid over it."""

    method: str
    safe: Mapping[str, Any]
    unsafe: Mapping[str, Any]
    permissions: tuple[str, ...]
    ip_restricted: bool | None = None
    expires_at: datetime | None = None


def _binance(**changes: Any) -> dict[str, Any]:
    return {
        "ipRestrict": True, "createTime": 1698645219000, "enableReading": True, "enableWithdrawals": False,
        "enableInternalTransfer": False, "enableMargin": False, "enableFutures": True,
        "permitsUniversalTransfer": False, "enableVanillaOptions": False,
        "enableSpotAndMarginTrading": True, "tradingAuthorityExpirationTime": 1893456000000, **changes,
    }  # fmt: skip


def _bybit(wallet: list[str]) -> dict[str, Any]:
    return {
        "retCode": 0, "retMsg": "", "time": 1684143600000,
        "result": {
            "id": "13770661", "note": "portico", "apiKey": KEY, "readOnly": 0, "secret": "",
            "permissions": {
                "ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"], "Wallet": wallet,
                "Options": [], "Derivatives": [], "Exchange": [], "Earn": [],
            },
            "ips": ["*"], "type": 1, "deadlineDay": 66, "expiredAt": "2030-01-01T03:21:05Z",
            "createdAt": "2029-10-16T02:24:40Z", "unified": 0, "uta": 1, "isMaster": True,
        },
    }  # fmt: skip


def _okx(perm: str) -> dict[str, Any]:
    row = {"uid": "44", "acctLv": "2", "posMode": "long_short_mode", "perm": perm, "ip": "", "label": "x"}
    return {"code": "0", "msg": "", "data": [row]}


def _kucoin(permission: str, **more: Any) -> dict[str, Any]:
    row = {
        "uid": 165111215, "remark": "portico", "apiKey": KEY, "apiVersion": 3, "permission": permission,
        "createdAt": 1729765200000, "isMaster": True, **more,
    }  # fmt: skip
    return {"code": "200000", "data": row}


def _kraken(*permissions: str) -> dict[str, Any]:
    return {
        "error": [],
        "result": {
            "apiKeyName": "portico", "apiKey": KEY, "nonce": "1772627060997", "nonceWindow": 0,
            "permissions": list(permissions), "validUntil": "1893456000", "queryFrom": "0", "queryTo": "0",
            "createdTime": "1772542900", "ipAllowlist": ["192.0.2.0/24"], "lastUsed": "1772627061",
        },
    }  # fmt: skip


def _coinbase(*, transfer: bool) -> dict[str, Any]:
    return {
        "can_view": True, "can_trade": True, "can_transfer": transfer, "portfolio_uuid": "0-1",
        "portfolio_type": "DEFAULT",
    }  # fmt: skip


def _gate(*names: str) -> list[dict[str, Any]]:
    perms = [{"name": name.removesuffix("!"), "read_only": not name.endswith("!")} for name in names]
    other = {"key": "another-key", "perms": [{"name": "withdraw", "read_only": False}]}
    return [other, {"key": KEY, "state": 1, "mode": 1, "name": "portico", "perms": perms}]


def _bitget(*authorities: str) -> dict[str, Any]:
    row = {"userId": "1", "ips": "192.0.2.1,192.0.2.2", "authorities": list(authorities), "parentId": 1}
    return {"code": "00000", "msg": "success", "data": row}


def _mexc(permissions: str) -> dict[str, Any]:
    return {
        "note": "portico", "accessKey": KEY, "createTime": "2029-09-14T18:53:36.000+00:00",
        "permissions": permissions, "remainingValidity": 82, "ipWhiteList": "", "status": "VALID",
    }  # fmt: skip


def _htx(permission: str) -> dict[str, Any]:
    row = {
        "accessKey": KEY, "note": "portico", "permission": permission, "ipAddresses": "192.0.2.1",
        "validDays": -1, "status": "normal",
    }  # fmt: skip
    return {"code": 200, "data": [row]}


def _bitfinex(withdraw: int) -> list[list[Any]]:
    return [["account", 1, 0], ["history", 1, 0], ["orders", 1, 1], ["wallets", 1, 0],
            ["withdraw", 0, withdraw]]  # fmt: skip


def _bingx(*numbers: int) -> dict[str, Any]:
    return {"code": 0, "data": {"apiKey": KEY, "permissions": list(numbers), "ipAddresses": ["192.0.2.1"]}}


def _deribit(wallet: str) -> dict[str, Any]:
    rows = [
        {"client_id": "another", "client_secret": "secret-of-another", "max_scope": "wallet:read_write"},
        {
            "client_id": KEY, "client_secret": "secret-of-this", "enabled": True, "default": False,
            "max_scope": f"account:read trade:read_write {wallet}", "ip_whitelist": ["192.0.2.1"],
        },
    ]  # fmt: skip
    return {"jsonrpc": "2.0", "result": rows}


NEW_YEAR_2030 = datetime(2030, 1, 1, tzinfo=UTC)

CASES: dict[str, Case] = {
    "binance": Case(
        "GET", {"/sapi/v1/account/apiRestrictions": _binance()},
        {"/sapi/v1/account/apiRestrictions": _binance(enableWithdrawals=True)},
        ("enableFutures", "enableReading", "enableSpotAndMarginTrading"), True, NEW_YEAR_2030,
    ),
    "bybit": Case(
        "GET", {"/v5/user/query-api": _bybit(["AccountTransfer"])},
        {"/v5/user/query-api": _bybit(["AccountTransfer", "Withdraw"])},
        ("AccountTransfer", "Order", "Position", "SpotTrade"), False,
        datetime(2030, 1, 1, 3, 21, 5, tzinfo=UTC),
    ),
    "okx": Case(
        "GET", {"/api/v5/account/config": _okx("read_only,trade")},
        {"/api/v5/account/config": _okx("read_only,withdraw,trade")}, ("read_only", "trade"), False,
    ),
    "kucoin": Case(
        "GET", {"/api/v1/user/api-key": _kucoin("General,Spot,Futures", ipWhitelist="192.0.2.1")},
        {"/api/v1/user/api-key": _kucoin("General,Spot,Withdrawal")}, ("Futures", "General", "Spot"), True,
    ),
    "kraken": Case(
        "POST", {"/0/private/GetApiKeyInfo": _kraken("query-funds", "modify-trades")},
        {"/0/private/GetApiKeyInfo": _kraken("query-funds", "withdraw-funds", "modify-trades")},
        ("modify-trades", "query-funds"), True, NEW_YEAR_2030,
    ),
    "coinbase": Case(
        "GET", {"/api/v3/brokerage/key_permissions": _coinbase(transfer=False)},
        {"/api/v3/brokerage/key_permissions": _coinbase(transfer=True)}, ("can_trade", "can_view"),
    ),
    "gate": Case(
        "GET",
        {"/account/detail": {"user_id": 1, "ip_whitelist": ["192.0.2.1"], "key": {"mode": 1}},
         "/account/main_keys": _gate("spot!", "wallet")},
        {"/account/main_keys": _gate("spot!", "wallet!", "withdraw!")}, ("spot", "wallet: read"), True,
    ),
    "bitget": Case(
        "GET", {"/api/v2/spot/account/info": _bitget("stow", "coow", "wtor")},
        {"/api/v2/spot/account/info": _bitget("stow", "wwow")}, ("coow", "stow", "wtor"), True,
    ),
    "mexc": Case(
        "GET", {"/api/v3/apiKeyInfo": _mexc("SPOT_ACCOUNT_READ,SPOT_DEAL_WRITE,SPOT_WITHDRAW_READ")},
        {"/api/v3/apiKeyInfo": _mexc("SPOT_DEAL_WRITE,SPOT_WITHDRAW_WRITE")},
        ("SPOT_ACCOUNT_READ", "SPOT_DEAL_WRITE", "SPOT_WITHDRAW_READ"), False,
    ),
    "htx": Case(
        "GET", {"/v2/user/uid": {"code": 200, "data": 63628520}, "/v2/user/api-key": _htx("readOnly,trade")},
        {"/v2/user/api-key": _htx("readOnly,trade,withdraw")}, ("readOnly", "trade"), True,
    ),
    "bitfinex": Case(
        "POST", {"/auth/r/permissions": _bitfinex(0)}, {"/auth/r/permissions": _bitfinex(1)},
        ("account: read", "history: read", "orders", "wallets: read"),
    ),
    "bingx": Case(
        "GET", {"/account/apiPermissions": _bingx(1, 2, 3)}, {"/account/apiPermissions": _bingx(1, 2, 5)},
        ("perpetual futures trading", "read", "spot trading"), True,
    ),
    "deribit": Case(
        "GET", {"/private/list_api_keys": _deribit("wallet:read")},
        {"/private/list_api_keys": _deribit("wallet:read_write")},
        ("account:read", "trade:read_write", "wallet:read"), True,
    ),
}  # fmt: skip
