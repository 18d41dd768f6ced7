"""The status page at `/`: what is going on, and a few levers. Server-rendered, nothing from outside."""

import secrets
from html import escape
from string import Template

from portal.exchanges.sandbox.call import Reply
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.faults import ENDPOINTS, KINDS
from portal.exchanges.sandbox.orders import Order
from portal.exchanges.sandbox.status_assets import PAGE, SCRIPT, STYLE

RECENT_ORDERS = 25
MOST_ACCOUNTS = 100


def render(control: Control) -> Reply:
    """The page as it is now. Every value that came from outside is escaped."""
    nonce = secrets.token_urlsafe(16)
    exchange = control.exchange
    page = Template(PAGE).substitute(
        nonce=nonce,
        style=STYLE,
        script=SCRIPT,
        seed=exchange.seed,
        orders=sum(exchange.ledger.accepted.values()),
        fills=len(exchange.ledger.fills),
        account_count=len(exchange.accounts.by_id),
        requests=sum(exchange.requests.by_endpoint.values()),
        walk=f"every {control.motion.interval:g} s" if control.motion.interval else "standing still",
        journal="kept on disk" if exchange.journal else "in memory only",
        symbols=_options(list(exchange.prices.quotes)),
        kinds=_options(sorted(KINDS)),
        endpoints=_options(["order", *sorted(ENDPOINTS - {"order"})]),
        markets=_markets(control),
        accounts=_accounts(control),
        recent=_recent(control),
        faults=_faults(control),
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Reply(200, page.encode(), "text/html", headers)


def _options(values: list[str]) -> str:
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def _row(*cells: object) -> str:
    return "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>"


def _or_empty(rows: list[str], columns: int, message: str) -> str:
    return "".join(rows) or f'<tr><td colspan="{columns}" class="empty">{escape(message)}</td></tr>'


def _markets(control: Control) -> str:
    rows = []
    for symbol, quote in control.exchange.prices.quotes.items():
        change = (quote.last - quote.opened) / quote.opened * 100
        tone = "up" if change > 0 else "down" if change < 0 else ""
        sides = [kind for kind in ("spot", "perp") if f"{kind}:{symbol}" in control.exchange.markets]
        closed = "" if control.exchange.markets[f"spot:{symbol}"].active else " (closed)"
        moved = f"{change:+.2f} %" if change else "unchanged"
        rows.append(
            f"<tr><td>{escape(symbol)}</td><td>{format(quote.last.normalize(), 'f')}</td>"
            f'<td class="{tone}">{moved}</td><td>{" + ".join(sides)}{closed}</td></tr>'
        )
    return "".join(rows)


def _accounts(control: Control) -> str:
    rows = []
    for account in list(control.exchange.accounts.by_id.values())[-MOST_ACCOUNTS:]:
        usdt = account.balances.get("USDT")
        rows.append(
            _row(
                account.account_id,
                f"{usdt.free + usdt.locked:.2f}" if usdt else "0.00",
                f"{account.futures.balance:.2f}",
                len(account.orders),
                len(account.open_orders),
                sum(1 for position in account.futures.positions.values() if position.quantity),
            )
        )
    return _or_empty(rows, 6, "No practice account yet. Create one below.")


def _recent(control: Control) -> str:
    orders = control.exchange.ledger.orders[: -RECENT_ORDERS - 1 : -1]
    return _or_empty([_order_row(order) for order in orders], 6, "No order has been accepted yet.")


def _order_row(order: Order) -> str:
    filled = f"{order.executed.normalize():f} of {order.quantity.normalize():f}"
    what = f"{order.market.kind} {order.order_type.replace('_', ' ').lower()}"
    return _row(order.account_id, order.market.symbol, order.side.lower(), what, filled, order.status.lower())


def _faults(control: Control) -> str:
    rows = []
    for fault in control.exchange.faults.rules.values():
        who = escape(fault.account or "every account")
        rows.append(
            f'<tr><td><button type="button" data-remove="{fault.fault_id}">Switch off</button></td>'
            f"<td>{escape(fault.kind)}</td><td>{escape(fault.endpoint)}</td><td>{who}</td>"
            f"<td>{fault.probability:g}</td><td>{fault.fired}</td></tr>"
        )
    return _or_empty(rows, 6, "None. The exchange behaves.")
