"""One database: its engine, its sessions, its end."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, Pool, QueuePool
from sqlalchemy.util import greenlet_spawn

from shardwise.config import PoolSettings
from shardwise.errors import (
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseError,
    ShardAccessError,
    ShardUnavailableError,
    ShardwiseError,
    note,
)
from shardwise.topology.committing import CommittingSession
from shardwise.topology.driver_errors import translate
from shardwise.topology.engines import READ_ONLY, create_engine
from shardwise.topology.read_only import ReadOnlySession

S = TypeVar("S", bound=AsyncSession)


class DatabaseManager:
    """The engine of one database and the sessions on it.

    Used inside for the global database and each shard, and by itself where there is only one database.
    Nothing is connected before the first statement.

    Args:
        database_url: `sqlite+aiosqlite:///file.db`, `mysql+asyncmy://USER:PASSWORD@HOST:3306/NAME` or a URL.
        pool_size: connections kept, 1 to 1000.
        max_overflow: connections beyond those, under load, 0 to 1000.
        pool_timeout: seconds to wait for a free connection.
        pool_recycle: seconds after which a connection is replaced; -1 = never.
        connect_timeout: seconds to connect (SQLite: to wait for a lock).
        read_timeout: seconds to wait for an answer of the server.
        write_timeout: seconds that sent data may stay unacknowledged.
        charset: utf8mb4.
        name: what errors call this database.
        shard_id: set on a shard's manager, so that errors are ShardUnavailableError.
        poolclass: another pool class, such as `NullPool`; sizes then don't apply.
        must_exist: don't make a SQLite file that isn't there.

    Raises:
        ConfigurationError: the URL or its driver is not supported, or a number is out of its range.
    """

    def __init__(
        self,
        database_url: str | URL,
        *,
        pool_size: int = 10,
        max_overflow: int = 20,
        pool_timeout: float = 30,
        pool_recycle: int = 3600,
        connect_timeout: float = 30,
        read_timeout: float = 30,
        write_timeout: float = 30,
        charset: str = "utf8mb4",
        name: str = "database",
        shard_id: int | None = None,
        poolclass: type[Pool] | None = None,
        must_exist: bool = False,
    ) -> None:
        pool = PoolSettings.checked(
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout,
            pool_recycle=pool_recycle,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            write_timeout=write_timeout,
            charset=charset,
        )
        self.name = name
        self.shard_id = shard_id
        self.engine: AsyncEngine = create_engine(
            database_url, pool, poolclass=poolclass, must_exist=must_exist
        )
        self._read_engine = self.engine.execution_options(**{READ_ONLY: True})
        self._bind: AsyncEngine | AsyncConnection = self.engine
        self._read_bind: AsyncEngine | AsyncConnection = self._read_engine
        self._session_options: dict[str, Any] = {"expire_on_commit": False}

    @classmethod
    def from_pool(
        cls,
        url: URL,
        pool: PoolSettings,
        *,
        name: str,
        shard_id: int | None = None,
        poolclass: type[Pool] | None = None,
        must_exist: bool = False,
    ) -> "DatabaseManager":
        """Return a manager with the sizes and timeouts of `pool`."""
        sizes = pool.model_dump()
        return cls(url, **sizes, name=name, shard_id=shard_id, poolclass=poolclass, must_exist=must_exist)

    @property
    def url(self) -> URL:
        """Return the address; its text form hides the password."""
        return self.engine.url

    @property
    def dialect_name(self) -> str:
        """Return sqlite, mysql or mariadb."""
        return self.engine.dialect.name

    def session(self, *, read_only: bool = False) -> "SessionScope[AsyncSession]":
        """Open a session as a block that commits when left and rolls back on an exception.

        Args:
            read_only: refuse writes, and on SQLite don't wait for the one writer.

        Raises:
            DatabaseError: on leaving the block, in place of the driver's error, which is the cause.
        """
        kind = ReadOnlySession if read_only else CommittingSession
        session = AsyncSession(sync_session_class=kind, **self.session_arguments(read_only=read_only))
        return SessionScope(self, session, read_only=read_only)

    def session_arguments(self, *, read_only: bool = False) -> dict[str, Any]:
        """Return what a session on this database is made with: `bind` and options."""
        return {"bind": self._read_bind if read_only else self._bind, **self._session_options}

    @property
    def bind(self) -> Any:
        """Return the synchronous engine (or, in a test, connection) that a session binds."""
        bind = self._bind
        return bind.sync_connection if isinstance(bind, AsyncConnection) else bind.sync_engine

    @contextmanager
    def bound_to(self, connection: AsyncConnection) -> Generator[None]:
        """Run every session of the block inside a transaction of `connection`, as savepoints.

        For tests: the outer transaction is rolled back at the end, whatever the code under test committed.
        One connection serves one task at a time.
        """
        before = self._bind, self._read_bind, self._session_options
        self._bind = self._read_bind = connection
        self._session_options = before[2] | {"join_transaction_mode": "create_savepoint"}
        try:
            yield
        finally:
            self._bind, self._read_bind, self._session_options = before

    def checked_out(self) -> int:
        """Return how many connections are in use now."""
        pool = self.engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    async def close(self) -> None:
        """Close the pooled connections; those in use are closed when they come back."""
        pool = self.engine.pool
        await self.engine.dispose()
        _close_what_comes_back(pool)

    async def retire(self) -> None:
        """Close as `close` does, and for good: also what sessions in flight still open is not kept."""
        _close_what_comes_back(self.engine.pool)  # its successor inherits this
        await self.engine.dispose()

    def translate(self, error: BaseException) -> BaseException:
        """Return our error for a driver's, naming this database; any other error as it is."""
        if isinstance(error, (StatementError, PoolTimeoutError)):
            ours = translate(error)
        elif isinstance(error, DatabaseError) and not _is_named(error):
            ours = error  # of a repository, which doesn't know where it is
        else:
            return error
        if self.shard_id is not None and isinstance(ours, DatabaseConnectionError):
            ours = _of_shard(self.shard_id, ours)
        if isinstance(ours, ShardwiseError):
            note(ours, database=self.name)
        return ours


