"""From an exception to the sentence and the exit code of a command. Unknown exceptions keep their
traceback."""

import click

from portal.errors import PortalError, ValidationError

_NOTHING = "Nothing was done."


def explain(error: Exception) -> click.ClickException | None:
    """The failure to show, or None when this exception is not one that a person should meet."""
    if isinstance(error, ValidationError):
        return click.UsageError("; ".join(f"{field} {reason}" for field, reason in error.errors.items()))
    if isinstance(error, PortalError):
        return click.ClickException(error.message)
    sentence = _database_sentence(error) or _redis_sentence(error)
    return click.ClickException(sentence) if sentence else None


def _database_sentence(error: Exception) -> str | None:
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None)
    if state in {"42P01", "42703"}:  # undefined table, undefined column
        return f"The database schema is not up to date. {_NOTHING} Run `portal db upgrade` first."
    if state == "53100":
        return f"The disk of the database is full. {_NOTHING} Free space there, then run the command again."
    if state in {"55P03", "57014"}:  # lock not available, statement time-out
        return f"The database was too busy to answer in time. {_NOTHING} Run the command again."
    if error.connection_invalidated or state is None or state.startswith(("08", "28", "3D", "57P")):
        words = str(error.orig).strip().splitlines() or ["no reason given"]
        return (
            f"The database could not be reached ({words[0]}). "
            "Check DATABASE_URL and that PostgreSQL runs, then run the command again."
        )
    return None


def _redis_sentence(error: Exception) -> str | None:
    from redis import RedisError

    if not isinstance(error, RedisError):
        return None
    return (
        f"Redis could not be reached ({str(error).rstrip('.')}). "
        "Check REDIS_URL and that Redis runs, then run the command again."
    )
