"""Tells the administrators that somebody wrote a job into Redis which is none of ours. Runs nothing of it."""

import logging

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal.logs import scrub
from portal.services import house_alarms

logger = logging.getLogger(__name__)

TITLE = "A job that is none of ours was found in Redis"
_ADVICE = (
    "It was refused and nothing of it was run. Either another program shares this Redis, or somebody can "
    "write into it who should not: see who has access, change its password, give Portico a Redis of its own."
)
_LONGEST = 200


def report_refusal(app: Flask, sentence: str) -> None:
    """Notify the administrators, at most once an hour. Commits. Never raises for the database: the worker's
    log and the dashboard have said it already."""
    try:
        with app.app_context():
            house_alarms.tell(TITLE, f"{scrub(sentence)[:_LONGEST]}. {_ADVICE}")
    except SQLAlchemyError:
        logger.warning("the administrators could not be told about a refused job", exc_info=True)
