"""Jobs in words, at `/admin/jobs/`: what waits, runs, is planned and has failed, who works, and what a person
may do. A queue entry is only a hint, so nothing here can lose or double an order.
"""

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from redis import Redis, RedisError

from portal.admin import machine_room, ticks
from portal.admin.access import AdminOnly, actor
from portal.admin.confirming import act
from portal.admin.job_subjects import NAMED, subjects
from portal.admin.routing import route
from portal.db import transaction, utcnow
from portal.jobs import clearing, redrive
from portal.jobs.failures import meaning
from portal.jobs.kinds import kind_of
from portal.jobs.reading import look
from portal.services import audit

_LONGEST_ID = 300


class JobsView(AdminOnly, BaseView):  # type: ignore[misc]
    """The page, and three buttons."""

    @route("/")
    def index(self) -> str:
        """Everything on one page."""
        now = utcnow()
        try:
            found = look(_redis())
        except RedisError:
            return str(self.render("admin/jobs.html", found=None, kind_of=kind_of, ticks=ticks.ticks(None)))
        return str(
            self.render(
                "admin/jobs.html",
                found=found,
                ticks=ticks.ticks(_redis(), found.failed),
                schedulers=machine_room.schedulers(_redis()),
                kind_of=kind_of,
                named=NAMED,
                subjects=subjects(found.entries),
                meaning=meaning,
                now=now,
            )
        )

    @route("/redrive", methods=("POST",))
    def redrive(self) -> ResponseReturnValue:
        """Ask for a failed job again."""
        return _act(_redrive)

    @route("/forget", methods=("POST",))
    def forget(self) -> ResponseReturnValue:
        """Take one failed job off the list."""
        return _act(_forget)

    @route("/clear", methods=("POST",))
    def clear(self) -> ResponseReturnValue:
        """Take all failed jobs off the list."""
        return _act(_clear)


def _redis() -> Redis:
    found: Redis = current_app.extensions["portal_redis"]
    return found


def _act(do: Callable[[], str]) -> ResponseReturnValue:
    back = url_for(".index")
    try:
        return act(back, do)
    except RedisError:
        flash(
            "Redis does not answer. Nothing is lost: the sweeper asks again for what is left to do.", "error"
        )
        return redirect(back)


def _named() -> tuple[str, str]:
    return request.form.get("queue", ""), request.form.get("job_id", "")[:_LONGEST_ID]


def _redrive() -> str:
    queue, job_id = _named()
    call = redrive.redrive(_redis(), queue, job_id)
    _record("portal.job.redriven", job=call.name, ids=list(call.ids), queue=call.spec.queue)
    return f"{kind_of(call.name).does}: asked for again. What is done already is not done twice."


def _forget() -> str:
    queue, job_id = _named()
    clearing.forget(_redis(), queue, job_id)
    _record("portal.job.cleared", queue=queue, job_id=job_id)
    return "The failed job is off the list. Nothing else was changed."


def _clear() -> str:
    count = clearing.forget_all(_redis())
    if count:
        _record("portal.job.all_cleared", count=count)
    return (
        f"{count:,} failed jobs are off the list. Nothing else was changed."
        if count
        else "No job had failed."
    )


def _record(action: str, **data: Any) -> None:
    # After Redis: the trail is locked while it is written, and nobody should wait for Redis there.
    with transaction():
        audit.record(actor(), action, "job", **data)
