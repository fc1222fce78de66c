"""How many ROLLBACKs a connection costs that comes back to its pool, and that nothing stays open."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.util import greenlet_spawn

from shardwise.config import PoolSettings
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import create_engine

pytestmark = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection, on a database with one row."""
    engine = create_engine(database_url, PoolSettings(pool_size=1, max_overflow=0))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (a INT PRIMARY KEY, b INT)"))
        await connection.execute(text("INSERT INTO t VALUES (1, 0)"))
    yield engine
    await engine.dispose()


async def rollbacks(connection: AsyncConnection) -> int:
    """Return how many ROLLBACKs the connection has sent since it was opened."""
    row = (await connection.execute(text("SHOW SESSION STATUS LIKE 'Com_rollback'"))).one()
    return int(row[1])


async def count(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        found = await rollbacks(connection)
        await connection.commit()
        return found


def assert_free(engine: AsyncEngine, server: MariaDBServer) -> None:
    """Check that nobody holds a lock on the row."""
    rows = server.execute("SELECT a FROM t WHERE a = 1 FOR UPDATE NOWAIT", database=engine.url.database)
    assert rows == [(1,)]


async def test_nothing_is_rolled_back_after_a_commit(engine: AsyncEngine) -> None:
    before = await count(engine)
    for _ in range(3):
        async with AsyncSession(engine) as session:
            await session.execute(text("UPDATE t SET b = b + 1"))
            await session.commit()
    assert await count(engine) == before


async def test_a_session_that_is_left_open_is_rolled_back_once(
    engine: AsyncEngine, mariadb_server: MariaDBServer
) -> None:
    before = await count(engine)
    for _ in range(3):
        async with AsyncSession(engine) as session:
            await session.execute(text("UPDATE t SET b = b + 1"))
    assert await count(engine) == before + 3
    assert_free(engine, mariadb_server)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT b FROM t")) == 0


async def test_what_a_failed_statement_has_locked_is_given_back(
    engine: AsyncEngine, mariadb_server: MariaDBServer
) -> None:
    """The server's last word before the failure is that no transaction is open."""
    await count(engine)
    with pytest.raises(IntegrityError):
        async with engine.connect() as connection:
            await connection.execute(text("INSERT INTO t VALUES (1, 1)"))
    assert_free(engine, mariadb_server)


async def test_what_the_driver_itself_began_is_rolled_back(
    engine: AsyncEngine, mariadb_server: MariaDBServer
) -> None:
    await count(engine)

    def write(statement: str) -> None:
        connection = engine.sync_engine.raw_connection()
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    await greenlet_spawn(write, "UPDATE t SET b = 9")
    assert_free(engine, mariadb_server)
    with pytest.raises(engine.dialect.dbapi.Error):  # type: ignore[union-attr]  # there is one
        await greenlet_spawn(write, "INSERT INTO t VALUES (1, 1)")
    assert_free(engine, mariadb_server)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT b FROM t")) == 0


async def test_a_commit_that_fails_leaves_nothing_open(
    engine: AsyncEngine, mariadb_server: MariaDBServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await count(engine)
    refusal = RuntimeError("no commit today")

    def refuse(connection: object) -> None:
        raise refusal

    async with engine.connect() as connection:
        await connection.execute(text("UPDATE t SET b = 9"))
        with monkeypatch.context() as patched:
            patched.setattr(engine.dialect, "do_commit", refuse)
            with pytest.raises(RuntimeError, match="no commit today"):
                await connection.commit()
    assert_free(engine, mariadb_server)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT b FROM t")) == 0


async def test_a_commit_that_fails_after_a_failed_statement_leaves_nothing_locked(
    engine: AsyncEngine, mariadb_server: MariaDBServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has not said that a transaction is open, and COMMIT has not ended it."""
    await count(engine)

    def refuse(connection: object) -> None:
        raise RuntimeError("no commit today")

    async with engine.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO t VALUES (1, 1)"))
        with monkeypatch.context() as patched:
            patched.setattr(engine.dialect, "do_commit", refuse)
            with pytest.raises(RuntimeError, match="no commit today"):
                await connection.commit()
    assert_free(engine, mariadb_server)


async def test_a_connection_taken_from_its_pool_is_closed(
    engine: AsyncEngine, mariadb_server: MariaDBServer
) -> None:
    async with engine.connect() as connection:
        number = await connection.scalar(text("SELECT CONNECTION_ID()"))
        await connection.execute(text("UPDATE t SET b = 9"))
        await connection.run_sync(Connection.detach)
    assert_free(engine, mariadb_server)
    alive = mariadb_server.execute("SELECT id FROM information_schema.processlist")
    assert (number,) not in alive
