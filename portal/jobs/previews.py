"""The job that makes previews: works a little, then lets others go first."""

from portal.jobs import queues
from portal.services.previews import runs


def preview_signal(run_id: int) -> None:
    more = runs.hands(run_id)
    if more:
        queues.enqueue_many("preview_signal", [run_id] * more)
    if runs.work(run_id):
        queues.enqueue("preview_signal", run_id)
