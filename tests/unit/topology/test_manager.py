"""One database: its sessions, the errors that leave them, its end."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import String, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.pool import NullPool

from shardwise.errors import (
    CommitOutcomeUnknownError,
    ConfigurationError,
    ConstraintViolationError,
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    ReadOnlySessionError,
    ShardAccessError,
    ShardMaintenanceError,
    ShardUnavailableError,
)
from shardwise.schema.types import ExactDecimal
from shardwise.testing.connections import CheckedOutConnections
from shardwise.testing.servers import MariaDBServer, free_port
from shardwise.topology.manager import DatabaseManager

SQLITE = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
MARIADB = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20), unique=True)
    price: Mapped[Decimal | None] = mapped_column(ExactDecimal(15, 2))


@pytest.fixture
async def manager(database_url: str) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(database_url, name="the shop")
    async with manager.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield manager
    await manager.close()


async def names(manager: DatabaseManager) -> list[str]:
    async with manager.session(read_only=True) as session:
        return list((await session.scalars(select(Item.name).order_by(Item.name))).all())


class StopError(Exception):
    pass


# Commit and rollback


async def test_leaving_the_block_commits(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        assert type(session) is AsyncSession
        session.add(Item(id=1, name="object"))
        await session.execute(insert(Item).values(id=2, name="statement"))
    assert await names(manager) == ["object", "statement"]


async def test_an_exception_rolls_back_and_goes_on_its_way(manager: DatabaseManager) -> None:
    error = StopError()
    with pytest.raises(StopError) as caught:
        async with manager.session() as session:
            session.add(Item(id=1, name="never"))
            await session.flush()
            raise error
    assert caught.value is error
    assert not getattr(error, "__notes__", [])
    assert await names(manager) == []


async def test_objects_can_be_read_after_the_commit(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        item = Item(id=1, name="kept")
        session.add(item)
    assert item.name == "kept"


async def test_cancellation_rolls_back_and_gives_the_connection_back(manager: DatabaseManager) -> None:
    started = asyncio.Event()

    async def work() -> None:
        async with manager.session() as session:
            await session.execute(insert(Item).values(id=1, name="never"))
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert manager.checked_out() == 0
    assert await names(manager) == []


async def test_cancellation_at_any_moment_leaves_neither_rows_nor_locks(manager: DatabaseManager) -> None:
    async def work() -> None:
        async with manager.session() as session:
            for number in range(1, 101):
                await session.execute(insert(Item).values(id=number, name=str(number)).returning(Item.id))

    async with manager.session() as session:
        await session.execute(text("SELECT 1"))  # so that no task is cancelled while it connects
    cancelled = []  # kept: what a task holds must hold no lock
    for attempt in range(1, 9):
        cancelled.append(task := asyncio.create_task(work()))
        await asyncio.sleep(0.002 * attempt)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5), manager.session() as session:
            assert await session.scalar(select(func.count()).select_from(Item)) == 0
            await session.execute(insert(Item).values(id=1, name="next"))
            await session.rollback()
    assert manager.checked_out() == 0


async def test_a_session_that_did_nothing_takes_no_connection(manager: DatabaseManager) -> None:
    with CheckedOutConnections(manager.engine.sync_engine.pool) as connections:
        async with manager.session():
            pass
        assert connections.kinds == set()


# Errors


async def test_a_driver_error_leaves_the_block_as_ours_with_its_cause(manager: DatabaseManager) -> None:
    with pytest.raises(DuplicateEntityError) as caught:
        async with manager.session() as session:
            await session.execute(insert(Item).values(id=1, name="twice"))
            await session.execute(insert(Item).values(id=2, name="twice"))
    assert isinstance(caught.value.__cause__, DBAPIError)
    assert caught.value.__cause__.orig is not None
    assert caught.value.__notes__ == ["database: the shop"]
    assert "twice" not in str(caught.value)
    assert await names(manager) == []


async def test_an_error_of_the_flush_at_the_end_is_ours_too(manager: DatabaseManager) -> None:
    with pytest.raises(ConstraintViolationError) as caught:
        async with manager.session() as session:
            session.add(Item(id=1, name=None))
    assert isinstance(caught.value.__cause__, DBAPIError)
    assert manager.checked_out() == 0


async def test_a_value_refused_by_a_column_type_is_ours_too(manager: DatabaseManager) -> None:
    with pytest.raises(InvalidValueError, match="NaN") as caught:
        async with manager.session() as session:
            session.add(Item(id=1, name="a", price=Decimal("NaN")))
    assert caught.value.__notes__ == ["database: the shop"]
    assert not isinstance(caught.value, StatementError)


async def test_an_error_of_a_repository_is_told_where_it_happened_once(manager: DatabaseManager) -> None:
    error = DatabaseConnectionError("gone")
    with pytest.raises(DatabaseConnectionError) as caught:
        async with manager.session(), manager.session():
            raise error
    assert caught.value is error
    assert error.__notes__ == ["database: the shop"]


@MARIADB
async def test_a_connection_lost_while_committing_is_an_unknown_outcome(manager: DatabaseManager) -> None:
    for explicit in (False, True):
        with pytest.raises(CommitOutcomeUnknownError) as caught:
            async with manager.session() as session:
                await session.execute(insert(Item).values(id=1, name="perhaps"))
                await kill_connection(manager, session)
                if explicit:
                    await session.commit()
        assert not caught.value.retryable
        assert isinstance(caught.value.__cause__, DBAPIError)
        assert caught.value.__notes__ == ["database: the shop"]
    assert await names(manager) == []


@MARIADB
async def test_a_connection_lost_before_the_commit_can_be_retried(manager: DatabaseManager) -> None:
    with pytest.raises(DatabaseConnectionError) as caught:
        async with manager.session() as session:
            await session.execute(select(Item.id))
            await kill_connection(manager, session)
            session.add(Item(id=1, name="never"))  # flushed on leaving, before COMMIT
    assert caught.value.retryable
    with pytest.raises(DatabaseConnectionError) as caught:
        async with manager.session() as session:
            await session.execute(select(Item.id))
            await kill_connection(manager, session)
            await session.execute(select(Item.id))
    assert caught.value.retryable


async def kill_connection(manager: DatabaseManager, session: AsyncSession) -> None:
    number = await session.scalar(select(func.connection_id()))
    async with manager.session() as other:
        await other.execute(text(f"KILL {number}"))


async def test_no_server_there(mariadb_installed: None) -> None:
    manager = DatabaseManager(f"mysql://u:secret@127.0.0.1:{free_port()}/d", name="the shop")
    with pytest.raises(DatabaseConnectionError, match="can't be reached") as caught:
        async with manager.session() as session:
            session.add(Item(id=1, name="never"))
    assert type(caught.value) is DatabaseConnectionError, "no COMMIT was sent"
    assert "secret" not in str(caught.value)
    await manager.close()


@MARIADB
async def test_a_wrong_password(database_url: str, mariadb_server: MariaDBServer) -> None:
    wrong = database_url.replace(mariadb_server.password, "wrong-secret")
    for shard_id, kind in ((None, DatabaseAccessError), (7, ShardAccessError)):
        manager = DatabaseManager(wrong, shard_id=shard_id)
        with pytest.raises(DatabaseAccessError) as caught:
            async with manager.session() as session:
                await session.execute(select(Item))
        assert type(caught.value) is kind
        assert not caught.value.retryable
        assert "wrong-secret" not in str(caught.value)
        await manager.close()
    assert caught.value.shard_id == 7  # type: ignore[attr-defined]


async def test_all_connections_in_use(database_url: str) -> None:
    manager = DatabaseManager(database_url, pool_size=1, max_overflow=0, pool_timeout=0.05)
    async with manager.session(read_only=True) as first:
        await first.execute(text("SELECT 1"))
        with pytest.raises(DatabaseConnectionError, match="all connections of the pool are in use"):
            async with manager.session(read_only=True) as second:
                await second.execute(text("SELECT 1"))
        assert manager.checked_out() == 1
    assert manager.checked_out() == 0
    await manager.close()


# A shard's errors name the shard


@pytest.fixture
async def shard(manager: DatabaseManager) -> AsyncIterator[DatabaseManager]:
    shard = DatabaseManager(manager.url, name="shard 7 (seven)", shard_id=7)
    yield shard
    await shard.close()


async def leave_with(manager: DatabaseManager, error: Exception) -> Any:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # any
        async with manager.session():
            raise error
    return caught.value


async def test_a_lost_connection_is_an_unavailable_shard(shard: DatabaseManager) -> None:
    lost = DatabaseConnectionError("gone")
    error = await leave_with(shard, lost)
    assert type(error) is ShardUnavailableError
    assert error.shard_id == 7
    assert str(error) == "shard 7 is unavailable: gone"
    assert error.__cause__ is lost
    assert error.__notes__ == ["database: shard 7 (seven)"]


async def test_other_errors_keep_their_class(shard: DatabaseManager) -> None:
    for other in (DatabaseError("no"), DuplicateEntityError("Item"), ShardMaintenanceError(7), StopError()):
        assert await leave_with(shard, other) is other


async def test_an_error_of_another_database_is_not_the_shards(
    shard: DatabaseManager, manager: DatabaseManager
) -> None:
    with pytest.raises(DatabaseConnectionError) as caught:
        async with shard.session(), manager.session():
            raise DatabaseConnectionError("the shop is gone")
    assert type(caught.value) is DatabaseConnectionError
    assert caught.value.__notes__ == ["database: the shop"]


# Read-only sessions


async def test_a_read_only_session_reads(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        session.add(Item(id=1, name="a"))
    async with manager.session(read_only=True) as session:
        item = await session.get(Item, 1)
        assert item is not None
        assert item.name == "a"


async def test_a_read_only_session_refuses_objects(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        session.add(Item(id=1, name="a"))
    with pytest.raises(ReadOnlySessionError, match="holds a changed Item"):
        async with manager.session(read_only=True) as session:
            session.add(Item(id=2, name="b"))
            await session.flush()
    with pytest.raises(ReadOnlySessionError):
        async with manager.session(read_only=True) as session:
            item = await session.get_one(Item, 1)
            item.name = "changed"
            await session.flush()
    with pytest.raises(ReadOnlySessionError):
        async with manager.session(read_only=True) as session:
            await session.delete(await session.get_one(Item, 1))
            await session.commit()
    assert await names(manager) == ["a"]


@pytest.mark.parametrize(
    "statement",
    [insert(Item).values(id=9, name="x"), update(Item).values(name="x"), delete(Item)],
    ids=lambda statement: type(statement).__name__,
)
async def test_a_read_only_session_refuses_statements(manager: DatabaseManager, statement: Any) -> None:
    with pytest.raises(ReadOnlySessionError, match="INSERT, UPDATE or DELETE"):
        async with manager.session(read_only=True) as session:
            await session.execute(statement)


async def test_an_unflushed_object_of_a_read_only_session_is_not_lost_in_silence(
    manager: DatabaseManager,
) -> None:
    with pytest.raises(ReadOnlySessionError):
        async with manager.session(read_only=True) as session:
            session.add(Item(id=1, name="a"))
    assert await names(manager) == []


async def test_what_text_wrote_in_a_read_only_session_is_undone(manager: DatabaseManager) -> None:
    async with manager.session(read_only=True) as session:
        await session.execute(text("INSERT INTO item (id, name) VALUES (1, 'x')"))
    assert await names(manager) == []


@SQLITE
async def test_a_read_only_session_does_not_wait_for_the_writer(manager: DatabaseManager) -> None:
    async with manager.session() as writer:
        await writer.execute(insert(Item).values(id=1, name="not yet"))
        async with asyncio.timeout(2):
            assert await names(manager) == []


# Tests inside one transaction


async def test_bound_to_a_connection_everything_can_be_undone(manager: DatabaseManager) -> None:
    async with manager.engine.connect() as connection:
        transaction = await connection.begin()
        with manager.bound_to(connection):
            async with manager.session() as session:
                session.add(Item(id=1, name="committed"))
            with pytest.raises(StopError):
                async with manager.session() as session:
                    await session.execute(insert(Item).values(id=2, name="rolled back"))
                    raise StopError
            assert await names(manager) == ["committed"]
            assert manager.bind is connection.sync_connection
        await transaction.rollback()
    assert await names(manager) == []
    assert manager.bind is manager.engine.sync_engine


# Its end


def connections_to(database_url: str, server: MariaDBServer) -> int:
    name = database_url.rpartition("/")[2]
    rows = server.execute(f"SELECT count(*) FROM information_schema.processlist WHERE db = '{name}'")
    return int(rows[0][0])


@MARIADB
async def test_closing_leaves_no_connection_to_the_server(
    manager: DatabaseManager, database_url: str, mariadb_server: MariaDBServer
) -> None:
    async with manager.session() as session:
        await session.execute(text("SELECT 1"))
    assert connections_to(database_url, mariadb_server) == 1
    async with manager.session() as session:
        await session.execute(insert(Item).values(id=1, name="in flight"))
        await manager.close()
    await settled(lambda: connections_to(database_url, mariadb_server) == 0)
    assert await names(manager) == ["in flight"], "it can be used again"
    await manager.close()
    await settled(lambda: connections_to(database_url, mariadb_server) == 0)


@MARIADB
async def test_retiring_disturbs_no_session_and_keeps_no_connection(
    manager: DatabaseManager, database_url: str, mariadb_server: MariaDBServer
) -> None:
    async with manager.session() as running, manager.session() as waiting:
        await running.execute(insert(Item).values(id=1, name="in flight"))
        await manager.retire()
        await running.execute(insert(Item).values(id=2, name="still in flight"))
        await running.commit()
        await waiting.execute(select(Item.id))  # its first statement comes after the end
    assert manager.checked_out() == 0
    await settled(lambda: connections_to(database_url, mariadb_server) == 0)
    assert await names(manager) == ["in flight", "still in flight"]
    await settled(lambda: connections_to(database_url, mariadb_server) == 0)


async def settled(condition: Any) -> None:
    """Wait until the server has seen what the client sent."""
    for _ in range(100):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it didn't come true within two seconds")


@SQLITE
async def test_retiring_ends_the_threads_of_sqlite(manager: DatabaseManager) -> None:
    import threading

    async with manager.session() as session:
        await session.execute(insert(Item).values(id=1, name="in flight"))
        during = threading.active_count()
        await manager.retire()
        await session.execute(select(Item.id))
    await asyncio.sleep(0.05)
    assert threading.active_count() < during


async def test_closing_twice(manager: DatabaseManager) -> None:
    await manager.close()
    await manager.close()


# Settings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pool_size": 0}, r"DATABASE_POOL_SIZE: .*at least 1 and at most 1000"),
        ({"max_overflow": -1}, "DATABASE_MAX_OVERFLOW"),
        ({"pool_timeout": 0}, "DATABASE_POOL_TIMEOUT"),
        ({"read_timeout": -1}, "DATABASE_READ_TIMEOUT"),
        ({"charset": "latin1"}, "DATABASE_CHARSET"),
    ],
)
def test_bad_settings(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        DatabaseManager("sqlite:///a.db", **given)


def test_the_address_hides_the_password() -> None:
    manager = DatabaseManager("mysql://u:secret@h/d", poolclass=NullPool)
    assert "secret" not in str(manager.url)
    assert "secret" not in repr(manager.url)
    assert manager.dialect_name == "mysql"
    assert manager.checked_out() == 0
