"""Control plane: practice accounts."""

from portal.exchanges.sandbox.accounts import IDENTITY_CLASSES, Account
from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.control_input import Body, amounts_in, body_of, decimal_in, text_in, whole_in
from portal.exchanges.sandbox.errors import bad_control

MAX_BULK = 100_000
SWITCHES = ("enabled", "can_trade", "can_stop", "can_withdraw", "ip_restricted")


def _open(control: Control, body: Body) -> Account:
    name = text_in(body, "name")
    if body.get("exist_ok") and name in control.exchange.accounts.by_id:
        return control.exchange.accounts.by_id[name]
    wallet = body.get("futures_balance")
    return control.exchange.open_account(
        account_id=name,
        api_key=text_in(body, "api_key"),
        secret=text_in(body, "secret"),
        balances=amounts_in(body.get("balances")),
        futures_balance=None if wallet is None else decimal_in(wallet, "futures_balance"),
    )


def _keys(account: Account) -> Body:
    return {"name": account.account_id, "api_key": account.api_key, "secret": account.secret.decode()}


def create_account(control: Control, call: Call) -> object:
    return _keys(_open(control, body_of(call)))


def create_accounts(control: Control, call: Call) -> object:
    """`{"accounts": [...]}`, or `{"count": n, "prefix": "x"}` for n like accounts. Stops at a refusal."""
    body = body_of(call)
    wanted = body.get("accounts")
    if wanted is None:
        count = whole_in(body.get("count", 0), "count")
        prefix = str(body.get("prefix", "account"))
        common = {name: body[name] for name in ("balances", "futures_balance") if name in body}
        wanted = [common | {"name": f"{prefix}-{number}"} for number in range(1, min(count, MAX_BULK) + 1)]
    if not isinstance(wanted, list) or not all(isinstance(entry, dict) for entry in wanted):
        raise bad_control("accounts must be a list of objects.")
    return [_keys(_open(control, entry)) for entry in wanted]


def update_account(control: Control, call: Call) -> object:
    """Changes switches, identity class, free spot balances or the futures wallet of an account."""
    body = body_of(call)
    account = control.exchange.accounts.find(str(body.get("account")))
    for name in SWITCHES:
        if name in body:
            setattr(account, name, bool(body[name]))
    if "identity_class" in body:
        account.identity_class = _identity_class(body["identity_class"])
    if "fee_asset" in body:
        account.fee_asset = text_in(body, "fee_asset")
    for asset, amount in (amounts_in(body.get("balances")) or {}).items():
        account.balance(asset).free = amount
    if body.get("futures_balance") is not None:
        account.futures.balance = decimal_in(body["futures_balance"], "futures_balance")
    control.exchange.save(account)
    return {"name": account.account_id}


def _identity_class(value: object) -> str | None:
    if value is not None and value not in IDENTITY_CLASSES:
        raise bad_control(f"The identity class must be one of {', '.join(IDENTITY_CLASSES)}.")
    return None if value is None else str(value)


def set_identity(control: Control, call: Call) -> object:
    control.exchange.identity_class = _identity_class(body_of(call).get("identity_class")) or "b_open"
    return {"identity_class": control.exchange.identity_class}
