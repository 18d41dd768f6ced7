"""The exchange's own clock. Its offset can be moved to rehearse clock errors without touching the machine."""

import time


class Clock:
    """Milliseconds and nanoseconds since the epoch, as the exchange sees them."""

    def __init__(self) -> None:
        self.offset_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms
