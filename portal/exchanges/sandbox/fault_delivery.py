"""Carries out the faults that hit one request: before acceptance, to the acceptance, and to the answer."""

import asyncio
import json
from decimal import Decimal

from aiohttp import web

from portal.exchanges.sandbox.call import Reply, dumps, error_reply
from portal.exchanges.sandbox.faults import AFTER, BEFORE, Fault
from portal.exchanges.sandbox.placement import Treatment

HTML = b"<html><head><title>Error</title></head><body><h1>Bad gateway</h1><p>cloud edge</p></body></html>"
IDS = ("orderId", "clientOrderId", "algoId", "clientAlgoId", "fills")
POLL_SECONDS = 0.02
DRIPS = 20


class Delivery:
    """The faults of one request. `silent` is set once the connection was closed without an answer."""

    def __init__(self, request: web.BaseRequest, faults: list[Fault]) -> None:
        self._request = request
        self._faults = faults
        self.silent = False

    async def before(self) -> Reply | None:
        """Runs the faults that come before acceptance. A reply (or silence) means: not accepted."""
        for fault in self._faults:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "close_before_accept":
                self._hang_up()
                return None
            elif fault.kind in BEFORE:
                return _refusal(fault)
        return None

    def treatment(self) -> Treatment:
        """What the faults change about the acceptance of an order."""
        invisible_ms, end_status, fraction = 0, "", None
        for fault in self._faults:
            if fault.kind == "invisible":
                invisible_ms = int(fault.seconds * 1000)
            elif fault.kind == "partial_fill":
                fraction = Decimal(fault.fraction)
            elif fault.kind == "cancelled_by_exchange":
                end_status, fraction = "EXPIRED", Decimal(fault.fraction)
        return Treatment(invisible_ms, end_status, fraction)

    async def after(self, reply: Reply) -> Reply | None:
        """Turns the true answer into what the client sees; None when it sees no whole answer."""
        for fault in self._faults:
            if fault.kind in AFTER:
                return await self._spoil(fault, reply)
        return reply

    async def _spoil(self, fault: Fault, reply: Reply) -> Reply | None:
        if fault.kind == "http_after":
            return _error_page(fault)
        if fault.kind == "empty_200":
            return Reply(200, b"")
        if fault.kind == "garbage_200":
            return Reply(200, HTML, "text/html")
        if fault.kind == "json_without_id":
            return Reply(reply.status, _without_ids(reply.body))
        if fault.kind == "accept_no_answer":
            await self._hold(fault.seconds)
        else:
            await self._send_slowly(reply, fault)
        self._hang_up()
        return None

    async def _hold(self, seconds: float) -> None:
        """Keeps the client waiting until it gives up, at most `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            transport = self._request.transport
            if transport is None or transport.is_closing():
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _send_slowly(self, reply: Reply, fault: Fault) -> None:
        """Writes the answer by hand: half of it (truncated_json) or all of it in drips (slow_body)."""
        head = (
            f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(reply.body)}\r\n\r\n"
        ).encode()
        if fault.kind == "truncated_json":
            self._write(head + reply.body[: len(reply.body) // 2])
            return
        self._write(head)
        size = max(1, len(reply.body) // DRIPS)
        for start in range(0, len(reply.body), size):
            await asyncio.sleep(fault.seconds / DRIPS)
            self._write(reply.body[start : start + size])

    def _write(self, data: bytes) -> None:
        transport = self._request.transport
        if transport is not None and not transport.is_closing():
            transport.write(data)

    def _hang_up(self) -> None:
        self.silent = True
        if self._request.transport is not None:
            self._request.transport.close()


def _refusal(fault: Fault) -> Reply:
    if fault.kind == "rate_limit":
        status = fault.status if fault.status in (418, 429) else 429
        reply = error_reply(-1003, "Too much request weight used; please use WebSocket Streams.", status)
        reply.headers["Retry-After"] = str(fault.retry_after)
        return reply
    if fault.kind == "maintenance":
        return error_reply(1, "System is under maintenance.", 503)
    if fault.kind == "clock_error":
        return error_reply(-1021, "Timestamp for this request is outside of the recvWindow.", 400)
    return _error_page(fault)


def _error_page(fault: Fault) -> Reply:
    if fault.body == "html":
        return Reply(fault.status, HTML, "text/html")
    if fault.body == "empty":
        return Reply(fault.status, b"")
    if fault.body == "text":
        return Reply(fault.status, b"upstream request timeout", "text/plain")
    return error_reply(-1000, "An unknown error occurred while processing the request.", fault.status)


def _without_ids(body: bytes) -> bytes:
    value = json.loads(body)
    if isinstance(value, dict):
        value = {name: part for name, part in value.items() if name not in IDS}
    return dumps(value)
