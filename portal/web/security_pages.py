"""The security page: everything that protects one's own account in one place. Password, second factor and
passkeys are changed on Flask-Security's pages; services write the rest."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.config import Settings
from portal.db import db
from portal.errors import NotFoundError, ValidationError
from portal.models import ApiToken
from portal.models.token import SCOPES
from portal.services import sessions, tokens
from portal.web.access import me, pages
from portal.web.connection_forms import show_errors
from portal.web.scoping import one, owned_by
from portal.web.security_sessions import must_set_up_factor, this_session
from portal.web.shown_once import shows_once

account = pages("account", __name__, "/account")

_SCOPE_WORDS = {
    "signals:write": "Publish signals, also by webhook",
    "read": "Read signals, executions, positions and connections",
    "positions:write": "Close positions",
}


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A new API token."""

    name = StringField(
        "What for", description="Such as: TradingView alerts.",
        validators=[InputRequired("Say what it is for; you will want to know."), Length(max=100)],
    )  # fmt: skip
    scopes = SelectMultipleField(
        "May be used to", choices=[SelectChoice(scope, _SCOPE_WORDS.get(scope, scope)) for scope in SCOPES],
        option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False),
        validators=[InputRequired("Choose at least one.")],
    )  # fmt: skip


@account.get("")
def show() -> str:
    return _page(TokenForm(formdata=None))


@account.post("/tokens")
def make_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    user, form = me(), TokenForm()
    if form.validate_on_submit():
        try:
            raw = tokens.create_token(user, form.scopes.data or (), form.name.data, actor=user)
        except ValidationError as error:
            show_errors(form, error)
        else:
            shows_once()
            return render_template("security/token.html", raw=raw, name=form.name.data)
    return _page(form), 422


@account.post("/tokens/<row_id:token_id>/revoke")
def revoke_token(token_id: int) -> ResponseReturnValue:
    token = one(owned_by(me(), ApiToken), ApiToken, token_id)
    tokens.revoke(token.id, actor=me())
    flash("The token was revoked. Whatever used it is shut out from now on.", "success")
    return redirect(url_for("account.show"))


@account.post("/sessions/<row_id:session_id>/end")
def end_session(session_id: int) -> ResponseReturnValue:
    here = this_session()
    if here is not None and here.id == session_id:
        raise NotFoundError("That is the session you are in. Log out to end it; nothing was changed.")
    sessions.end_session(session_id, me(), actor=me())
    flash("That session was ended.", "success")
    return redirect(url_for("account.show"))


@account.post("/sessions/end-others")
def end_others() -> ResponseReturnValue:
    here, user = this_session(), me()
    ended = sessions.end_sessions(user.id, keep=here.id if here is not None else None, actor=user)
    words = f"{ended} other session{'' if ended == 1 else 's'} ended." if ended else "There was no other."
    flash(words, "success")
    return redirect(url_for("account.show"))


def _page(form: TokenForm) -> str:
    user = me()
    settings: Settings = current_app.extensions["portal_settings"]
    mine = owned_by(user, ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.id.desc())
    return render_template(
        "security/account.html",
        form=form,
        tokens=db.session.scalars(mine).all(),
        sessions=sessions.live_sessions(user, settings),
        here=this_session(),
        codes_left=len(user.mf_recovery_codes or []),
        factor_missing=must_set_up_factor(user, settings),
        scope_words=_SCOPE_WORDS,
    )
