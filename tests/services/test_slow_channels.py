"""Services outside that do not answer, or never end their answer, on a real socket: who waits for them, how
long, and what becomes of the messages."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

from portal.config import Settings
from portal.db import db, end_read, transaction, utcnow
from portal.jobs import queues
from portal.models import Notification, NotificationChannel, NotificationDelivery, User
from portal.services.channels import delivery, managing, posting, reach
from portal.services.channels.managing import Wishes
from portal.services.channels.posting import NotDeliveredError
from portal.services.notifications import notify
from portal.trading.types import NotificationType
from tests import world

#: Seconds; the real limit is tried with a real worker (tests/crash).
WHOLE, SLOW = 1.5, 0.5
#: What a busy machine may need on top.
SPARE = 20


class Service:
    """Takes connections and answers them in its own way: never, in drops that never end, or well."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self.began: list[float] = []
        self.over = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"json://127.0.0.1:{self._server.getsockname()[1]}/inbox"
        self._threads = [threading.Thread(target=self._take, daemon=True)]
        self._threads[0].start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                found = self._server.accept()[0]
                self._threads.append(threading.Thread(target=self._serve, args=(found,), daemon=True))
                self._threads[-1].start()

    def _serve(self, found: socket.socket) -> None:
        with found, suppress(OSError):
            found.settimeout(60)
            found.recv(65536)
            self.began.append(time.monotonic())
            if self.manner == "well":
                found.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            elif self.manner == "drops":
                found.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not self.over.is_set():
                    found.sendall(b".")
                    time.sleep(0.1)
            else:
                while found.recv(65536):
                    pass
        self.over.set()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.over.set()
        for each in self._threads:
            each.join(SPARE)


@pytest.fixture
def outside() -> Iterator[Any]:
    made: list[Service] = []

    def make(manner: str) -> Service:
        made.append(Service(manner))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _quick(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    allowed = replace(settings, notify_private_hosts=("127.0.0.1",))
    monkeypatch.setitem(app.extensions, "portal_settings", allowed)
    monkeypatch.setattr(posting, "WHOLE", WHOLE)
    monkeypatch.setattr(posting, "_SLOW", SLOW)
    reach.forget()
    yield
    reach.forget()


@pytest.fixture
def alice(app: Flask) -> User:
    return world.make_user("alice@example.org")


def channel(owner: User, service: Service, name: str = "phone") -> int:
    return managing.create(owner, Wishes(name=name, url=service.url), actor=owner).id


def tell(user: User) -> int:
    with transaction():
        notify(NotificationType.ERROR, "Something to look at", user_id=user.id)
    found = db.session.execute(sa.select(sa.func.max(Notification.id))).scalar_one()
    end_read()
    return int(found)


def send(told: int) -> float:
    """Run the job; how long it took."""
    began = time.monotonic()
    with suppress(NotDeliveredError):
        delivery.deliver(told)
    return time.monotonic() - began


def row(told: int, channel_id: int) -> NotificationDelivery:
    end_read()
    return db.session.scalars(
        sa.select(NotificationDelivery).where(
            NotificationDelivery.notification_id == told, NotificationDelivery.channel_id == channel_id
        )
    ).one()


def word(channel_id: int) -> str | None:
    end_read()
    return db.session.get_one(NotificationChannel, channel_id).last_error


def test_f62_channel_when_its_service_hangs_then_another_of_the_same_person_does_not_wait_for_it(
    alice: User, outside: Any
) -> None:
    hanging, fine = outside("never"), outside("well")
    slow, quick = channel(alice, hanging), channel(alice, fine)
    told, began = tell(alice), time.monotonic()
    with pytest.raises(NotDeliveredError, match="phone: the service did not answer within"):
        delivery.deliver(told)
    assert fine.began[0] - began < SPARE
    assert row(told, quick).sent_at is not None
    assert row(told, slow).sent_at is None
    assert row(told, slow).due_at > utcnow(), "it is tried again"
    assert hanging.over.wait(SPARE), "the connection was cut"


def test_f62_service_when_it_answers_in_drops_for_ever_then_is_cut_off_in_time(
    alice: User, outside: Any
) -> None:
    dripping = outside("drops")
    slow = channel(alice, dripping)
    assert send(tell(alice)) < WHOLE + SPARE
    assert dripping.over.wait(SPARE), "the connection was cut"
    assert "did not answer within" in str(word(slow))


def test_f62_service_when_it_hangs_again_then_is_left_alone_and_its_messages_are_kept(
    app: Flask, alice: User, outside: Any
) -> None:
    hanging = outside("never")
    first, second = channel(alice, hanging), channel(alice, hanging, "tablet")
    assert send(tell(alice)) >= WHOLE, "both at the same time, and the last in a row"
    bob = world.make_user("bob@example.org")
    third = channel(bob, hanging)
    told = tell(bob)
    began = len(hanging.began)
    assert send(told) < WHOLE
    assert len(hanging.began) == began == 2, "not even asked"
    kept = row(told, third)
    assert (kept.sent_at, kept.given_up_at, kept.attempts) == (None, None, 0)
    assert kept.due_at > utcnow()
    assert "what waits is sent when it does" in str(word(third))
    assert {word(each) for each in (first, second)} == {"the service did not answer within 2 seconds"}

    # The rest is over, and the service is well: one message tries it, and all go.
    hanging.manner = "well"
    redis: Redis = app.extensions["portal_redis"]
    (rest,) = redis.keys("portal:outside:JSON:127.0.0.1:*:rest")
    assert 0 < redis.ttl(rest) <= 30
    redis.delete(rest)
    with transaction() as session:
        session.execute(sa.update(NotificationDelivery).values(due_at=utcnow()))
    send(told)
    assert row(told, third).sent_at is not None
    assert word(third) is None
    assert redis.keys("portal:outside:*") == []


def test_f62_service_when_it_hangs_on_then_rests_longer_each_time_but_never_for_ever(
    app: Flask, alice: User
) -> None:
    places, redis = delivery._places(), app.extensions["portal_redis"]
    rests = []
    for _ in range(8):
        places.note_slow("x")
        rests.append(redis.ttl("portal:outside:x:rest"))
    assert rests[0] == -2, "once is no pattern"
    assert [round(each / 30) for each in rests[1:]] == [1, 2, 4, 8, 10, 10, 10]


def test_f62_services_when_redis_is_away_then_messages_go_out_all_the_same(
    app: Flask, alice: User, outside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = outside("well")
    made, told = channel(alice, fine), tell(alice)
    app.extensions.pop("portal_places", None)
    with closing(queues.connect("redis://127.0.0.1:1/0", timeout=0.2)) as away:
        monkeypatch.setitem(app.extensions, "portal_redis", away)
        send(told)
    app.extensions.pop("portal_places", None)
    assert row(told, made).sent_at is not None
