"""What every connection promises, on real databases."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import NullPool

from shardwise.config import PoolSettings
from shardwise.errors import ConfigurationError
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import READ_ONLY, create_engine

SQLITE = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
MARIADB = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)

METADATA = MetaData()
ITEM = Table(
    "item",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(20), unique=True),
    Column("number", Integer),
)
PART = Table(
    "part",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("item_id", ForeignKey("item.id")),
)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    yield engine
    await engine.dispose()


async def names(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.scalars(select(ITEM.c.name).order_by(ITEM.c.name))).all())


# Transactions


async def test_a_savepoint_undoes_what_came_after_it_and_nothing_else(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(ITEM).values(id=1, name="kept"))
        savepoint = await connection.begin_nested()
        await connection.execute(insert(ITEM).values(id=2, name="undone"))
        await savepoint.rollback()
        async with connection.begin_nested():
            await connection.execute(insert(ITEM).values(id=3, name="released"))
    assert await names(engine) == ["kept", "released"]


async def test_a_rollback_undoes_what_a_savepoint_released(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        transaction = await connection.begin()
        async with connection.begin_nested():
            await connection.execute(insert(ITEM).values(id=1, name="undone"))
        await transaction.rollback()
    assert await names(engine) == []


async def test_a_savepoint_survives_a_refused_row(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(ITEM).values(id=1, name="a"))
        with pytest.raises(IntegrityError):
            async with connection.begin_nested():
                await connection.execute(insert(ITEM).values(id=2, name="b"))
                await connection.execute(insert(ITEM).values(id=3, name="a"))
        await connection.execute(insert(ITEM).values(id=4, name="c"))
    assert await names(engine) == ["a", "c"]


async def test_definitions_are_part_of_the_transaction_on_sqlite(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TABLE t (a INTEGER)"))
        await connection.rollback()
        assert (await connection.execute(text("SELECT count(*) FROM sqlite_master"))).scalar() == 0
    await engine.dispose()


async def test_foreign_keys_hold(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(insert(PART).values(id=1, item_id=4711))


async def test_readers_do_not_wait_for_a_writer(engine: AsyncEngine) -> None:
    reading = engine.execution_options(**{READ_ONLY: True})
    async with engine.connect() as writer:
        await writer.execute(insert(ITEM).values(id=1, name="not yet"))
        async with asyncio.timeout(2), reading.connect() as reader:
            assert (await reader.execute(select(func.count()).select_from(ITEM))).scalar() == 0
        await writer.commit()
    async with reading.connect() as reader:
        assert (await reader.execute(select(func.count()).select_from(ITEM))).scalar() == 1


@SQLITE
async def test_writers_queue_instead_of_failing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(insert(ITEM).values(id=1, name="counter", number=0))

    async def count_one_more() -> None:
        async with engine.begin() as connection:
            number = await connection.scalar(select(ITEM.c.number).where(ITEM.c.id == 1))
            await asyncio.sleep(0)
            await connection.execute(update(ITEM).where(ITEM.c.id == 1).values(number=number + 1))

    await asyncio.gather(*(count_one_more() for _ in range(16)))
    async with engine.connect() as connection:
        assert await connection.scalar(select(ITEM.c.number)) == 16


@SQLITE
async def test_a_writer_waits_no_longer_than_the_timeout(database_url: str, engine: AsyncEngine) -> None:
    impatient = create_engine(database_url, PoolSettings(connect_timeout=0.1))
    async with engine.begin():
        before = time.perf_counter()
        with pytest.raises(OperationalError, match="database is locked"):
            async with impatient.begin():
                pass
        assert time.perf_counter() - before < 2
    await impatient.dispose()


# Connections to SQLite


@SQLITE
async def test_the_pragmas_of_a_connection(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        found = {
            name: (await connection.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


async def test_the_folder_is_made_when_it_is_needed_and_not_before(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'new' / 'folder' / 'a.db'}")
    assert not (tmp_path / "new").exists()
    async with engine.connect() as connection:
        assert await connection.scalar(select(literal_column("1"))) == 1
    await engine.dispose()
    assert (tmp_path / "new" / "folder" / "a.db").exists()


async def test_a_file_that_can_not_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    engine = create_engine(f"sqlite:///{tmp_path / 'file' / 'a.db'}")
    with pytest.raises(OperationalError, match="unable to open database file"):
        async with engine.connect():
            pass
    await engine.dispose()


# Connections to MariaDB


async def variable(engine: AsyncEngine, name: str) -> str:
    async with engine.connect() as connection:
        return str((await connection.execute(text(f"SELECT @@session.{name}"))).scalar())


@MARIADB
async def test_the_session_variables(engine: AsyncEngine) -> None:
    assert await variable(engine, "time_zone") == "+00:00"
    for name in ("character_set_client", "character_set_connection", "character_set_results"):
        assert await variable(engine, name) == "utf8mb4"
    modes = (await variable(engine, "sql_mode")).split(",")
    assert {"STRICT_TRANS_TABLES", "ERROR_FOR_DIVISION_BY_ZERO"} <= set(modes)
    async with engine.connect() as connection:
        now = (await connection.execute(text("SELECT NOW(6)"))).scalar()
    assert abs(now.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(seconds=5)


@MARIADB
@pytest.mark.parametrize("server_mode", ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"])
async def test_strictness_does_not_depend_on_the_server(
    database_url: str, mariadb_server: MariaDBServer, server_mode: str
) -> None:
    ((before,),) = mariadb_server.execute("SELECT @@global.sql_mode")
    mariadb_server.execute(f"SET GLOBAL sql_mode = '{server_mode}'", "SET GLOBAL time_zone = '+09:00'")
    engine = create_engine(database_url)
    hostile = "\\' OR 1=1 -- "
    try:
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
            await connection.execute(insert(ITEM).values(id=1, name=hostile))
            assert await connection.scalar(select(ITEM.c.name).where(ITEM.c.name == hostile)) == hostile
            with pytest.raises(DBAPIError, match="1406"):
                await connection.execute(insert(ITEM).values(id=2, name="x" * 21))
        assert await variable(engine, "time_zone") == "+00:00"
        assert "STRICT_TRANS_TABLES" in await variable(engine, "sql_mode")
    finally:
        await engine.dispose()
        mariadb_server.execute(f"SET GLOBAL sql_mode = '{before}'", "SET GLOBAL time_zone = 'SYSTEM'")


@MARIADB
@pytest.mark.parametrize("password", ["plain", "pässwörd", "пароль😀", "p@s:/#%'\"\\ s"])
async def test_any_password(database_url: str, mariadb_server: MariaDBServer, password: str) -> None:
    url = make_url(database_url)
    literal = password.replace("\\", "\\\\").replace("'", "\\'")
    mariadb_server.execute(
        "SET NAMES utf8mb4",
        f"CREATE OR REPLACE USER other@'%' IDENTIFIED BY '{literal}'",
        f"GRANT ALL ON `{url.database}`.* TO other@'%'",
    )
    engine = create_engine(url.set(username="other", password=password))
    try:
        async with engine.connect() as connection:
            assert (await connection.execute(text("SELECT CURRENT_USER()"))).scalar() == "other@%"
    finally:
        await engine.dispose()
        mariadb_server.execute("DROP USER other@'%'")


@MARIADB
async def test_reading_is_bounded_and_the_connection_is_not_used_again(database_url: str) -> None:
    engine = create_engine(database_url, PoolSettings(read_timeout=0.3, pool_size=1, max_overflow=0))
    before = time.perf_counter()
    with pytest.raises(OperationalError, match="read timeout"):
        async with engine.connect() as connection:
            await connection.execute(text("SELECT SLEEP(3)"))
    assert time.perf_counter() - before < 2
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 42"))).scalar() == 42
    await engine.dispose()


async def test_connecting_is_bounded_when_the_server_says_nothing(mariadb_installed: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody answers
        port = silent.getsockname()[1]
        engine = create_engine(f"mysql://u:p@127.0.0.1:{port}/d", PoolSettings(connect_timeout=0.3))
        before = time.perf_counter()
        with pytest.raises(OperationalError, match=r"2003.*no connection within 0.3 s"):
            async with engine.connect():
                pass
        assert time.perf_counter() - before < 2
        await engine.dispose()


@MARIADB
async def test_writing_is_bounded(database_url: str) -> None:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        pytest.skip("the system has no TCP_USER_TIMEOUT")
    engine = create_engine(database_url, PoolSettings(write_timeout=1.5))
    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        peer = raw.driver_connection._transport.get_extra_info("socket")
        assert peer.getsockopt(socket.IPPROTO_TCP, option) == 1500
    await engine.dispose()


# Errors and settings


async def test_errors_hold_no_parameters(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT * FROM nowhere WHERE a = :a"), {"a": "secret-value"})
    assert "secret-value" not in str(caught.value)
    assert "hide_parameters" in str(caught.value)


def test_the_pools_sizes() -> None:
    pool = PoolSettings(pool_size=3, max_overflow=4, pool_timeout=5, pool_recycle=6)
    for url in ("sqlite:///a.db", "mysql://u@h/d", "mariadb://u@h/d"):
        made = create_engine(url, pool).pool
        assert (made.size(), made._max_overflow, made._timeout, made._recycle) == (3, 4, 5, 6)


def test_another_pool_class() -> None:
    assert isinstance(create_engine("sqlite:///a.db", poolclass=NullPool).pool, NullPool)


@pytest.mark.parametrize("url", ["postgresql://h/d", "sqlite://", "nonsense"])
def test_an_unsupported_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        create_engine(url)
