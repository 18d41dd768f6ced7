"""Services that do not answer, or are not there, while a signal is traded by a real worker: the exchange says
when the order came, and the page of channels says what is wrong."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bench.children import until
from bench.floor import Floor
from portal import create_app
from portal.db import db, end_read, transaction
from portal.models import TRADER, Notification, NotificationChannel, NotificationDelivery, User
from portal.services.channels import managing, reach
from portal.services.channels.managing import Wishes
from portal.services.notifications import notify
from portal.services.users import create_user
from portal.trading.types import ExecutionStatus, NotificationType
from tests.crash.scene import Scene
from tests.e2e.receiver import Receiver, receiver
from tests.visiting import visit

#: Seconds within which the order has to be at the exchange, on a machine that does much else.
SOON = 15
#: Seconds within which a message is where it should be although others hang: two of these fill the worker's
#: threads for at most eight seconds, and a busy machine takes its time.
MEANWHILE = 25
#: More than the worker has threads for what is not urgent.
WAITING = 4


class Tarpit:
    """A service that takes every connection and never says a word."""

    def __init__(self) -> None:
        self.held: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                self.held.append(self._server.accept()[0])

    def close(self) -> None:
        # A thread that waits in `accept` is not woken by closing.
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()
        for each in self.held:
            each.close()


@pytest.fixture
def tarpit() -> Iterator[Tarpit]:
    with closing(Tarpit()) as made:
        yield made


@pytest.fixture
def news() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


@pytest.fixture
def _here_allowed(here: Floor) -> Iterator[None]:
    before = here.app.extensions["portal_settings"]
    here.app.extensions["portal_settings"] = replace(before, notify_private_hosts=("127.0.0.1",))
    yield
    here.app.extensions["portal_settings"] = before
    reach.forget()


def channel(owner: User, port: int) -> int:
    wishes = Wishes(name="phone", url=f"json://127.0.0.1:{port}/inbox")
    made = managing.create(owner, wishes, actor=owner).id
    end_read()
    return made


def errors(*channels: int) -> list[str | None]:
    end_read()
    wanted = sa.select(NotificationChannel.last_error).where(NotificationChannel.id.in_(channels))
    return list(db.session.scalars(wanted))


@pytest.mark.usefixtures("_here_allowed")
def test_services_when_they_hang_or_are_dead_then_orders_wait_for_none_of_them_and_pages_say_so(
    here: Floor, tarpit: Tarpit, news: Receiver
) -> None:
    people = [create_user(f"p{number}@example.com", TRADER, actor="tests")[0].id for number in range(WAITING)]
    slow = [channel(db.session.get_one(User, each), tarpit.port) for each in people]
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        dead_port = int(gone.getsockname()[1])
    dead = channel(db.session.get_one(User, here.admin_id), dead_port)
    happy = create_user("happy@example.com", TRADER, actor="tests")[0].id
    fine = channel(db.session.get_one(User, happy), news.server_port)
    worker = here.fork("worker", "--concurrency", "4", PORTAL_NOTIFY_PRIVATE_HOSTS="127.0.0.1")
    with transaction():
        for each in people:
            notify(NotificationType.ERROR, "Something to look at", "In the portal, too.", user_id=each)
    until("Messages that hang", lambda: len(tarpit.held) >= 2, 60)
    with transaction():
        notify(NotificationType.ERROR, "For somebody else", user_id=happy)
    until("The message to a service that is well", lambda: news.has("For somebody else"), MEANWHILE)
    assert errors(fine) == [None]

    scene = Scene(here)
    scene.publish(market_type="spot")
    until("The order at the exchange", lambda: scene.taken("entry"), SOON)
    end_read()
    sent = sa.select(sa.func.count()).where(
        NotificationDelivery.sent_at.is_not(None), NotificationDelivery.channel_id.in_(slow)
    )
    assert db.session.scalar(sent) == 0, "nobody was waited for: none of these was taken"
    until("Its stop", lambda: scene.taken("guard"), SOON)
    (execution,) = scene.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert len(scene.taken("entry")) == 1
    end_read()

    until("The word about the slow ones", lambda: all(errors(*slow)), 60)
    assert len(tarpit.held) <= 2 + WAITING, "a service that hangs is left alone soon"
    kept = sa.select(sa.func.count()).where(
        NotificationDelivery.channel_id.in_(slow), NotificationDelivery.given_up_at.is_(None)
    )
    assert db.session.scalar(kept) == WAITING, "what waits is kept"
    end_read()
    until("The word about the dead one", lambda: errors(dead)[0], 90)
    told = sa.select(sa.func.count()).where(Notification.title == "Something to look at")
    assert db.session.scalar(told) == WAITING, "in the portal they stand in any case"
    end_read()
    assert worker.running
    tarpit.close()
    here.stop(worker)
    shows_the_error(here, dead)


def shows_the_error(here: Floor, channel_id: int) -> None:
    """The owner of this channel reads on the page what is wrong."""
    faces = create_app(here.settings)
    with faces.app_context():
        owner = db.session.get_one(NotificationChannel, channel_id).user
        text = visit(faces, owner).get("/notifications/channels").text
        (said,) = errors(channel_id)
        assert "badge-bad" in text
        assert said is not None
        assert said[:40] in text
        db.session.remove()
        db.engine.dispose()
