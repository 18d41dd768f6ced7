"""Every address, what it takes and what it answers."""

from portal.api.openapi.build import TEXT, one_of, ref
from portal.api.openapi.responses import errors
from portal.db import JsonDict
from portal.trading.types import PositionStatus


def _json(schema: str, text: str) -> JsonDict:
    return {"description": text, "content": {"application/json": {"schema": ref(schema)}}}


def _in(place: str, name: str, schema: JsonDict, text: str = "") -> JsonDict:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": text}


def _operation(name: str, text: str, scope: str | None, answers: JsonDict, **more: object) -> JsonDict:
    security = [{"token": [scope]}] if scope else []
    return {"operationId": name, "summary": text, "security": security, "responses": answers, **more}


_ID = _in("path", "id", {"type": "integer", "minimum": 1})
_PAGING = [
    _in("query", "after", TEXT, "The `next` of the answer before."),
    _in("query", "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}),
]
_KEY = _in("header", "Idempotency-Key", TEXT, "Another way to send `dedupe_key`.")
_TAKEN = {
    "201": _json("Submitted", "The signal is new."),
    "200": _json("Submitted", "The signal was here before; nothing was done."),
}
_NEW_SIGNAL = {"required": True, "content": {"application/json": {"schema": ref("NewSignal")}}}
_ALERT = {
    "required": True,
    "description": "JSON, or text: one `key=value` per line, or separated by `;` or `,`.",
    "content": {"application/json": {"schema": {"type": "object"}}, "text/plain": {"schema": TEXT}},
}

PATHS: JsonDict = {
    "/api/v1/signals": {
        "post": _operation(
            "submitSignal", "Take a signal, and publish it unless it says otherwise (administrators only).",
            "signals:write", _TAKEN | errors(401, 403, 409, 413, 415, 422),
            requestBody=_NEW_SIGNAL, parameters=[_KEY],
        ),
    },
    "/api/v1/signals/{id}": {
        "parameters": [_ID],
        "get": _operation(
            "showSignal", "One signal.", "read",
            {"200": _json("Signal", "The signal.")} | errors(401, 403, 404)
        ),
    },
    "/api/v1/signals/{id}/executions": {
        "parameters": [_ID],
        "get": _operation(
            "listExecutions", "What became of it on each connection.", "read",
            {"200": _json("ExecutionPage", "A page.")} | errors(401, 403, 404, 422), parameters=_PAGING,
        ),
    },
    "/api/v1/positions": {
        "get": _operation(
            "listPositions", "Positions.", "read",
            {"200": _json("PositionPage", "A page.")} | errors(401, 403, 404, 422),
            parameters=[
                _in("query", "status", one_of(PositionStatus)),
                _in("query", "connection_id", {"type": "integer", "minimum": 1}),
                *_PAGING,
            ],
        ),
    },
    "/api/v1/positions/{id}/close": {
        "parameters": [_ID],
        "post": _operation(
            "closePosition", "Ask for a close at the market. A repeat changes nothing.", "positions:write",
            {"202": _json("Closing", "A worker closes it.")} | errors(401, 403, 404, 409),
        ),
    },
    "/api/v1/connections": {
        "get": _operation(
            "listConnections", "Connections, without their secrets.", "read",
            {"200": _json("ConnectionPage", "A page.")} | errors(401, 403, 422), parameters=_PAGING,
        ),
    },
    "/api/v1/connections/{id}/test": {
        "parameters": [_ID],
        "post": _operation(
            "testConnection", "Ask for a test; read the outcome from the connection.", "positions:write",
            {"202": _json("Testing", "A worker tests it.")} | errors(401, 403, 404),
        ),
    },
    "/api/v1/openapi.json": {
        "get": _operation("describe", "This description.", None, {"200": {"description": "OpenAPI 3.1."}}),
    },
    "/hooks/tradingview/{token}": {
        "parameters": [_in("path", "token", TEXT, "An administrator's token with the scope signals:write.")],
        "post": _operation(
            "takeAlert", "Take a TradingView alert.", None, _TAKEN | errors(403, 404, 409, 413, 422),
            requestBody=_ALERT, parameters=[_KEY],
        ),
    },
    "/healthz": {"get": _operation("alive", "The process answers.", None, {"200": _json("Alive", "Yes.")})},
    "/readyz": {
        "get": _operation(
            "ready", "The process can do its work.", None,
            {"200": _json("Readiness", "It can."), "503": _json("Readiness", "Something is missing.")},
        ),
    },
    "/metrics": {
        "get": _operation(
            "metrics", "Figures for Prometheus. From this machine without a token.", "read",
            {"200": {"description": "Prometheus text.", "content": {"text/plain": {"schema": TEXT}}}}
            | errors(401, 403),
        ),
    },
}  # fmt: skip
