"""Closing everything in a scope: choose whose positions, see what it would close, type it, watch it happen.
The work is done by `services.close_all` and by workers."""

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.admin.access import actor
from portal.admin.confirming import found
from portal.admin.routing import route
from portal.errors import PortalError, ValidationError
from portal.models import CloseWish
from portal.services.close_all import preview, progress, scopes, wishes
from portal.services.close_all.scopes import Scope

_WORDS = {
    "everything": "everything",
    "exchange": "one exchange",
    "connection": "one connection",
    "symbol": "one symbol",
    "user": "one user",
    "signal": "one signal",
}


def phrase(scope: Scope) -> str:
    """What somebody types who means it."""
    return f"close {scope.text}"


class CloseAllPages:
    """Two pages below the positions; mixed into their view, which renders and keeps strangers out."""

    render: Any

    @route("/close-all", methods=("GET", "POST"))
    def close_all(self) -> ResponseReturnValue:
        """Ask, then have all of them closed at the market."""
        if request.method == "POST":
            return self._close_all()
        name, key = request.args.get("scope", "everything"), request.args.get("key", "").strip()
        try:
            scope = scopes.find(f"{name}:{key}" if key else name)
        except PortalError as error:
            return self._choose(None, name, key, problem=_said(error)), 422
        return self._choose(scope, name, key)

    @route("/close-all/<row_id:wish_id>", methods=("GET",))
    def close_all_result(self, wish_id: int) -> ResponseReturnValue:
        """How far it has come."""
        wish = found(CloseWish, wish_id)
        return str(self.render("admin/close_all_result.html", wish=wish, progress=progress.progress(wish)))

    def _close_all(self) -> ResponseReturnValue:
        form = request.form
        try:
            scope = scopes.find(form.get("in", ""))
        except PortalError as error:
            flash(f"{_said(error)} Nothing was sent.", "error")
            return redirect(url_for(".close_all"))
        if form.get("confirmation", "").strip().casefold() != phrase(scope).casefold():
            refused = f"Type {phrase(scope)} to close them all. Nothing was sent."
            return self._choose(scope, scope.name, scope.key, refused=refused), 422
        try:
            wish_id = wishes.close_all(
                scope, form_key=form.get("form_key", ""), deny_entries="deny_entries" in form, actor=actor()
            )
        except PortalError as error:
            return self._choose(scope, scope.name, scope.key, refused=_said(error)), 422
        return redirect(url_for(".close_all_result", wish_id=wish_id))

    def _choose(
        self, scope: Scope | None, name: str, key: str, *, problem: str = "", refused: str = ""
    ) -> str:
        accounts = preview.preview(scope) if scope else []
        shown: str = self.render(
            "admin/close_all.html", scope=scope, name=name, key=key, problem=problem, refused=refused,
            names=_WORDS, accounts=accounts, totals=preview.totals(accounts),
            waiting=preview.waiting_entries(scope) if scope else 0,
            phrase=phrase(scope) if scope else "", form_key=request.form.get("form_key") or uuid.uuid4().hex,
        )  # fmt: skip
        return shown


def _said(error: PortalError) -> str:
    if isinstance(error, ValidationError):
        return f"{'; '.join(f'{name} {reason}' for name, reason in error.errors.items()).capitalize()}."
    return error.message