def _is_named(error: DatabaseError) -> bool:
    return any(line.startswith("database: ") for line in getattr(error, "__notes__", ()))


def _of_shard(shard_id: int, error: DatabaseConnectionError) -> ShardUnavailableError:
    if isinstance(error, ShardUnavailableError):
        return error
    kind = ShardAccessError if isinstance(error, DatabaseAccessError) else ShardUnavailableError
    ours = kind(shard_id, str(error))
    ours.__cause__ = error.__cause__ or error
    return ours


def _close_what_comes_back(pool: Pool) -> None:
    event.listen(pool, "checkin", _close_connection)


def _close_connection(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _commit_and_close(session: Session) -> None:
    session.commit()
    session.close()


def _close_only(session: Session) -> None:
    session.flush()  # refuses changed objects, which would otherwise be lost in silence
    session.close()


class Translator(Protocol):
    """Knows to which database a driver's error belongs."""

    def translate(self, error: BaseException) -> BaseException:
        """Return our error for a driver's; any other error as it is."""


class SessionScope(Generic[S]):
    """A block with one session: commit when left, rollback on an exception, closed either way."""

    __slots__ = ("_manager", "_read_only", "_session")

    def __init__(self, manager: DatabaseManager, session: S, *, read_only: bool = False) -> None:
        self._manager = manager
        self._session = session
        self._read_only = read_only

    async def __aenter__(self) -> S:
        return self._session

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_session(self._session, error, self._manager, read_only=self._read_only)


async def end_session(
    session: AsyncSession,
    error: BaseException | None,
    manager: Translator,
    *,
    read_only: bool = False,
) -> None:
    """Commit and close a session, or roll it back and close it if there was an error.

    Args:
        session: the session.
        error: what left its block, if anything.
        manager: makes our errors of a driver's.
        read_only: end without a commit.

    Raises:
        BaseException: our error for the driver's that left the block or came from the commit.
    """
    if error is None:
        finish = _close_only if read_only else _commit_and_close
        try:
            await greenlet_spawn(finish, session.sync_session)
        except BaseException as failure:
            await _close(session)
            _raise_translated(failure, manager)
            raise
        return
    await _close(session)
    _raise_translated(error, manager)


async def _close(session: AsyncSession) -> None:
    # As AsyncSession.__aexit__: a cancelled task still returns its connection in a known state.
    await asyncio.shield(asyncio.create_task(session.close()))


def _raise_translated(error: BaseException, manager: Translator) -> None:
    if (ours := manager.translate(error)) is not error:
        raise ours from ours.__cause__
