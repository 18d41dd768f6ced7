"""Control plane: scripted faults, and the way back to the start."""

from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.control_input import Body, body_of, decimal_in, number_in, symbol_in, whole_in
from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.faults import Fault
from portal.exchanges.sandbox.request_log import RequestLog

RULE_NAMES = {
    "kind",
    "endpoint",
    "account",
    "symbol",
    "nth",
    "count",
    "probability",
    "per_account",
    "status",
    "body",
    "seconds",
    "fraction",
    "retry_after",
}


def add_fault(control: Control, call: Call) -> object:
    body = body_of(call)
    unknown = set(body) - RULE_NAMES
    if unknown:
        known = ", ".join(sorted(RULE_NAMES))
        raise bad_control(f"A fault has no {', '.join(sorted(unknown))}. Known: {known}.")
    nth = body.get("nth") or []
    account = body.get("account")
    fault = Fault(
        kind=str(body.get("kind")),
        endpoint=str(body.get("endpoint", "order")),
        account=None if account is None else control.exchange.accounts.find(str(account)).account_id,
        symbol=symbol_in(control, body) if body.get("symbol") else None,
        nth=tuple(whole_in(n, "nth") for n in (nth if isinstance(nth, list) else [nth])),
        count=None if body.get("count") is None else whole_in(body["count"], "count"),
        probability=number_in(body.get("probability", 1), "probability"),
        per_account=bool(body.get("per_account")),
        status=whole_in(body.get("status", 500), "status"),
        body=str(body.get("body", "binance")),
        seconds=number_in(body.get("seconds", 0), "seconds"),
        fraction=str(decimal_in(body.get("fraction", _default_fraction(body)), "fraction")),
        retry_after=whole_in(body.get("retry_after", 1), "retry_after"),
    )
    return {"fault_id": control.exchange.faults.add(fault).fault_id}


def _default_fraction(body: Body) -> str:
    return "0" if body.get("kind") == "cancelled_by_exchange" else "0.5"


def remove_fault(control: Control, call: Call) -> object:
    """Removes one rule by `fault_id`, or all rules when none is given."""
    fault_id = body_of(call).get("fault_id")
    if fault_id is None:
        control.exchange.faults.rules.clear()
    else:
        control.exchange.faults.remove(whole_in(fault_id, "fault_id"))
    return {}


def reset(control: Control, call: Call) -> object:
    """`{"what": "all"}` for everything, `{"what": "requests"}` for the request counters only."""
    what = body_of(call).get("what", "all")
    if what == "requests":
        control.exchange.requests = RequestLog()
    elif what == "all":
        control.reset()
    else:
        raise bad_control("Reset 'all' or 'requests'.")
    return {}
