"""Keeps the control plane to this machine and its own pages: loopback peers and Host, JSON posts."""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

from portal.exchanges.sandbox.errors import VenueError


def check_control_request(request: web.BaseRequest) -> None:
    """Raises VenueError 403 or 415 when a request comes from elsewhere or could be forged by another site."""
    if not _is_loopback(request.remote or ""):
        raise VenueError(-403, "The control plane answers this machine only.", 403)
    host = request.headers.get("Host", "")
    if not _is_loopback(urlsplit(f"//{host}").hostname or ""):
        raise VenueError(-403, "The control plane must be addressed as 127.0.0.1 or localhost.", 403)
    if request.method == "GET":
        return
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise VenueError(-415, "Send JSON with Content-Type: application/json.", 415)
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise VenueError(-403, "The request came from another site.", 403)


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
