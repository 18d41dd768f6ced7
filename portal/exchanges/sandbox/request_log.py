"""Counts of requests per endpoint and account, and the latest requests. Tests and benches read it."""

from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One answered (or deliberately unanswered) request. `status` 0 means that no answer was sent."""

    at_ms: int
    method: str
    path: str
    account_id: str
    status: int
    fault: str


class RequestLog:
    """Counters since the last reset."""

    def __init__(self) -> None:
        self.by_endpoint: Counter[str] = Counter()
        self.by_path: Counter[str] = Counter()
        self.by_account: Counter[tuple[str, str]] = Counter()
        self.recent: deque[LoggedRequest] = deque(maxlen=2000)

    def add(self, endpoint: str, request: LoggedRequest) -> None:
        self.by_endpoint[endpoint] += 1
        self.by_path[f"{request.method} {request.path}"] += 1
        self.by_account[request.account_id, endpoint] += 1
        self.recent.append(request)
