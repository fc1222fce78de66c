"""The private servers: quick, durable, alone, and gone with the process that started them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shardwise.errors import PrivateServerError
from shardwise.testing import process, servers
from shardwise.testing.servers import MariaDBServer, RedisServer, free_port

needs_mariadb = pytest.mark.usefixtures("mariadb_installed")
needs_redis = pytest.mark.usefixtures("redis_installed")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDBServer]:
    with MariaDBServer() as server:
        yield server


def _wait_until_gone(pid: int, folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not folder.exists() and not _alive(pid):
            return True
        time.sleep(0.05)
    return False


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_free_port_can_be_bound() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(servers, "_SERVER_FOLDERS", ())
    assert servers.find_mariadbd() is None
    assert "mariadbd and mariadb-install-db not found" in str(servers.why_no_mariadbd())
    assert servers.find_redis() is None
    assert "redis-server not found" in str(servers.why_no_redis())
    with pytest.raises(PrivateServerError, match="apt-get install mariadb-server"):
        MariaDBServer().start()
    with pytest.raises(PrivateServerError, match="apt-get install redis-server"):
        RedisServer().start()


@needs_mariadb
def test_kill_keeps_what_was_committed(mariadb: MariaDBServer) -> None:
    mariadb.create_database("durable")
    mariadb.execute("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (7)", database="durable")
    port = mariadb.port
    mariadb.kill()
    assert not mariadb.running
    with pytest.raises(PrivateServerError, match="not running"):
        _ = mariadb.pid
    mariadb.start()
    assert mariadb.port == port
    assert mariadb.execute("SELECT a FROM t", database="durable") == [(7,)]


@needs_mariadb
def test_restart_is_a_new_process_on_the_same_port(mariadb: MariaDBServer) -> None:
    before = mariadb.port, mariadb.pid
    mariadb.restart()
    assert mariadb.port == before[0]
    assert mariadb.pid != before[1]


@needs_mariadb
def test_a_paused_server_says_nothing_until_resumed(mariadb: MariaDBServer) -> None:
    mariadb.pause()
    assert not mariadb._answers()
    mariadb.resume()
    assert mariadb.execute("SELECT 1") == [(1,)]


@needs_mariadb
def test_databases_are_empty_and_utf8mb4(mariadb: MariaDBServer) -> None:
    first, second = mariadb.create_database(), mariadb.create_database()
    assert first != second
    name = first.rpartition("/")[2]
    assert mariadb.execute("SHOW TABLES", database=name) == []
    assert mariadb.execute("SELECT @@character_set_database", database=name) == [("utf8mb4",)]
    mariadb.drop_database(name)
    assert mariadb.execute(f"SHOW DATABASES LIKE '{name}'") == []


@needs_mariadb
async def test_execute_works_inside_a_running_loop(mariadb: MariaDBServer) -> None:
    assert mariadb.execute("SELECT 2") == [(2,)]


@needs_mariadb
def test_commits_are_durable_unless_fast_is_asked() -> None:
    flush = "SELECT @@innodb_flush_log_at_trx_commit"
    with MariaDBServer() as durable, MariaDBServer(fast=True) as fast:
        assert durable.execute(flush) == [(1,)]
        assert fast.execute(flush) == [(0,)]
        assert durable.port != fast.port
        in_memory = fast.folder.parent == Path(process._MEMORY)
        assert in_memory == process._has_room(process._MEMORY)
        assert durable.folder.parent != Path(process._MEMORY)


def test_a_folder_is_in_memory_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = process.PrivateFolder("memory-")
    monkeypatch.setattr(process, "_MEMORY", str(memory.path))
    monkeypatch.setattr(process, "_ROOM", 0)
    folders = [process.PrivateFolder("room-", in_memory=True)]
    assert folders[0].path.parent == memory.path
    monkeypatch.setattr(process, "_ROOM", 1 << 62)
    folders.append(process.PrivateFolder("no-room-", in_memory=True))
    assert folders[1].path.parent != memory.path
    monkeypatch.setattr(process, "_MEMORY", "/nowhere")
    folders.append(process.PrivateFolder("nowhere-", in_memory=True))
    assert folders[2].path.is_dir()
    for folder in [*folders, memory]:
        folder.remove()
        assert not folder.path.exists()


@needs_mariadb
def test_only_the_password_opens_it(mariadb: MariaDBServer) -> None:
    right, mariadb.password = mariadb.password, "wrong"
    try:
        with pytest.raises(Exception, match="Access denied"):
            mariadb.execute("SELECT 1")
        mariadb.user = "root"
        with pytest.raises(Exception, match="Access denied"):
            mariadb.execute("SELECT 1")
    finally:
        mariadb.user, mariadb.password = "shardwise", right


@needs_mariadb
def test_a_taken_port_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken, free = squatter.getsockname()[1], free_port()
        ports = iter([taken, free])
        monkeypatch.setattr(process, "free_port", lambda: next(ports))
        with MariaDBServer() as server:
            assert server.port == free


@needs_mariadb
def test_the_log_is_in_the_error() -> None:
    server = MariaDBServer(options={"no-such-option": "1"})
    try:
        with pytest.raises(PrivateServerError, match="no-such-option"):
            server.start()
    finally:
        server.close()


@needs_mariadb
def test_nothing_is_left_after_the_parent_is_killed() -> None:
    program = (
        "import time\n"
        "from shardwise.testing.servers import MariaDBServer\n"
        "server = MariaDBServer().start()\n"
        "print(server.pid, server.folder, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        assert _alive(int(pid))
        os.kill(int(pid), signal.SIGSTOP)  # even a server that was left frozen
        parent.kill()
    assert _wait_until_gone(int(pid), Path(folder))


@needs_redis
def test_redis_forgets_or_keeps_as_asked() -> None:
    for durable, expected in ((False, None), (True, b"1")):
        with RedisServer(durable=durable) as server, redis.Redis.from_url(server.url()) as client:
            client.set("a", 1)
            server.kill()
            server.start()
            assert client.get("a") == expected


@needs_redis
def test_redis_wants_its_password() -> None:
    with RedisServer() as server:
        assert server._exchange(b"PING\r\n").startswith(b"-NOAUTH")
