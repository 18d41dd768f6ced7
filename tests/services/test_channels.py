"""Messages to the outside, against a real HTTP server on this machine: who is told, once, when, and what
happens when nobody takes it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import pytest
import sqlalchemy as sa
from apprise.manager_plugins import NotificationManager
from flask import Flask

from portal.config import Settings
from portal.db import db, end_read, transaction, utcnow
from portal.errors import ConflictError, ValidationError
from portal.models import Notification, NotificationChannel, NotificationDelivery, User
from portal.models.channel import Digest
from portal.services import rotation
from portal.services.channels import addresses, delivery, guard, managing, reach, routing, timing
from portal.services.channels.managing import Wishes
from portal.services.channels.posting import NotDeliveredError
from portal.services.notifications import notify
from portal.trading.types import NotificationType
from tests import world


class Receiver:
    """A service that takes JSON, and does as it is told."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.answer = 200
        self.location = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append(json.loads(body) | {"path": self.path})
                self.send_response(outer.answer)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/inbox-secret-path"

    @property
    def titles(self) -> list[str]:
        return [str(each["title"]) for each in self.taken]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def _here_allowed(app: Flask, settings: Settings) -> Iterator[None]:
    before = app.extensions["portal_settings"]
    app.extensions["portal_settings"] = replace(settings, notify_private_hosts=("127.0.0.1",))
    reach.forget()
    yield
    app.extensions["portal_settings"] = before
    reach.forget()


@pytest.fixture
def alice(app: Flask) -> User:
    return cast(User, loose(world.make_user("alice@example.org")))


def loose(row: Any) -> Any:
    """With its columns loaded, and readable whatever becomes of the session."""
    db.session.refresh(row)
    db.session.expunge(row)
    return row


def channel(owner: User, url: str, **wishes: Any) -> NotificationChannel:
    made = managing.create(owner, Wishes(**{"name": "phone", "url": url, **wishes}), actor=owner)
    return cast(NotificationChannel, loose(made))


def tell(user: User | None, title: str = "Stop hit", kind: NotificationType = NotificationType.SL_HIT) -> int:
    with transaction():
        notify(kind, title, "Sold 0.1 at 58,000", user_id=user.id if user else None)
    return db.session.execute(sa.select(sa.func.max(Notification.id))).scalar_one()


def rows() -> list[NotificationDelivery]:
    end_read()
    wanted = sa.select(NotificationDelivery).order_by(NotificationDelivery.id)
    return list(db.session.execute(wanted).scalars())


def age(**columns: Any) -> None:
    """What was to happen later is due now."""
    with transaction() as session:
        session.execute(sa.update(NotificationDelivery).values(**columns))


def test_notification_when_its_owner_has_a_channel_then_it_is_sent_once_with_what_it_means(
    alice: User, receiver: Receiver
) -> None:
    channel(alice, receiver.url)
    told = tell(alice)
    delivery.deliver(told)
    delivery.deliver(told)
    (message,) = receiver.taken
    assert message["title"] == "Stop hit"
    assert message["message"].splitlines()[0] == "Sold 0.1 at 58,000"
    assert "ended the position as it was meant to" in message["message"]
    assert "/notifications" in message["message"]
    (row,) = rows()
    assert row.sent_at is not None
    assert row.attempts == 1


def test_notification_when_it_is_somebody_elses_then_nothing_is_sent(alice: User, receiver: Receiver) -> None:
    channel(alice, receiver.url)
    delivery.deliver(tell(world.make_user("bob@example.org")))
    delivery.deliver(tell(None))
    assert receiver.taken == []
    assert rows() == []


def test_notification_when_it_is_for_administrators_then_each_of_them_is_told(receiver: Receiver) -> None:
    channel(world.make_admin(), receiver.url)
    channel(world.make_admin("second@example.org"), receiver.url)
    delivery.deliver(tell(None, "Trading is halted", NotificationType.HALT))
    assert receiver.titles == ["Trading is halted"] * 2


def test_notification_when_its_kind_is_not_wanted_or_the_channel_is_paused_then_nothing_is_sent(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url, types=("halt",))
    delivery.deliver(tell(alice))
    managing.switch(made.id, on=False, actor=alice)
    delivery.deliver(tell(alice, kind=NotificationType.HALT))
    assert receiver.taken == []


def test_notification_when_its_job_was_lost_then_the_minutes_round_asks_again(
    alice: User, receiver: Receiver
) -> None:
    channel(alice, receiver.url)
    told = tell(alice)
    assert delivery.send_due() == 1
    delivery.deliver(told)
    assert delivery.send_due() == 0
    assert receiver.titles == ["Stop hit"]


