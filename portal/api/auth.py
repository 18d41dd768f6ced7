"""Who is calling: a Bearer token and its scope. Cookies are never read here, which is why these routes need
no CSRF token."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from portal.api import limits
from portal.api.errors import ApiError
from portal.models import ApiToken, User
from portal.services import tokens

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"


def scope(name: str) -> Callable[[View], View]:
    """Say which scope a view needs, or `PUBLIC`. A view that says nothing keeps the app from starting."""

    def mark(view: View) -> View:
        view.portal_scope = name  # type: ignore[attr-defined]
        return view

    return mark


def scope_of(app: Flask, endpoint: str) -> str | None:
    needed: str | None = getattr(app.view_functions[endpoint], "portal_scope", None)
    return needed


def require_scopes(app: Flask, blueprint: str) -> None:
    """Raises RuntimeError when a view of the blueprint does not say which scope it needs."""
    for endpoint in app.view_functions:
        if endpoint.startswith(f"{blueprint}.") and scope_of(app, endpoint) is None:
            raise RuntimeError(f"{endpoint} does not say which scope it needs")


def check_request() -> None:
    """For `before_request`: the caller is known, may do this, and does not do it too often."""
    if request.endpoint is None or request.method == "OPTIONS":
        return
    needed = scope_of(current_app, request.endpoint)
    if needed == PUBLIC:
        return
    token = bearer_token()
    limits.check("read" if request.method in {"GET", "HEAD"} else "write", token.id)
    if needed not in token.scopes:
        raise missing_scope(str(needed))
    g.api_user = token.user


def bearer_token() -> ApiToken:
    """The token in the Authorization header. Raises 401."""
    kind, _, raw = request.headers.get("Authorization", "").partition(" ")
    token = tokens.authenticate(raw.strip()) if kind.lower() == "bearer" and raw.strip() else None
    if token is None:
        challenge = 'Bearer realm="portico"' + (', error="invalid_token"' if kind else "")
        raise ApiError(
            401,
            "unauthorized",
            "Send a valid token as `Authorization: Bearer TOKEN`; `portal create-token` makes one. "
            "Nothing was done.",
            headers={"WWW-Authenticate": challenge},
        )
    return token


def missing_scope(needed: str) -> ApiError:
    return ApiError(
        403,
        "missing_scope",
        f"This token lacks the scope {needed}; nothing was done. Create a token that has it.",
    )


def require_admin(user: User, what: str) -> None:
    """Raises 403 for a trader."""
    if not user.is_admin:
        raise ApiError(
            403,
            "admin_only",
            f"Only an administrator's token may {what}; this one belongs to a trader. Nothing was done.",
        )


def caller() -> User:
    """The user behind the token of this request."""
    user: User = g.api_user
    return user
