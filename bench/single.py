"""One signal to one account on an idle system: from its commit to its order at the exchange."""

from bench import accounts
from bench.baseline import bare
from bench.figures import Result, percentile
from bench.floor import Floor, floor

BASELINE = "bare ccxt, warm: from the call of create_order to the order at the exchange"

WARM_UP = 5


def run(count: int, concurrency: int = 16) -> list[Result]:
    """Milliseconds of `count` signals, one after the other."""
    with floor() as here:
        mine, other = accounts.open_accounts(here, 2, "single")
        accounts.connect(here, [mine])
        here.workers(1, concurrency)
        ours = [_one(here) for _ in range(WARM_UP + count)][WARM_UP:]
        began = bare("single", here, [other], count=count)["began_ns"]
        orders = here.sandbox.orders(account=other.name)[-count:]
    theirs = [(order.accepted_monotonic_ns - at) / 1e6 for order, at in zip(orders, began, strict=True)]
    result = Result(f"One signal, one account, idle system ({len(ours)} signals)", BASELINE)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        figure = f"{name}: commit to order at the exchange"
        result.add(figure, percentile(ours, share), "ms", percentile(theirs, share))
    return [result]


def _one(here: Floor) -> float:
    published = accounts.publish(here)
    accounts.settle(published, 60)
    orders = accounts.accepted_since(here, published.committed_ns)
    if not orders:
        raise RuntimeError(f"no order came: {accounts.outcomes(published.signal_id)}")
    [order] = orders
    return (order.accepted_monotonic_ns - published.committed_ns) / 1e6
