"""A process that publishes one signal and ends, as a webhook's handler does, so that it can be struck."""

import json
import sys
from typing import Any

import sqlalchemy as sa

from portal import create_app
from portal.db import db
from portal.models import User
from portal.services import signals


def publish(text: str) -> int:
    """Submit the signal of this JSON as the first user, and print its id. Returns the exit code."""
    data: dict[str, Any] = json.loads(text)
    app = create_app(faces=False)
    with app.app_context():
        author = db.session.execute(sa.select(User).order_by(User.id).limit(1)).scalar_one()
        done = signals.submit(data, author=author, source="webhook", publish=True)
        print(done.signal_id, done.executions, file=sys.stderr)
    return 0
