"""RQ's queues for administrators, at `/admin/rq/`: the data and the actions of rq-dashboard behind our rules.

rq-dashboard 0.9 has no login, changes things by GET, lets every user switch the Redis of all others, and its
pages need `unsafe-eval`. So its functions are mounted one by one, under its own addresses, on pages of ours.
Trading jobs cannot be touched here: their rows decide, and the sweeper asks again by itself.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from flask_wtf.csrf import generate_csrf
from redis import RedisError
from rq_dashboard import web as dashboard

from portal.admin.access import AdminOnly, actor
from portal.admin.routing import route
from portal.admin.rq_data import REGISTRIES, connect, jobs, one_job, origin, queues, workers
from portal.db import transaction
from portal.jobs import keys
from portal.jobs.table import EXITS, GUARDS, ORDERS, QUEUES, WATCH
from portal.services import audit

PROTECTED = frozenset({EXITS, ORDERS, GUARDS, WATCH})
REFUSED = (
    "Jobs of the queues exits, orders and watch are never requeued, deleted or emptied by hand: an order "
    "could be sent twice or never. Nothing was changed. The sweeper asks again for what is still to be done; "
    "the page Jobs says what failed and can safely ask for it again."
)
#: rq-dashboard numbers Redis servers; there is one.
_ONE = "/<int(min=0, max=0):instance_number>"
_WHICH = (
    f"<any({', '.join(QUEUES)}):queue_name>/<any({', '.join(REGISTRIES)}):registry_name>"
    "/<int(min=1, max=100):per_page>/<any(asc, dsc):order>/<int(min=1, max=100000):page>"
)


class QueuesView(AdminOnly, BaseView):  # type: ignore[misc]
    """Pages by GET, changes by POST. Method names are rq-dashboard's endpoints, because it links to them."""

    def create_blueprint(self, admin: Any) -> Any:
        blueprint = super().create_blueprint(admin)
        blueprint.after_request(_give_token)
        blueprint.register_error_handler(RedisError, self._redis_is_away)
        blueprint.register_error_handler(dashboard.NoSuchJobError, self._no_such_job)
        return blueprint

    @route("/")
    def queues_overview(self) -> str:
        """All queues and how many jobs are where."""
        return self._page("queues", queues=queues(), protected=PROTECTED)

    @route(f"{_ONE}/view/workers")
    def workers_overview(self, instance_number: int) -> str:
        """The workers."""
        rows = workers()
        heard = {row["name"]: _moment(row["last_heartbeat"]) for row in rows}
        return self._page("workers", workers=rows, heard=heard, instance_number=instance_number)

    @route(f"{_ONE}/view/jobs/{_WHICH}")
    def jobs_overview(self, queue_name: str, registry_name: str, **paging: Any) -> str:
        """The jobs of one queue in one state."""
        found = jobs(queue_name=queue_name, registry_name=registry_name, **paging)
        locked = queue_name in PROTECTED
        return self._page("jobs", found=found, queue=queue_name, registry=registry_name, locked=locked)

    @route(f"{_ONE}/view/job/<job_id>")
    def job_view(self, job_id: str, instance_number: int) -> str:
        """One job."""
        job = one_job(job_id)
        locked = job["origin"] in PROTECTED
        return self._page("job", job=job, locked=locked, instance_number=instance_number)

    @route(f"{_ONE}/data/queues.json")
    def list_queues(self, instance_number: int) -> Response:  # noqa: ARG002
        """For scripts."""
        return jsonify(queues=queues())

    @route(f"{_ONE}/data/workers.json")
    def list_workers(self, instance_number: int) -> Response:  # noqa: ARG002
        """For scripts."""
        return jsonify(workers=workers())

    @route(f"{_ONE}/data/jobs/{_WHICH}.json")
    def list_jobs(self, **which: Any) -> Response:
        """For scripts."""
        return jsonify(jobs(**which))

    @route(f"{_ONE}/data/job/<job_id>.json")
    def job_info(self, job_id: str, instance_number: int) -> Response:  # noqa: ARG002
        """For scripts."""
        return jsonify(one_job(job_id))

    @route("/job/<job_id>/delete", methods=("POST",))
    def delete_job_view(self, job_id: str) -> ResponseReturnValue:
        """Delete one job."""
        return self._change(origin(job_id), lambda: dashboard.delete_job_view(job_id), "The job was deleted.")

    @route("/job/<job_id>/requeue", methods=("POST",))
    def requeue_job_view(self, job_id: str) -> ResponseReturnValue:
        """Queue one failed job again."""
        return self._change(
            origin(job_id), lambda: dashboard.requeue_job_view(job_id), "The job is queued again."
        )

    @route("/requeue/<queue_name>", methods=("POST",))
    def requeue_all(self, queue_name: str) -> ResponseReturnValue:
        """Queue all failed jobs of a queue again."""
        return self._change(queue_name, lambda: dashboard.requeue_all(queue_name), "They are queued again.")

    @route("/queue/<queue_name>/<registry_name>/empty", methods=("POST",))
    def empty_queue(self, queue_name: str, registry_name: str) -> ResponseReturnValue:
        """Delete all jobs of a queue in one state."""
        if registry_name not in REGISTRIES:
            abort(404)
        done = f"All {registry_name} jobs of {queue_name} were deleted."
        return self._change(queue_name, lambda: dashboard.empty_queue(queue_name, registry_name), done)

    @route("/queue/<queue_name>/compact", methods=("POST",))
    def compact_queue(self, queue_name: str) -> ResponseReturnValue:
        """Drop entries without a job."""
        return self._change(queue_name, lambda: _compact(queue_name), "The queue was compacted.")

    def _change(self, queue_name: str, do: Callable[[], Any], done: str) -> ResponseReturnValue:
        for_script = "X-CSRFToken" in request.headers
        if queue_name not in QUEUES:
            abort(404)
        if queue_name in PROTECTED:
            if for_script:
                return jsonify(status="REFUSED", error=REFUSED), 409
            return self._page("refused", title="Trading jobs are not touched", sentence=REFUSED), 409
        connect()
        answer: ResponseReturnValue = do()
        with transaction():
            audit.record(actor(), "portal.queue.changed", "queue", queue=queue_name, done=done)
        if for_script:
            return answer
        flash(done, "success")
        return redirect(url_for(".queues_overview"))

    def _page(self, name: str, **words: Any) -> str:
        return str(self.render(f"admin/rq/{name}.html", registries=REGISTRIES, tab=name, **words))

    def _no_such_job(self, _error: Exception) -> ResponseReturnValue:
        sentence = "It is done and forgotten, or it never was. Finished jobs are kept for ten minutes."
        return self._page("refused", title="There is no such job", sentence=sentence), 404

    def _redis_is_away(self, _error: RedisError) -> ResponseReturnValue:
        sentence = "Redis does not answer. Nothing is lost: the rows are saved, and the sweeper asks again."
        return self._page("refused", title="The queues are away", sentence=sentence), 503


def _compact(queue_name: str) -> Any:
    # RQ renames the list of the queue, and an empty queue has none.
    if current_app.extensions["portal_redis"].exists(keys.queue(queue_name)):
        return dashboard.compact_queue(queue_name)
    return jsonify(status="OK")


def _give_token(response: Response) -> Response:
    # rq-dashboard's own scripts send the header X-CSRFToken only when they find this cookie.
    response.set_cookie(
        "_csrf_token", generate_csrf(), path="/admin/rq", samesite="Strict", secure=request.is_secure
    )
    return response


def _moment(text: object) -> datetime | None:
    """A time as rq-dashboard writes it; None where it wrote something else."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
