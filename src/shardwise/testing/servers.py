"""Throwaway MariaDB and Redis servers for tests: private, quick to start, safe to kill."""

import functools
import itertools
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sqlalchemy.engine import make_url

from shardwise.errors import PrivateServerError
from shardwise.testing.process import PrivateFolder, PrivateServer, free_port
from shardwise.testing.statements import Rows, execute, run

__all__ = [
    "Binary",
    "MariaDBServer",
    "RedisServer",
    "find_mariadbd",
    "find_redis",
    "free_port",
    "why_no_mariadbd",
    "why_no_redis",
]

_SERVER_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin")
_USER = "shardwise"
_COLLATION = "utf8mb4_unicode_ci"

_SMALL = {
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "innodb-temp-data-file-path": "ibtmp1:1M:autoextend",
    "aria-pagecache-buffer-size": "8M",
    "key-buffer-size": "1M",
    "performance-schema": "OFF",
    "max-connections": "500",
    "innodb-buffer-pool-dump-at-shutdown": "OFF",
    "innodb-buffer-pool-load-at-startup": "OFF",
}
_DURABLE = {"innodb-flush-log-at-trx-commit": "1"}
_FAST = {
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "OFF",
    "innodb-flush-method": "nosync",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A server that was found on this machine: its program and the one that makes its first data folder."""

    server: str
    installer: str


def _which(*names: str) -> str | None:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SERVER_FOLDERS])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def find_mariadbd() -> Binary | None:
    """Return the MariaDB of this machine, or None; `why_no_mariadbd` then says what is missing."""
    server, installer = _which("mariadbd"), _which("mariadb-install-db")
    return Binary(server=server, installer=installer) if server and installer else None


def why_no_mariadbd() -> str | None:
    """Return what is missing to start a MariaDB, None if nothing is."""
    missing = [name for name in ("mariadbd", "mariadb-install-db") if _which(name) is None]
    if not missing:
        return None
    return f"{' and '.join(missing)} not found (on Debian: apt-get install mariadb-server)"


def find_redis() -> str | None:
    """Return the path of redis-server (or of its twin valkey-server), or None."""
    return _which("redis-server", "valkey-server")


def why_no_redis() -> str | None:
    """Return what is missing to start a Redis, None if nothing is."""
    return None if find_redis() else "redis-server not found (on Debian: apt-get install redis-server)"


def _as_current_user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []  # it refuses to be root unless told so


@functools.cache
def _template(binary: Binary) -> Path:
    """Return a data folder that was made once in this process, to be copied for each server."""
    folder = PrivateFolder("shardwise-template-")
    data = folder.path / "data"
    command = [
        binary.installer,
        "--no-defaults",
        *_as_current_user(),
        f"--datadir={data}",
        "--skip-test-db",
        "--skip-name-resolve",
        f"--innodb-log-file-size={_SMALL['innodb-log-file-size']}",
    ]
    # A folder of its own, because a server that starts removes what it finds of others' temporary tables.
    own = os.environ | {"TMPDIR": str(folder.path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    if done.returncode:
        raise PrivateServerError(f"mariadb-install-db failed: {(done.stdout + done.stderr)[-2000:]}")
    return data


class MariaDBServer(PrivateServer):
    """A MariaDB of this test session alone.

    Args:
        fast: give up durability for speed; the data is in memory where there is room for it. By default a
            commit is on disk when it returns, so that `kill()` shows what a power cut leaves.
        options: more options of mariadbd, as on its command line without the dashes.

    Raises:
        PrivateServerError: on `start()`, when MariaDB isn't installed or doesn't come up.
    """

    kind: ClassVar[str] = "mariadb"

    def __init__(self, *, fast: bool = False, options: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.user = _USER
        self.password = secrets.token_hex(16)
        self.in_memory = fast
        self._options = {**_SMALL, **(_FAST if fast else _DURABLE), **(options or {})}
        self._names = (f"test_{number}" for number in itertools.count(1))

    def url(self, database: str = "") -> str:
        """Return the SQLAlchemy URL, password included, of one database, or of the server."""
        return f"mysql+asyncmy://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def create_database(self, name: str | None = None) -> str:
        """Make an empty database, under a new name if none is given, and return its URL."""
        name = name or next(self._names)
        self.execute(f"CREATE DATABASE `{name}`")
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Delete a database if it is there."""
        self.execute(f"DROP DATABASE IF EXISTS `{name}`")

    def execute(self, *statements: str, database: str | None = None) -> Rows:
        """Run statements on a connection of their own, in autocommit, and return the last one's rows."""
        return run(execute(make_url(self.url(database or "")), statements))

    def _prepare(self) -> None:
        binary = find_mariadbd()
        if binary is None:
            raise PrivateServerError(why_no_mariadbd())
        shutil.copytree(_template(binary), self.folder / "data")
        # Read at every start, by the server alone: the password is on no command line.
        (self.folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS {_USER}@'%' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO {_USER}@'%' WITH GRANT OPTION;\n"
        )

    def _command(self) -> list[str]:
        binary = find_mariadbd()
        if binary is None:
            raise PrivateServerError(why_no_mariadbd())
        return [
            binary.server,
            "--no-defaults",
            *_as_current_user(),
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
            f"--socket={self.socket_path}",
            f"--pid-file={self.folder / 'mariadbd.pid'}",
            f"--init-file={self.folder / 'init.sql'}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            f"--collation-server={_COLLATION}",
            *(f"--{name}={value}" for name, value in self._options.items()),
        ]

    def _answers(self) -> bool:
        greeting = self._exchange(b"")
        return len(greeting) > 4 and greeting[4] == 0x0A  # protocol version 10; an error packet has 0xFF


class RedisServer(PrivateServer):
    """A Redis of this test session alone, with a password.

    Args:
        durable: write every command to disk before answering; by default nothing is written.

    Raises:
        PrivateServerError: on `start()`, when Redis isn't installed or doesn't come up.
    """

    kind: ClassVar[str] = "redis"

    def __init__(self, *, durable: bool = False) -> None:
        super().__init__()
        self.password = secrets.token_hex(16)
        self._durable = durable

    def url(self, database: int = 0) -> str:
        """Return the URL, password included, of one numbered database."""
        return f"redis://:{self.password}@{self.host}:{self.port}/{database}"

    def _command(self) -> list[str]:
        program = find_redis()
        if program is None:
            raise PrivateServerError(why_no_redis())
        lines = {
            "port": str(self.port),
            "bind": self.host,
            "unixsocket": str(self.socket_path),
            "dir": str(self.folder),
            "requirepass": self.password,
            "save": '""',
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "always",
        }
        configuration = self.folder / "redis.conf"
        configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        return [program, str(configuration)]

    def _answers(self) -> bool:
        # While it reads its data from disk it takes the password already, but answers nothing else.
        return b"+PONG" in self._exchange(f"AUTH {self.password}\r\nPING\r\n".encode())
