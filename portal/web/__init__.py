"""Portal pages for account owners, and what all pages share: login, security headers, errors, formatting.

Rooms that belong to one thing are blueprints listed in `blueprints.py`. No writes here; services write.
"""

from flask import Flask

from portal.web import (
    bad_text,
    errors,
    formatting,
    headers,
    kept_forms,
    position_figures,
    protection_words,
    row_ids,
    security,
    unread,
    words,
)
from portal.web.blueprints import BLUEPRINTS


def init_app(app: Flask) -> None:
    """Attach login, CSRF protection, headers, error pages, template helpers and the portal pages. Opens no
    connection."""
    headers.init_app(app)
    bad_text.init_app(app)
    unread.init_app(app)
    security.init_app(app)
    kept_forms.init_app(app)
    errors.init_app(app)
    formatting.init_app(app)
    row_ids.init_app(app)
    app.jinja_env.globals.update(
        words=words, position_figures=position_figures, protection_words=protection_words
    )
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    unread.init_last(app)
