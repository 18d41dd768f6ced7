"""One signal to one account on an idle system: from its commit to its order at the exchange."""

from bench import accounts
from bench.baseline import bare
from bench.figures import Result, percentile
from bench.floor import Floor, floor

BASELINE = "bare ccxt, warm: from the call of create_order to the order at the exchange"


def run(count: int, concurrency: int = 16) -> list[Result]:
    """Milliseconds of `count` signals, one after the other."""
    with floor() as here:
        keys = accounts.open_accounts(here, 2, "single")
        accounts.connect(here, keys[:1])
        here.workers(1, concurrency)
        for _ in range(5):
            _one(here)
        ours = [_one(here) for _ in range(count)]
        began = bare("single", here, keys[1:], count=count)["began_ns"]
        orders = here.sandbox.orders(account=keys[1].name)[-count:]
    theirs = [(order.accepted_monotonic_ns - at) / 1e6 for order, at in zip(orders, began, strict=True)]
    result = Result(f"One signal, one account, idle system ({count} signals)", BASELINE)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        figure = f"{name}: commit to order at the exchange"
        result.add(figure, percentile(ours, share), "ms", percentile(theirs, share))
    return [result]


def _one(here: Floor) -> float:
    published = accounts.publish(here)
    accounts.wait_settled(published, 30)
    [order] = accounts.accepted_since(here, published.committed_ns)
    return (order.accepted_monotonic_ns - published.committed_ns) / 1e6
