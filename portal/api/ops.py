"""What operators' machines ask: is it alive, is it ready, how is it doing."""

import ipaddress

from flask import Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST

from portal.api import limits, metrics, readiness
from portal.api.auth import PUBLIC, bearer_token, missing_scope, require_admin, scope
from portal.api.blueprints import ops
from portal.db import JsonDict

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@ops.get("/healthz")
@scope(PUBLIC)
def healthz() -> JsonDict:
    """The process answers. Asks nobody, so that a broken database does not get a healthy process
    restarted."""
    return {"status": "ok"}


@ops.get("/readyz")
@scope(PUBLIC)
def readyz() -> tuple[JsonDict, int]:
    findings = readiness.check()
    ready = all(finding.ok for finding in findings.values())
    checks = {name: {"ok": finding.ok, "message": finding.message} for name, finding in findings.items()}
    return {"status": "ready" if ready else "not_ready", "checks": checks}, 200 if ready else 503


@ops.get("/metrics")
@scope(PUBLIC)  # decided by `_may_read_metrics`
def show_metrics() -> Response:
    _may_read_metrics()
    return Response(metrics.render(), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics() -> None:
    """Raises 401 or 403 unless the caller has an administrator's `read` token, or is on this machine with no
    proxy in between: behind one, everybody has its address."""
    if not request.headers.get("Authorization") and _is_direct_from_here():
        return
    token = bearer_token()
    limits.check("read", token.id)
    if "read" not in token.scopes:
        raise missing_scope("read")
    require_admin(token.user, "read the metrics")


def _is_direct_from_here() -> bool:
    if current_app.extensions["portal_settings"].trusted_proxies or any(
        name in request.headers for name in _FORWARDED
    ):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