def test_storm_when_many_are_due_then_they_come_together_in_one_message(
    alice: User, receiver: Receiver
) -> None:
    channel(alice, receiver.url)
    told = [tell(alice, f"Event {number}") for number in range(40)]
    delivery.send_due()
    for each in told:
        delivery.deliver(each)
    (message,) = receiver.taken
    assert message["title"] == "40 messages from Portico"
    assert "Event 0" in message["message"]
    assert "… and 15 more" in message["message"]
    assert all(row.sent_at for row in rows())


def test_service_when_it_fails_then_the_job_fails_and_the_message_comes_later_once(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url)
    told = tell(alice)
    receiver.answer = 500
    with pytest.raises(NotDeliveredError):
        delivery.deliver(told)
    end_read()
    row = db.session.get_one(NotificationChannel, made.id)
    assert row.failures == 1
    assert row.last_error is not None
    assert "500" in row.last_error
    assert "inbox-secret-path" not in row.last_error
    delivery.deliver(told)
    assert len(receiver.taken) == 1, "the second try came before its time"
    receiver.answer = 200
    age(due_at=utcnow())
    delivery.deliver(told)
    assert len(receiver.taken) == 2
    end_read()
    assert db.session.get_one(NotificationChannel, made.id).last_error is None


def test_service_when_it_never_takes_anything_then_it_is_given_up_and_its_owner_told_in_the_portal(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url)
    receiver.answer = 500
    for number in range(12):
        told = tell(alice, f"Event {number}")
        age(due_at=utcnow())
        with pytest.raises(NotDeliveredError):
            delivery.deliver(told)
    end_read()
    assert not db.session.get_one(NotificationChannel, made.id).is_active
    last = db.session.scalars(sa.select(Notification).order_by(Notification.id.desc()).limit(1)).one()
    assert last.user_id == alice.id
    assert "was switched off" in last.title
    given_up = [row for row in rows() if row.given_up_at]
    assert given_up, "the first message was tried more often than it may be"
    assert given_up[0].attempts == len(timing.RETRIES) + 1


def test_sender_when_it_died_in_the_middle_then_another_sends_after_a_while(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url)
    told = tell(alice)
    routing.route([told])
    assert delivery._claim(made.id) is not None
    delivery.deliver(told)
    assert receiver.taken == [], "somebody is believed to send it"
    age(due_at=utcnow())
    delivery.deliver(told)
    assert receiver.titles == ["Stop hit"]


def test_f62_redirect_into_the_network_when_a_service_answers_so_then_it_is_not_followed(
    alice: User, receiver: Receiver
) -> None:
    inside = Receiver()
    channel(alice, receiver.url + "?redirect=yes")
    receiver.answer, receiver.location = 307, f"http://127.0.0.1:{inside.port}/latest/meta-data"
    with pytest.raises(NotDeliveredError):
        delivery.deliver(tell(alice))
    assert len(receiver.taken) == 1
    assert inside.taken == []
    inside.server.shutdown()
    inside.server.server_close()


def test_f62_address_when_it_leads_inside_at_the_time_of_sending_then_nothing_reaches_it(
    app: Flask, settings: Settings, alice: User, receiver: Receiver
) -> None:
    """A name may change its address after it was checked: the check is where the connection is made."""
    made = channel(alice, receiver.url)
    app.extensions["portal_settings"] = replace(settings, notify_private_hosts=())
    with pytest.raises(NotDeliveredError, match="not a public address"):
        delivery.deliver(tell(alice))
    assert receiver.taken == []
    end_read()
    error = db.session.get_one(NotificationChannel, made.id).last_error
    assert error is not None
    assert "127.0.0.1 is not a public address" in error


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
     "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "224.0.0.1",
     "localhost"],
)  # fmt: skip
def test_guard_when_an_address_is_not_public_then_it_says_so(host: str) -> None:
    assert not guard.is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_guard_when_an_address_is_public_then_it_passes(host: str) -> None:
    assert guard.is_public(host)


