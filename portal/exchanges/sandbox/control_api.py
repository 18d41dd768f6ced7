"""The control plane, `/sandbox/*`: JSON in, JSON out, for tests, benches and the status page."""

from collections.abc import Callable

from portal.exchanges.sandbox import (
    control_accounts,
    control_faults,
    control_market,
    control_orders,
    control_reports,
)
from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control

Handler = Callable[[Control, Call], object]

ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "/sandbox/state"): control_reports.get_state,
    ("GET", "/sandbox/accounts"): control_reports.get_accounts,
    ("GET", "/sandbox/orders"): control_reports.get_orders,
    ("GET", "/sandbox/fills"): control_reports.get_fills,
    ("GET", "/sandbox/counts"): control_reports.get_counts,
    ("GET", "/sandbox/requests"): control_reports.get_requests,
    ("GET", "/sandbox/prices"): control_reports.get_prices,
    ("GET", "/sandbox/faults"): control_reports.get_faults,
    ("POST", "/sandbox/accounts"): control_accounts.create_account,
    ("POST", "/sandbox/accounts/bulk"): control_accounts.create_accounts,
    ("POST", "/sandbox/accounts/update"): control_accounts.update_account,
    ("POST", "/sandbox/identity"): control_accounts.set_identity,
    ("POST", "/sandbox/price"): control_market.set_price,
    ("POST", "/sandbox/path"): control_market.set_path,
    ("POST", "/sandbox/replay"): control_market.set_replay,
    ("POST", "/sandbox/walk"): control_market.set_walk,
    ("POST", "/sandbox/book"): control_market.set_book,
    ("POST", "/sandbox/misquote"): control_market.set_misquote,
    ("POST", "/sandbox/latency"): control_market.set_latency,
    ("POST", "/sandbox/rules"): control_market.set_rules,
    ("POST", "/sandbox/clock"): control_market.set_clock,
    ("POST", "/sandbox/orders/forget"): control_orders.forget_order,
    ("POST", "/sandbox/faults"): control_faults.add_fault,
    ("POST", "/sandbox/faults/remove"): control_faults.remove_fault,
    ("POST", "/sandbox/reset"): control_faults.reset,
}
