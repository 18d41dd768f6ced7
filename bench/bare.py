"""The baseline: ccxt and nothing else. A process of its own that reads a task from stdin, trades once per
account, and prints what it cost. Run by the other modules, never imported by the portal."""

import json
import resource
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ccxt

QUANTITY = 0.001
OPTIONS = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False}


def client(url: str, keys: dict[str, str]) -> Any:
    """One ccxt object, as ccxt's documentation makes it, pointed at the practice exchange."""
    made = ccxt.binance({**keys, "enableRateLimit": False, "options": dict(OPTIONS)})
    made.urls["api"] = {
        name: f"{url}/{address.split('/', 3)[3]}" if isinstance(address, str) else address
        for name, address in made.urls["api"].items()
    }
    return made


def clients(url: str, accounts: list[dict[str, str]]) -> list[Any]:
    """One object per account; markets loaded once and shared."""
    first = client(url, {})
    first.load_markets()
    made = [client(url, keys) for keys in accounts]
    for each in made:
        each.set_markets_from_exchange(first)
    return made


def order(exchange: Any, symbol: str) -> float:
    """Place one market order; the seconds it took."""
    began = time.perf_counter()
    exchange.create_order(symbol, "market", "buy", QUANTITY)
    return time.perf_counter() - began


def fan_out(task: dict[str, Any]) -> dict[str, Any]:
    made = clients(task["url"], task["accounts"])
    before, began_ns = cpu(), time.monotonic_ns()
    with ThreadPoolExecutor(task["threads"]) as pool:
        list(pool.map(lambda each: order(each, task["symbol"]), made))
    return {"began_ns": began_ns, "cpu_ms_per_order": (cpu() - before) / len(made) * 1000}


def single(task: dict[str, Any]) -> dict[str, Any]:
    """Warm orders, one after the other; the moment each call began."""
    exchange = clients(task["url"], task["accounts"][:1])[0]
    order(exchange, task["symbol"])
    began = []
    for _ in range(task["count"]):
        began.append(time.monotonic_ns())
        order(exchange, task["symbol"])
    return {"began_ns": began}


def prices(task: dict[str, Any]) -> dict[str, Any]:
    """One price read per position."""
    exchange = clients(task["url"], [{}])[0]
    took = []
    for _ in range(task["count"]):
        began = time.perf_counter()
        exchange.fetch_ticker(task["symbol"])
        took.append(time.perf_counter() - began)
    return {"seconds_per_read": statistics.fmean(took)}


def cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    given = json.load(sys.stdin)
    print(json.dumps({"fan_out": fan_out, "single": single, "prices": prices}[given["what"]](given)))
