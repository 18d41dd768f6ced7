"""Key rotation: everything under the first key, under load and after interruptions."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from portal import crypto
from portal.crypto import DecryptionError
from portal.db import db, transaction
from portal.errors import PortalError
from portal.models import DataConnection, ExecutionConnection
from portal.services import connections, rotation
from tests.world import make_connection, make_user, save

KEYS = {"apiKey": "canary-api-key", "secret": "canary-api-secret"}


@pytest.fixture
def old_key(app: Flask) -> Iterator[str]:
    """The key of this installation; afterwards it is the only one again."""
    keys = app.extensions["portal_settings"].credential_keys
    yield keys[0]
    crypto.init_keyring(app.extensions, keys)


def fresh(connection_id: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, connection_id, populate_existing=True)


def test_s20_every_secret_is_under_the_new_key_and_the_old_one_can_go(
    app: Flask, old_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    alice, new_key = make_user("alice@example.com"), crypto.generate_key()
    ids = [make_connection(alice, f"c{number}").id for number in range(5)]
    without = save(ExecutionConnection(name="bare", exchange_name="sandbox", user_id=alice.id)).id
    source = DataConnection(name="prices", provider="kraken")
    source.set_credentials(KEYS)
    source_id = save(source).id
    crypto.init_keyring(app.extensions, (new_key, old_key))
    seen: list[tuple[int, int]] = []

    assert rotation.rotate_keys(lambda *step: seen.append(step)) == 6
    assert rotation.rotate_keys() == 0

    crypto.init_keyring(app.extensions, (new_key,))
    assert [fresh(number).get_credentials() for number in ids] == [KEYS] * 5
    assert db.session.get_one(DataConnection, source_id, populate_existing=True).get_credentials() == KEYS
    assert fresh(without).credentials is None
    assert seen[-1] == (6, 6)
    crypto.init_keyring(app.extensions, (old_key,))
    with pytest.raises(DecryptionError):
        fresh(ids[0]).get_credentials()


def test_a_row_that_cannot_be_read_is_named_and_left_as_it_is(app: Flask, old_key: str) -> None:
    alice = make_user("alice@example.com")
    bad, good = make_connection(alice, "bad").id, make_connection(alice, "good").id
    stranger = crypto.generate_key()
    crypto.init_keyring(app.extensions, (stranger,))
    with transaction() as session:
        session.get_one(ExecutionConnection, bad).set_credentials(KEYS)
    before = fresh(bad).credentials
    crypto.init_keyring(app.extensions, (crypto.generate_key(), old_key))

    with pytest.raises(
        PortalError, match=f"1 rows were encrypted again; 1 could not .*execution_connections {bad}"
    ):
        rotation.rotate_keys()

    assert fresh(bad).credentials == before
    assert fresh(good).get_credentials() == KEYS


def test_a_row_that_is_being_changed_is_waited_for_and_the_change_is_kept(app: Flask, old_key: str) -> None:
    alice = make_user("alice@example.com")
    held, other = make_connection(alice, "held").id, make_connection(alice, "other").id
    crypto.init_keyring(app.extensions, (crypto.generate_key(), old_key))
    locked, go_on = threading.Event(), threading.Event()

    def edit() -> None:
        with app.app_context(), transaction() as session:
            row = session.get_one(ExecutionConnection, held, with_for_update={"of": ExecutionConnection})
            locked.set()
            go_on.wait(5)
            row.name = "changed"

    editor = threading.Thread(target=edit)
    editor.start()
    locked.wait(5)
    threading.Timer(0.3, go_on.set).start()
    changed = rotation.rotate_keys()
    editor.join()

    assert changed == 2
    assert fresh(held).name == "changed"
    assert [fresh(number).get_credentials() for number in (held, other)] == [KEYS] * 2
    assert rotation.rotate_keys() == 0


def test_s20_credentials_entered_during_a_rotation_are_not_lost(app: Flask, old_key: str) -> None:
    alice = make_user("alice@example.com")
    ids = [make_connection(alice, f"c{number}").id for number in range(60)]
    crypto.init_keyring(app.extensions, (crypto.generate_key(), old_key))

    def enter() -> None:
        with app.app_context():
            for number in ids[::2]:
                connections.set_credentials(number, {"apiKey": f"k{number}", "secret": "s"}, actor="test")

    people = threading.Thread(target=enter)
    people.start()
    rotation.rotate_keys()
    rotation.rotate_keys()
    people.join()

    assert [fresh(number).get_credential("apiKey") for number in ids[::2]] == [
        f"k{number}" for number in ids[::2]
    ]
    assert [fresh(number).get_credentials() for number in ids[1::2]] == [KEYS] * 30
