"""The HTTP border: one request in, one answer out, with latency and scripted faults in between."""

import asyncio
import logging

from aiohttp import web

from portal.exchanges.sandbox import (
    control_api,
    market_data_api,
    perp_account_api,
    perp_api,
    spot_api,
    status_page,
    wallet_api,
)
from portal.exchanges.sandbox.auth import authenticate, key_owner
from portal.exchanges.sandbox.call import Call, Reply, Route, Routes, dumps, error_reply, parse_params
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.fault_delivery import Delivery
from portal.exchanges.sandbox.guard import check_control_request
from portal.exchanges.sandbox.request_log import LoggedRequest

log = logging.getLogger(__name__)

VENUE_ROUTES: Routes = {
    **market_data_api.ROUTES,
    **spot_api.ROUTES,
    **perp_api.ROUTES,
    **perp_account_api.ROUTES,
    **wallet_api.ROUTES,
}


class Gateway:
    """Turns HTTP requests into calls. Latency and faults never touch control requests."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._exchange = control.exchange

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        route = VENUE_ROUTES.get((request.method, path))
        body = (await request.read()).decode(errors="replace") if request.body_exists else ""
        call = Call(
            request.method, path, query, body, request.headers.get("X-MBX-APIKEY", ""), parse_params(query)
        )
        if route is None:
            return respond(self._answer_control(request, call))
        if body:
            call.params.update(parse_params(body))
        call.account = self._exchange.accounts.by_key.get(call.api_key)
        latency = self._exchange.latency
        pause = latency.get(route.endpoint, latency.get("*", 0.0)) / 2 if latency else 0.0
        if pause:
            await asyncio.sleep(pause)
        if self._exchange.faults.rules:
            response = await self._with_faults(request, route, call)
        else:
            reply = answer(self._exchange, route, call)
            self._log(route, call, reply.status, "")
            response = respond(reply)
        if pause:
            await asyncio.sleep(pause)
        return response

    async def _with_faults(self, request: web.BaseRequest, route: Route, call: Call) -> web.StreamResponse:
        account_id = call.account.account_id if call.account else ""
        faults = self._exchange.faults.hit(route.endpoint, account_id, call.params.get("symbol"))
        delivery = Delivery(request, faults)
        reply = await delivery.before()
        if reply is None and not delivery.silent:
            call.treatment = delivery.treatment()
            reply = answer(self._exchange, route, call)
            reply = await delivery.after(reply)
        status = 0 if reply is None else reply.status
        self._log(route, call, status, ",".join(fault.kind for fault in faults))
        return respond(reply or Reply(200, b""))

    def _log(self, route: Route, call: Call, status: int, fault: str) -> None:
        account_id = call.account.account_id if call.account else ""
        now = self._exchange.clock.now_ms()
        entry = LoggedRequest(now, call.method, call.path, account_id, status, fault)
        self._exchange.requests.add(route.endpoint, entry)

    def _answer_control(self, request: web.BaseRequest, call: Call) -> Reply:
        handler = control_api.ROUTES.get((call.method, call.path))
        page = call.method == "GET" and call.path == "/"
        if handler is None and not page:
            return error_reply(-5000, f"Path {call.path}, Method {call.method} is invalid", 404)
        try:
            check_control_request(request)
            if handler is None:
                return status_page.render(self._control)
            return Reply(200, dumps(handler(self._control, call)))
        except VenueError as error:
            return error_reply(error.code, error.message, error.status)


def answer(exchange: Exchange, route: Route, call: Call) -> Reply:
    """Authenticates and runs the handler. Nothing waits in here, so nothing can come in between."""
    try:
        if route.security == "signed":
            call.account = authenticate(exchange, call)
        elif route.security == "key":
            call.account = key_owner(exchange, call)
        return Reply(200, dumps(route.handler(exchange, call)))
    except VenueError as error:
        return error_reply(error.code, error.message, error.status)
    except Exception:
        log.exception("practice exchange failed on %s %s", call.method, call.path)
        return error_reply(-1000, "An unknown error occurred while processing the request.", 500)


def respond(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, content_type=reply.content_type, headers=reply.headers or None
    )
