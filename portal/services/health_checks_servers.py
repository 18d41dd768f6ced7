"""Checks of what Portico runs on: database, schema, Redis, secret files, exchanges that are held back. Reads
only."""

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from redis import Redis, RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal.config import SECRET_FILES, Settings
from portal.db import db, utcnow
from portal.environ import mask_url
from portal.services import redis_state, schema, traffic_report
from portal.services.health_checks_finding import Finding

_SKEW = timedelta(seconds=2)


def check_database(settings: Settings) -> Iterator[Finding]:
    """E001 unreachable, E003 not UTC, W101 its clock differs from ours."""
    before = utcnow()
    try:
        now, zone = db.session.execute(sa.text("SELECT clock_timestamp(), current_setting('TimeZone')")).one()
    except SQLAlchemyError as error:
        db.session.rollback()
        why = (str(getattr(error, "orig", error)).strip().splitlines() or ["no reason given"])[0]
        yield Finding(
            "portal.E001",
            f"PostgreSQL at {mask_url(str(settings.database_url))} does not answer: {why.rstrip('.')}.",
            "Start it, or correct DATABASE_URL.",
        )
        return
    after = utcnow()
    if zone not in ("UTC", "Etc/UTC"):
        yield Finding(
            "portal.E003",
            f"The database session runs in time zone {zone}.",
            "A pooler in front of PostgreSQL drops the session options; let it pass `options` through.",
        )
    if now < before - _SKEW or now > after + _SKEW:
        seconds = (now - after).total_seconds()
        yield Finding(
            "portal.W101",
            f"The clock of the database is {seconds:+.1f} s away from this machine's.",
            "Run a time service (chrony, systemd-timesyncd) on both.",
        )


def check_schema(settings: Settings) -> Iterator[Finding]:
    """E002 the migrations of this version are not applied."""
    wrong = schema.mismatch(schema.applied())
    db.session.rollback()
    if wrong:
        yield Finding(
            "portal.E002",
            wrong,
            "Run `portal db upgrade`. A schema that is newer than the program needs the newer program.",
        )


def check_redis(settings: Settings) -> Iterator[Finding]:
    """E004 unreachable, E005 it may forget jobs, E010 it takes no writes, W102 jobs are lost when it
    restarts."""
    client: Redis = current_app.extensions["portal_redis"]
    try:
        client.ping()
        policy = redis_state.eviction_policy(client)
        append_only = redis_state.setting(client, "appendonly")
        read_only = redis_state.is_read_only(client)
    except RedisError as error:
        yield Finding(
            "portal.E004",
            f"Redis at {mask_url(str(settings.redis_url))} does not answer: {str(error).rstrip('.')}.",
            "Start it, or correct REDIS_URL.",
        )
        return
    if policy not in (None, redis_state.NEVER_EVICTS):
        yield Finding(
            "portal.E005",
            f"Redis forgets keys when its memory is full (maxmemory-policy {policy}).",
            "Set maxmemory-policy to noeviction, and give Portico a Redis of its own.",
        )
    if read_only:
        yield Finding(
            "portal.E010",
            "Redis is a read-only replica: no job can be queued there.",
            "Give REDIS_URL the address of the primary.",
        )
    if append_only == "no":
        yield Finding(
            "portal.W102",
            "Redis does not write to disk (appendonly no): queued jobs are lost when it restarts.",
            "Set appendonly to yes. The sweeper asks for lost jobs again, but seconds later.",
        )


def check_traffic(settings: Settings) -> Iterator[Finding]:
    """W112 requests are held back: somebody does not answer, or asked for a pause."""
    try:
        held = traffic_report.held_back()
    except RedisError:
        return  # check_redis says so
    for each in held:
        yield Finding(
            "portal.W112",
            f"Requests are held back: {each}.",
            "It ends by itself (docs/operations.md, Limits and budgets); see the exchange's status page.",
        )


def check_secret_files(settings: Settings) -> Iterator[Finding]:
    """E006 the generated secrets can be read by others."""
    for relative in SECRET_FILES.values():
        path = settings.data_dir / relative
        mode = path.stat().st_mode & 0o777 if path.exists() else 0
        if mode & 0o077:
            yield Finding(
                "portal.E006",
                f"{path} can be read by other users of this machine (mode {mode:04o}).",
                f"chmod 600 {path}",
            )
