"""Jobs that write to the outside: the only ones that RQ may repeat."""

from portal.jobs.ticks import tick
from portal.services.channels import delivery


def deliver_notification(notification_id: int) -> None:
    delivery.deliver(notification_id)


def test_channel(channel_id: int) -> None:
    delivery.send_test(channel_id)


@tick
def send_notifications() -> None:
    delivery.send_due()