@pytest.mark.parametrize(
    "url",
    ["", "hello", "file:///etc/passwd", "syslog://", "dbus://", "exec://ls", "http://example.org/",
     "apprise://example.org/token", "json://localhost/x", "json://10.0.0.1/x", "jsons://169.254.169.254/latest",
     "gotify://printer/token", "ntfy://2130706433/topic", "json://0x7f000001/x", "json://[::1]/x",
     "jsons://metadata.google.internal/x", "json://example.org/\r\nX-Evil: 1", "json://" + "a" * 3000],
)  # fmt: skip
def test_s26_address_when_it_is_hostile_or_unknown_then_it_is_not_stored(alice: User, url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        channel(alice, url)
    assert set(refused.value.errors) == {"url"}
    assert db.session.scalar(sa.select(sa.func.count(NotificationChannel.id))) == 0


@pytest.mark.parametrize("example", addresses.EXAMPLES.values(), ids=list(addresses.EXAMPLES))
def test_example_when_it_is_shown_then_its_scheme_is_that_of_its_service(example: str) -> None:
    """Examples hold no real keys, and some services look at those; the scheme must be theirs."""
    plugin = NotificationManager()[example.partition("://")[0]]  # type: ignore[no-untyped-call]
    name = next(name for name, shown in addresses.EXAMPLES.items() if shown == example)
    assert addresses.service_of(plugin) == name


def test_address_when_it_is_stored_then_it_is_encrypted_and_never_shown(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url)
    columns = db.session.execute(sa.text("SELECT * FROM notification_channels")).mappings().one()
    assert "inbox-secret-path" not in str(dict(columns))
    assert made.shown_as == "json://127.0.0.1"
    assert rotation.rotate_keys() == 0
    assert made.get_credential("url") == receiver.url


def test_test_message_when_asked_for_twice_then_it_is_sent_once_per_request(
    alice: User, receiver: Receiver
) -> None:
    made = channel(alice, receiver.url)
    managing.request_test(made.id, actor=alice)
    managing.request_test(made.id, actor=alice)
    delivery.send_test(made.id)
    delivery.send_test(made.id)
    assert receiver.titles == ["Portico can reach you here"]


def test_channels_when_there_are_too_many_then_the_next_is_refused(alice: User, receiver: Receiver) -> None:
    for number in range(managing.MOST_CHANNELS):
        channel(alice, receiver.url, name=f"channel {number}")
    with pytest.raises(ConflictError, match="Nothing was stored"):
        channel(alice, receiver.url)


def test_wishes_when_they_make_no_sense_then_every_field_says_why(alice: User, receiver: Receiver) -> None:
    bad = {"name": " ", "types": ("gossip",), "digest": "weekly", "quiet_from": time(22), "time_zone": "Mars"}
    with pytest.raises(ValidationError) as refused:
        channel(alice, receiver.url, **bad)
    assert set(refused.value.errors) == {"name", "types", "digest", "quiet_to", "time_zone"}


NOON = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
NIGHT = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)


def due(kind: NotificationType, now: datetime, **wishes: Any) -> datetime:
    return timing.due_at(kind, now, **wishes)


def test_timing_when_it_is_urgent_then_neither_night_nor_digest_holds_it() -> None:
    wishes: dict[str, Any] = {"digest": Digest.DAILY, "quiet_from": time(22), "quiet_to": time(7)}
    assert due(NotificationType.UNPROTECTED, NIGHT, **wishes) == NIGHT


def test_timing_when_it_is_quiet_then_it_waits_for_the_morning_of_the_owners_clock() -> None:
    wishes: dict[str, Any] = {"quiet_from": time(22), "quiet_to": time(7), "time_zone": "Europe/Berlin"}
    assert due(NotificationType.OPEN, NIGHT, **wishes) == datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
    assert due(NotificationType.OPEN, NOON, **wishes) == NOON
    early = datetime(2026, 3, 4, 3, tzinfo=UTC)
    assert due(NotificationType.OPEN, early, **wishes) == datetime(2026, 3, 4, 6, 0, tzinfo=UTC)


def test_timing_when_clocks_change_in_the_night_then_quiet_still_ends_at_its_hour() -> None:
    before = datetime(2026, 3, 28, 22, tzinfo=UTC)  # the night in which Berlin loses an hour
    wishes: dict[str, Any] = {"quiet_from": time(22), "quiet_to": time(7), "time_zone": "Europe/Berlin"}
    assert due(NotificationType.OPEN, before, **wishes) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def test_timing_when_told_together_then_it_waits_for_the_hour_or_the_morning() -> None:
    assert due(NotificationType.OPEN, NOON, digest=Digest.HOURLY) == NOON.replace(hour=13, minute=0)
    assert due(NotificationType.OPEN, NOON, digest=Digest.DAILY) == datetime(2026, 3, 5, 8, tzinfo=UTC)


def test_timing_when_a_message_has_just_been_sent_then_the_next_waits_a_little() -> None:
    sent = NOON - timedelta(seconds=5)
    assert due(NotificationType.OPEN, NOON, last_sent_at=sent) == sent + timing.GAP
    assert due(NotificationType.ERROR, NOON, last_sent_at=sent) == NOON
