"""The one place where engines are made, so that every connection keeps the same promises.

MySQL and MariaDB: the session's clock is UTC, strict mode refuses values that don't fit, timeouts bound
connecting, reading and writing, errors never print parameters, and a transaction that a deadlock has undone
can't be committed. SQLite: explicit BEGIN (the driver's own transaction control makes savepoints leak),
IMMEDIATE for a session that may write so that two read-modify-write transactions queue instead of failing,
foreign keys on, WAL, a busy timeout, and exact decimals.
"""

import asyncio
import socket
import sqlite3
import sys
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import aiosqlite
import asyncmy
import asyncmy.connection
from asyncmy.constants.CR import CR_CONN_HOST_ERROR
from asyncmy.errors import OperationalError
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from shardwise.config import PoolSettings, database_url
from shardwise.schema.sqlite_decimal import DecimalSQLiteCompiler, ExactSqliteConnection, SqliteDecimal
from shardwise.topology.returning import roll_back_only_what_is_open
from shardwise.topology.undone import refuse_half_commits

T = TypeVar("T")

READ_ONLY = "shardwise_read_only"

MYSQL_SESSION = (
    "SET time_zone = '+00:00',"
    " sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO')"
)
"""What every session of a server begins with: times are UTC, and values that don't fit are refused."""


def create_engine(
    url: str | URL,
    pool: PoolSettings | None = None,
    *,
    poolclass: type[Pool] | None = None,
    must_exist: bool = False,
) -> AsyncEngine:
    """Return an engine for a database; nothing is opened yet.

    Args:
        url: address of a SQLite file or of a MySQL / MariaDB database.
        pool: sizes and timeouts; by default those of `PoolSettings`.
        poolclass: another pool, such as `NullPool`, to which sizes don't apply.
        must_exist: connecting to a SQLite file that isn't there fails, instead of making an empty one.

    Raises:
        ConfigurationError: the URL or its driver is not supported.
    """
    address, pool = database_url(url), pool or PoolSettings()
    options: dict[str, Any] = {"hide_parameters": True, "pool_recycle": pool.pool_recycle}
    if poolclass is not None:
        options["poolclass"] = poolclass
    else:
        options |= {
            "pool_size": pool.pool_size,
            "max_overflow": pool.max_overflow,
            "pool_timeout": pool.pool_timeout,
        }
    if address.get_backend_name() == "sqlite":
        engine = _sqlite_engine(address, pool, options, must_exist=must_exist)
    else:
        engine = _mysql_engine(address, pool, options)
    event.listen(engine.sync_engine, "commit", _roll_back_read_only)
    return engine


def _roll_back_read_only(connection: Connection) -> None:
    """Leave nothing to commit of what a read-only session wrote past its guards, by `text()` for example."""
    if connection.get_execution_options().get(READ_ONLY):
        connection.dialect.do_rollback(connection.connection)


def _mysql_engine(address: URL, pool: PoolSettings, options: dict[str, Any]) -> AsyncEngine:
    if sys.version_info < (3, 12):
        waiting = _AsyncioWithoutLostCancellations("asyncio")
        asyncmy.connection.asyncio = waiting  # type: ignore[attr-defined]  # its stubs hide imports
    arguments = {
        "charset": pool.charset,
        "connect_timeout": pool.connect_timeout,
        "read_timeout": pool.read_timeout,
        "init_command": MYSQL_SESSION,
        "async_creator_fn": partial(_connect_mysql, pool.write_timeout),
    }
    engine = create_async_engine(address, connect_args=arguments, pool_reset_on_return=None, **options)
    refuse_half_commits(engine.sync_engine)
    roll_back_only_what_is_open(engine.sync_engine)
    return engine


class _AsyncioWithoutLostCancellations(ModuleType):
    """asyncio as asyncmy sees it on Python 3.11, whose `wait_for` can swallow a cancellation.

    It does when the answer has come in the same turn of the loop, and the task goes on as if nobody had
    cancelled it, whatever `asyncio.timeout` or Ctrl-C stands behind that.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def wait_for(awaitable: Awaitable[T], timeout: float | None) -> T:
        """Wait as Python 3.12 does."""
        async with asyncio.timeout(timeout):
            return await awaitable


async def _connect_mysql(write_timeout: float, *, connect_timeout: float, **arguments: Any) -> Any:
    """Connect within the timeout; asyncmy itself bounds only the TCP part, not a server that says nothing."""
    if isinstance(password := arguments.get("password"), str):
        arguments["password"] = password.encode()  # the server's form; asyncmy would encode Latin-1
    try:
        async with asyncio.timeout(connect_timeout):
            connection = await asyncmy.connect(connect_timeout=connect_timeout, **arguments)
    except TimeoutError:
        raise OperationalError(CR_CONN_HOST_ERROR, f"no connection within {connect_timeout:g} s") from None
    _bound_writes(connection, write_timeout)
    return connection


def _bound_writes(connection: Any, seconds: float) -> None:
    """Let the kernel give up a connection whose data nobody takes; asyncmy has no timeout for it."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux
    transport = connection._transport
    peer: socket.socket | None = transport.get_extra_info("socket") if transport else None
    if option is not None and peer is not None and peer.family != socket.AF_UNIX:
        peer.setsockopt(socket.IPPROTO_TCP, option, max(1, round(seconds * 1000)))


def _sqlite_engine(
    address: URL, pool: PoolSettings, options: dict[str, Any], *, must_exist: bool
) -> AsyncEngine:
    arguments = {
        "timeout": pool.connect_timeout,
        "factory": ExactSqliteConnection,
        "isolation_level": None,
        "async_creator_fn": _connect_sqlite,
    }
    engine = create_async_engine(address, connect_args=arguments, **options)
    dialect = engine.sync_engine.dialect
    dialect.statement_compiler = DecimalSQLiteCompiler
    dialect.ischema_names = {**dialect.ischema_names, "DECIMAL_TEXT": SqliteDecimal}  # type: ignore[attr-defined]
    prepare_file = _require_file if must_exist else _make_folder
    event.listen(engine.sync_engine, "do_connect", partial(prepare_file, address.database or ""))
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


async def _connect_sqlite(file: str, **arguments: Any) -> aiosqlite.Connection:
    """Connect, and if that fails wait for the end of aiosqlite's thread, which would answer a closed loop."""
    connection = aiosqlite.connect(file, **arguments)
    thread: Any = getattr(connection, "_thread", connection)  # before 0.22 the connection is the thread
    thread.daemon = True  # as SQLAlchemy does
    try:
        return await connection
    except sqlite3.Error:
        await asyncio.to_thread(thread.join)
        raise


def _require_file(file: str, *connecting: Any) -> None:
    if not file.startswith("file:") and not Path(file).is_file():
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN  # as SQLite says it with mode=rw
        raise error


def _make_folder(file: str, *connecting: Any) -> None:
    if not file.startswith("file:"):
        with suppress(OSError):  # SQLite then says that it can't open the file
            Path(file).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
