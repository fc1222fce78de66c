"""A whole database: opening, closing, what it says of itself, and what keeps it from being opened."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from shardwise import ShardedDatabase
from shardwise.config import Settings
from shardwise.errors import (
    ConfigurationError,
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseNotMigratedError,
    MissingTableError,
    NoActiveShardError,
    RevisionMismatchError,
    TopologyError,
    UnknownAccountError,
)
from shardwise.migrations.branches import Branch, expected_head
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardMapping, ShardStats
from shardwise.testing.connections import CheckedOutConnections
from shardwise.testing.servers import MariaDBServer, free_port
from shardwise.topology.engines import create_engine

MARIADB = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


def again(db: ShardedDatabase, **sections: Any) -> ShardedDatabase:
    """Return another, unopened database on the same addresses."""
    return ShardedDatabase.from_url(db.global_manager.url, _env_file=None, **sections)


async def set_revision(db: ShardedDatabase, shard_id: int | None, revision: str | None) -> None:
    scope = db.global_session() if shard_id is None else db.shard_session(shard_id)
    async with scope as session:
        if revision is None:
            await session.execute(text("DELETE FROM alembic_version"))
        else:
            await session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


@pytest.fixture
async def checked(db: ShardedDatabase) -> AsyncIterator[ShardedDatabase]:
    """An open database with the default settings: schema revisions are checked."""
    async with again(db) as database:
        yield database


# Opening and closing


async def test_opened_with_default_settings_everything_is_there(checked: ShardedDatabase) -> None:
    assert list(checked.topology.shards) == [1, 2]
    placement = await checked.place_account(1000)
    async with checked.session(1000) as session:
        assert session.shard_id == placement.shard_id
        assert (await session.execute(text("SELECT 1"))).scalar() == 1
    async with checked.global_session() as session:
        assert await session.scalar(select(func.count()).select_from(ShardMapping)) == 1


async def test_opening_twice_is_refused_and_closing_twice_is_not(db: ShardedDatabase) -> None:
    for interval in (0, 60):
        database = again(db, topology={"refresh_interval": interval})
        assert await database.open() is database
        with pytest.raises(ConfigurationError, match="open already"):
            await database.open()
        assert list(database.topology.shards) == [1, 2], "the refusal changes nothing"
        await database.close()
        await database.close()
        async with database:
            assert list(database.topology.shards) == [1, 2]


async def test_a_database_that_is_not_open_says_so(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    database = again(db)
    for _ in range(2):
        with pytest.raises(TopologyError, match="open the ShardedDatabase first"):
            async with database.session(1000):
                pass
        with pytest.raises(TopologyError, match="open the ShardedDatabase first"):
            async with database.shard_session(1):
                pass
        async with database:
            pass
    await database.close()


async def test_nothing_is_connected_after_closing(db: ShardedDatabase) -> None:
    await db.place_account(1000)
    database = again(db)
    async with database:
        async with database.session(1000) as session:
            await session.execute(text("SELECT 1"))
        managers = [database.global_manager, *database.topology.managers.values()]
    assert len(managers) == 2
    assert [manager.engine.pool.checkedin() for manager in managers] == [0, 0]  # type: ignore[attr-defined]


async def test_closing_while_questions_are_in_flight(db: ShardedDatabase) -> None:
    database = await again(db, topology={"refresh_interval": 0.001}).open()
    asking = [asyncio.create_task(database.where(key)) for key in range(20)]
    await asyncio.sleep(0)
    with CheckedOutConnections(database.global_manager.engine.sync_engine.pool) as connections:
        await database.close()
        await asyncio.gather(*asking, return_exceptions=True)
        assert connections.count == 0


async def test_the_first_connection_of_all_is_of_the_first_use(database_url: str) -> None:
    database = ShardedDatabase.from_url(database_url)
    assert database.global_manager.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    if database.global_manager.dialect_name == "sqlite":
        assert not Path(database.global_manager.url.database or "").exists()


# Settings


def test_from_url_and_from_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    url = "mysql+asyncmy://trader:p%40ss@db.example:3307/platform"
    for given in (url, make_url(url)):
        database = ShardedDatabase.from_url(
            given, routing={"strategy": "weighted"}, database={"pool_size": 3}
        )
        assert database.global_manager.url == make_url(url)
        assert database.assignment.strategy == "weighted"
        assert database.settings.database.pool_size == 3
        assert database.global_manager.engine.pool.size() == 3  # type: ignore[attr-defined]
    settings = Settings(database={"type": "sqlite", "database": "here.db"})
    assert ShardedDatabase.from_settings(settings).settings is settings
    assert isinstance(ShardedDatabase(settings, poolclass=NullPool).global_manager.engine.pool, NullPool)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///from_environment.db")
    assert ShardedDatabase().global_manager.url.database == "from_environment.db"


@pytest.mark.parametrize("url", ["nonsense", "postgresql://h/d", "sqlite://"])
def test_an_unusable_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_URL"):
        ShardedDatabase.from_url(url)


def test_an_unknown_section() -> None:
    with pytest.raises(ConfigurationError, match="no section routig"):
        ShardedDatabase.from_url("sqlite:///a.db", routig={})


# What keeps it from being opened


async def refused(database: ShardedDatabase, kind: type[Exception], said: str) -> None:
    """Check that opening is refused, and that nothing is left open."""
    for _ in range(2):
        with CheckedOutConnections() as connections:
            with pytest.raises(kind, match=said):
                await database.open()
            assert connections.count == 0
        assert database.global_manager.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
        assert database.topology.shards == {}


async def test_a_database_that_was_never_migrated(database_url: str) -> None:
    head = expected_head(Branch.GLOBAL)
    said = rf"global database has not been migrated \(expected revision {head}\); run `shardwise upgrade`"
    await refused(ShardedDatabase.from_url(database_url), DatabaseNotMigratedError, said)


async def test_a_database_without_the_shard_configuration(database_url: str) -> None:
    empty = create_engine(database_url)
    async with empty.connect():
        pass  # SQLite has a file now, and no tables
    await empty.dispose()
    database = ShardedDatabase.from_url(database_url, topology={"revision_check": "ignore"})
    await refused(database, MissingTableError, "no table table_shard_config; run `shardwise upgrade`")


async def test_a_global_database_at_another_revision(
    db: ShardedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    head = expected_head(Branch.GLOBAL)
    await set_revision(db, None, "0000")
    try:
        await refused(again(db), RevisionMismatchError, f"is at revision 0000, this code needs {head}")
        for policy, logged in (("warn", True), ("ignore", False)):
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                async with again(db, topology={"revision_check": policy}) as database:
                    assert list(database.topology.shards) == [1, 2]
            assert ("is at revision 0000" in caplog.text) is logged
    finally:
        await set_revision(db, None, head)


async def test_a_server_that_is_not_there(mariadb_installed: None) -> None:
    database = ShardedDatabase.from_url(f"mysql://u:secret@127.0.0.1:{free_port()}/d")
    await refused(database, DatabaseConnectionError, "can't be reached")


@MARIADB
async def test_a_wrong_password_or_name(database_url: str, mariadb_server: MariaDBServer) -> None:
    wrong = database_url.replace(mariadb_server.password, "wrong-secret")
    await refused(ShardedDatabase.from_url(wrong), DatabaseAccessError, "the user or the password is wrong")
    await refused(
        ShardedDatabase.from_url(f"{database_url}_not"), DatabaseAccessError, "no database of this name"
    )


async def test_a_failed_opening_can_be_repeated(db: ShardedDatabase) -> None:
    head = expected_head(Branch.GLOBAL)
    database = again(db)
    await set_revision(db, None, "0000")
    with pytest.raises(RevisionMismatchError):
        await database.open()
    await set_revision(db, None, head)
    async with database:
        assert list(database.topology.shards) == [1, 2]


# A shard's schema


async def test_a_shard_at_another_revision_is_named_and_the_others_work(
    db: ShardedDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    head = expected_head(Branch.SHARD)
    await set_revision(db, 2, "0000")
    try:
        async with again(db) as database:
            for _ in range(2):
                with pytest.raises(
                    RevisionMismatchError, match=r"shard 2 \(shard_2\) is at revision 0000"
                ) as caught:
                    async with database.shard_session(2):
                        pass
                assert (caught.value.expected, caught.value.found) == (head, "0000")
            async with database.shard_session(1) as session:
                assert (await session.execute(text("SELECT 1"))).scalar() == 1
            await set_revision(db, 2, head)
            async with database.shard_session(2) as session:
                assert (await session.execute(text("SELECT 1"))).scalar() == 1
        await set_revision(db, 2, None)
        async with again(db) as database:
            with pytest.raises(DatabaseNotMigratedError, match=r"shard 2 \(shard_2\) has not been migrated"):
                async with database.shard_session(2):
                    pass
        async with again(db, topology={"revision_check": "warn"}) as database:
            with caplog.at_level(logging.WARNING):
                async with database.shard_session(2) as session:
                    assert (await session.execute(text("SELECT 1"))).scalar() == 1
            assert "shard 2 (shard_2) has not been migrated" in caplog.text
    finally:
        async with db.shard_session(2) as session:
            await session.execute(text("DELETE FROM alembic_version"))
            await session.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": head})


# Accounts


async def test_where_an_account_lives(db: ShardedDatabase) -> None:
    with pytest.raises(UnknownAccountError, match="account 1000"):
        await db.where(1000)
    placed = await db.place_account(1000)
    assert placed == Placement(1, 1, PlacementState.ACTIVE)
    assert await db.where(1000) == placed
    assert await db.place_account(1000) == placed, "an account keeps its shard"
    assert (await db.place_account(2**64 - 1)).shard_id == 2
    async with again(db) as other:
        assert await other.where(2**64 - 1) == await db.where(2**64 - 1)


async def test_no_shard_for_an_account(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        await session.execute(text("UPDATE table_shard_config SET status = 'maintenance'"))
    await db.topology.refresh()
    with pytest.raises(NoActiveShardError):
        await db.place_account(1000)


async def test_thirty_two_accounts_at_once_are_counted_exactly(db: ShardedDatabase) -> None:
    placed = await asyncio.gather(*(db.place_account(key) for key in range(1000, 1032)))
    twice = await asyncio.gather(*(db.place_account(1000 + n // 4) for n in range(16)))
    assert [one.shard_id for one in placed] == [1, 2] * 16
    assert [one.shard_id for one in twice] == [placed[n // 4].shard_id for n in range(16)]
    async with db.global_session() as session:
        counts = (await session.execute(select(ShardStats.shard_id, ShardStats.user_count))).all()
    assert sorted(map(tuple, counts)) == [(1, 16), (2, 16)]
    assert [(one.before, one.after) for one in await db.recount()] == [(16, 16), (16, 16)]


async def test_a_recount_repairs(db: ShardedDatabase) -> None:
    for key in (1000, 1001, 1002):
        await db.place_account(key)
    async with db.global_session() as session:
        await session.execute(text("UPDATE table_shard_stats SET user_count = 40 WHERE shard_id = 1"))
        await session.execute(text("DELETE FROM table_shard_stats WHERE shard_id = 2"))
    found = [(one.shard_id, one.before, one.after) for one in await db.recount()]
    assert found == [(1, 40, 2), (2, 0, 1)]
    assert [(one.before, one.after) for one in await db.recount()] == [(2, 2), (1, 1)]


# One object for a whole application


async def test_many_tasks_share_one_database(db: ShardedDatabase) -> None:
    keys = range(1000, 1020)
    for key in keys:
        await db.place_account(key)
    db.directory.clear()

    async def ask(key: int) -> int:
        async with db.session(key, read_only=True) as session:
            await session.execute(text("SELECT 1"))
            return session.shard_id or 0

    found = await asyncio.gather(*(ask(key) for key in keys for _ in range(3)))
    assert set(found) == {1, 2}
    assert found[::3] == [1, 2] * 10
