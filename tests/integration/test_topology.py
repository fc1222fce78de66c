"""Shards are added, changed and lost while the application runs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.engine import URL, make_url

from shardwise import ShardedDatabase
from shardwise.errors import (
    DatabaseConnectionError,
    DatabaseNotMigratedError,
    ShardAccessError,
    ShardConfigurationError,
    ShardDisabledError,
    ShardMaintenanceError,
    ShardUnavailableError,
    UnknownShardError,
)
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.testing.servers import MariaDBServer, free_port
from shardwise.topology.engines import create_engine
from shardwise.topology.registry import NewShard, add_shard

MARIADB = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)


async def configure(db: ShardedDatabase, shard_id: int, **columns: Any) -> None:
    async with db.global_session() as session:
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(columns))
    await db.topology.refresh()


async def answers(db: ShardedDatabase, shard_id: int) -> bool:
    async with db.shard_session(shard_id) as session:
        return bool((await session.execute(text("SELECT 1"))).scalar())


@pytest.fixture
async def accounts(db: ShardedDatabase) -> ShardedDatabase:
    """The accounts 1000 on shard 1 and 1001 on shard 2."""
    assert [(await db.place_account(key)).shard_id for key in (1000, 1001)] == [1, 2]
    return db


@pytest.fixture
async def third_url(database_url: str) -> URL:
    """A migrated database for a third shard."""
    url = make_url(database_url)
    await upgrade(Target.shard(3, url))
    return url


async def test_a_shard_is_added_while_running(db: ShardedDatabase, third_url: URL) -> None:
    with pytest.raises(UnknownShardError, match="shard 3"):
        await answers(db, 3)
    async with db.shard_session(1) as running:
        await running.execute(text("SELECT 1"))
        await add_shard(db.global_manager, NewShard(shard_id=3, name="third", url=third_url))
        with pytest.raises(UnknownShardError):
            await answers(db, 3)
        topology = await db.topology.refresh()
        assert list(topology.shards) == [1, 2, 3]
        assert await answers(db, 3)
        assert (await running.execute(text("SELECT 2"))).scalar() == 2
    placed = {(await db.place_account(key)).shard_id: key for key in range(1000, 1006)}
    assert set(placed) == {1, 2, 3}, "new accounts go to it, too"
    async with db.session(placed[3]) as session:
        assert session.shard_id == 3
        assert (await session.execute(text("SELECT 1"))).scalar() == 1


async def test_a_new_shard_that_was_not_migrated(db: ShardedDatabase, database_url: str) -> None:
    empty = create_engine(database_url)
    async with empty.connect():
        pass  # SQLite has a file now
    await empty.dispose()
    await add_shard(db.global_manager, NewShard(shard_id=3, name="third", url=make_url(database_url)))
    async with ShardedDatabase.from_url(db.global_manager.url, _env_file=None) as checked:
        with pytest.raises(DatabaseNotMigratedError, match=r"shard 3 \(third\) has not been migrated"):
            await answers(checked, 3)
        assert await answers(checked, 1)


async def test_a_watched_configuration_needs_no_call(db: ShardedDatabase) -> None:
    url, settings = db.global_manager.url, {"refresh_interval": 0.02, "revision_check": "ignore"}
    async with ShardedDatabase.from_url(url, _env_file=None, topology=settings) as watching:
        assert await answers(watching, 2)
        async with db.global_session() as session:
            await session.execute(delete(ShardConfig).where(ShardConfig.shard_id == 2))
        async with asyncio.timeout(5):
            while 2 in watching.topology.shards:  # noqa: ASYNC110  # nothing tells of it
                await asyncio.sleep(0.01)
        with pytest.raises(UnknownShardError):
            await answers(watching, 2)


async def test_maintenance_and_disabled(accounts: ShardedDatabase) -> None:
    await configure(accounts, 2, status=ShardStatus.MAINTENANCE)
    with pytest.raises(ShardMaintenanceError, match="shard 2 is unavailable: it is in maintenance"):
        async with accounts.session(1001):
            pass
    async with accounts.shard_session(2, maintenance=True) as session:
        assert (await session.execute(text("SELECT 1"))).scalar() == 1
    await configure(accounts, 2, status=ShardStatus.DISABLED)
    with pytest.raises(ShardDisabledError, match="shard 2 is unavailable: it is disabled"):
        async with accounts.session(1001):
            pass
    async with accounts.session(1000) as session:
        assert session.shard_id == 1
    assert (await accounts.place_account(1003)).shard_id == 1, "new accounts go to active shards"
    await configure(accounts, 2, status=ShardStatus.ACTIVE)
    async with accounts.session(1001) as session:
        assert session.shard_id == 2


@pytest.mark.parametrize(
    "columns", [{"driver": "oracle"}, {"port": -1, "driver": "mysql"}, {"pool_size": 0}], ids=str
)
async def test_a_broken_row_is_named_and_the_others_work(
    accounts: ShardedDatabase, columns: dict[str, Any]
) -> None:
    await configure(accounts, 2, **columns)
    with pytest.raises(ShardConfigurationError, match="shard 2 is unavailable") as caught:
        async with accounts.session(1001):
            pass
    assert caught.value.shard_id == 2
    assert await answers(accounts, 1)
    assert list(accounts.topology.snapshot.broken) == [2]


@MARIADB
async def test_a_wrong_password_of_a_shard(accounts: ShardedDatabase) -> None:
    await configure(accounts, 2, password="wrong-secret")
    with pytest.raises(
        ShardAccessError, match="shard 2 is unavailable: the user or the password is wrong"
    ) as caught:
        async with accounts.session(1001) as session:
            await session.execute(text("SELECT 1"))
    assert isinstance(caught.value, ShardUnavailableError)
    assert caught.value.shard_id == 2
    assert not caught.value.retryable
    assert "wrong-secret" not in str(caught.value)
    async with accounts.session(1000) as session:
        assert (await session.execute(text("SELECT 1"))).scalar() == 1


async def test_a_shard_whose_server_is_gone(accounts: ShardedDatabase, mariadb_installed: None) -> None:
    gone = {"driver": "mysql", "host": "127.0.0.1", "port": free_port(), "database_name": "d"}
    await configure(accounts, 2, **gone)
    with pytest.raises(ShardUnavailableError, match=r"shard 2 is unavailable: .*can't be reached") as caught:
        async with accounts.session(1001) as session:
            await session.execute(text("SELECT 1"))
    assert (caught.value.shard_id, caught.value.retryable) == (2, True)
    assert await answers(accounts, 1)


@MARIADB
async def test_new_credentials_replace_the_connections_without_disturbing_a_session(
    accounts: ShardedDatabase, mariadb_server: MariaDBServer
) -> None:
    name = accounts.topology.shards[2].url.database
    mariadb_server.execute(
        "CREATE OR REPLACE USER rotated@'%' IDENTIFIED BY 'n3w-secret'",
        f"GRANT ALL ON `{name}`.* TO rotated@'%'",
    )
    try:
        async with accounts.session(1001) as session:
            await session.execute(text("INSERT INTO table_errorlog (param) VALUES ('before')"))
            await configure(accounts, 2, username="rotated", password="n3w-secret")
            async with accounts.session(1001) as other:
                assert (await other.execute(text("SELECT CURRENT_USER()"))).scalar() == "rotated@%"
            await session.execute(text("INSERT INTO table_errorlog (param) VALUES ('after')"))
            user = (await session.execute(text("SELECT CURRENT_USER()"))).scalar()
            assert user == f"{mariadb_server.user}@%"
        async with accounts.session(1001) as session:
            rows = await session.execute(text("SELECT param FROM table_errorlog ORDER BY idx"))
            assert list(rows.scalars()) == ["before", "after"]
    finally:
        await configure(accounts, 2, username=mariadb_server.user, password=mariadb_server.password)
        mariadb_server.execute("DROP USER rotated@'%'")


async def test_an_unreadable_configuration_leaves_the_shards_in_force(accounts: ShardedDatabase) -> None:
    async with accounts.global_session() as session:
        await session.execute(text("ALTER TABLE table_shard_config RENAME TO hidden"))
    try:
        with pytest.raises(Exception, match="table_shard_config"):
            await accounts.topology.refresh()
        for key in (1000, 1001):
            async with accounts.session(key) as session:
                assert (await session.execute(text("SELECT 1"))).scalar() == 1
    finally:
        async with accounts.global_session() as session:
            await session.execute(text("ALTER TABLE hidden RENAME TO table_shard_config"))


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_a_folder_of_files_can_be_moved_as_a_whole(
    accounts: ShardedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with accounts.session(1001) as session:
        await session.execute(text("INSERT INTO table_errorlog (param) VALUES ('moved')"))
    before = Path(accounts.global_manager.url.database or "")
    await accounts.close()
    after = tmp_path / "elsewhere"
    before.parent.rename(after)
    monkeypatch.chdir("/")
    url = f"sqlite:///{after / before.name}"
    async with ShardedDatabase.from_url(url, _env_file=None) as database, database.session(1001) as session:
        assert (await session.execute(text("SELECT param FROM table_errorlog"))).scalar() == "moved"


async def test_a_server_that_comes_back_is_used_again(mariadb_installed: None, db: ShardedDatabase) -> None:
    with MariaDBServer(fast=True) as server:
        await upgrade(Target.shard(3, make_url(server.create_database())))
        await add_shard(
            db.global_manager, NewShard(shard_id=3, name="third", url=make_url(server.url("test_1")))
        )
        await db.topology.refresh()
        assert await answers(db, 3)
        server.stop()
        for _ in range(2):
            with pytest.raises(DatabaseConnectionError) as caught:
                await answers(db, 3)
            assert isinstance(caught.value, ShardUnavailableError)
            assert await answers(db, 1)
        server.start()
        assert await answers(db, 3)
        assert (await db.health())[-1].ok
