"""The list of portal pages; `portal/web/__init__.py` registers what stands here."""

from flask import Blueprint

from portal.web.analytics import analytics
from portal.web.channels import channels
from portal.web.connections import connections
from portal.web.executions import executions
from portal.web.home import home
from portal.web.invitations import invitations
from portal.web.limits import limits
from portal.web.logs import logs
from portal.web.notifications import notifications
from portal.web.plans import plans
from portal.web.positions import positions
from portal.web.presets import presets
from portal.web.security_pages import account
from portal.web.welcome import welcome

BLUEPRINTS: tuple[Blueprint, ...] = (
    home,
    connections,
    positions,
    executions,
    notifications,
    channels,
    analytics,
    account,
    invitations,
    welcome,
    presets,
    plans,
    limits,
    logs,
)
