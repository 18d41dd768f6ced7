"""The job that RQ may repeat: delivering a notification."""

from portal.services import notifications


def deliver_notification(notification_id: int) -> None:
    notifications.deliver(notification_id)
