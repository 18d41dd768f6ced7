"""The administration: one view per thing, grouped in the order in which people work."""

from flask import Flask
from flask_admin import Admin
from flask_admin.theme import Bootstrap4Theme

from portal.admin.dashboard import DashboardView
from portal.admin.menu import GROUPS
from portal.admin.unresolved import orders_in_doubt
from portal.db import db
from portal.web.headers import csp_nonce


def init_app(app: Flask) -> None:
    """Attach the administration at `/admin/` and the queues at `/admin/rq/`. Opens no connection."""
    admin = Admin(
        app,
        name="Portico",
        index_view=DashboardView(name="Dashboard", url="/admin"),
        theme=Bootstrap4Theme(),
        csp_nonce_generator=csp_nonce,
    )
    app.add_template_global(orders_in_doubt)
    for group, views in GROUPS.items():
        for view, model, name, path in views:
            # Endpoints have a prefix, so that they cannot collide with the portal's pages.
            endpoint = "rq_dashboard" if path == "rq" else f"admin_{path}"
            about = () if model is None else (model, db)
            admin.add_view(view(*about, name=name, endpoint=endpoint, url=path, category=group))
