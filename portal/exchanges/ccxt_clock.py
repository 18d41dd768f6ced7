"""How far our clock is from a venue's, as exactly as its answers allow. Keeps nothing."""

from typing import Any

#: An answer that took this long may be half of it off: ask again, and believe the quickest.
_SLOW_MS = 400
_TRIES = 3
#: These tell the time in whole seconds: on average half a second has passed since.
_WHOLE_SECONDS = frozenset({"btse", "coinbase", "coinbaseexchange", "digifinex", "kraken", "lighter"})


def measure(client: Any) -> int | None:
    """Our clock minus the venue's in milliseconds; None when it does not say. Raises what ccxt raises when
    no answer came at all. `client` needs no key.
    """
    if client.has.get("fetchTime") is not True:
        return None
    quickest: tuple[int, int] | None = None
    for _ in range(_TRIES):
        try:
            sample = _sample(client)
        except Exception:
            if quickest is None:
                raise
            break
        if sample is None:
            return None
        quickest = min(sample, quickest or sample)
        if quickest[0] <= _SLOW_MS:
            break
    return quickest[1] if quickest else None


def _sample(client: Any) -> tuple[int, int] | None:
    """How long the answer took, and the offset by it."""
    before = client.milliseconds()
    server = client.fetch_time()
    after = client.milliseconds()
    if not server:
        return None
    passed = 500 if client.id in _WHOLE_SECONDS else 0
    return after - before, (before + after) // 2 - int(server) - passed
