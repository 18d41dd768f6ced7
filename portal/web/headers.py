"""Response headers of every page: a content security policy with a nonce per request, no sniffing, no cache.

One policy for the whole portal, no exceptions: pages have no inline handlers and no style attributes.
"""

import secrets

from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.web import static_files

_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)


def init_app(app: Flask) -> None:
    """Set the headers after every request, and believe as many proxies as the settings name."""
    proxies = app.extensions["portal_settings"].trusted_proxies
    if proxies:
        trusted = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)
        app.wsgi_app = trusted  # type: ignore[method-assign]
    static_files.init_app(app)
    app.after_request(_add_headers)
    app.add_template_global(csp_nonce)


def csp_nonce() -> str:
    """The nonce of this request, for `<script nonce>` and `<style nonce>`."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=csp_nonce()))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers["Cache-Control"] = static_files.caching(response) if static_files.is_static() else "no-store"
    if request.is_secure or current_app.extensions["portal_settings"].session_cookie_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
