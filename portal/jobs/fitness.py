"""What a worker or a scheduler looks at before it starts: a Redis that keeps what it is given, and the schema
of this version. Somebody who is away is no reason not to start: that is what the loops are for."""

import logging

from flask import Flask
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal.db import db
from portal.errors import ConfigError
from portal.services import redis_state, schema

logger = logging.getLogger(__name__)


def require_redis(app: Flask) -> None:
    """Raises ConfigError when this Redis may throw jobs away, or takes none."""
    try:
        wrong = redis_state.unfit(app.extensions["portal_redis"])
    except (RedisError, OSError) as error:
        logger.warning("Redis does not answer yet (%s)", type(error).__name__)
        return
    if wrong:
        raise ConfigError(f"{wrong}. Nothing was started.")


def require_fit(app: Flask) -> None:
    """As `require_redis`, and raises ConfigError when the schema is not this version's."""
    require_redis(app)
    try:
        with app.app_context():
            wrong = schema.mismatch(schema.applied())
            db.session.rollback()
    except SQLAlchemyError as error:
        logger.warning("PostgreSQL does not answer yet (%s)", type(error).__name__)
        return
    if wrong:
        raise ConfigError(
            f"{wrong} Nothing was started. Run `portal db upgrade`; a schema that is newer needs the newer"
            " program."
        )
