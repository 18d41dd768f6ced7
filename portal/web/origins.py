"""Whether a request was sent by a page of this portal. What the browser says about it cannot be chosen by
another site's page; a request that says nothing is taken for a foreign one."""

from urllib.parse import urlsplit

from flask import request


def is_own() -> bool:
    """Whether a page of ours sent this request, as far as the browser proves it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is not None:
        return _is_here(origin)
    return referring_address() is not None


def referring_address() -> str | None:
    """Path and query of the page of ours that this request came from."""
    address = request.headers.get("Referer", "")
    if not _is_here(address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _is_here(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # The host alone: a proxy that ends TLS may hide the scheme from us.
    return parts.scheme in ("http", "https") and parts.netloc == request.host
