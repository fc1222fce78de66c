"""Health of a whole fleet: within its deadline, whatever hangs."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text, update
from sqlalchemy.engine import make_url

from shardwise import ShardedDatabase
from shardwise.errors import DatabaseConnectionError
from shardwise.migrations.branches import Branch, expected_head
from shardwise.migrations.runner import upgrade
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.testing.servers import MariaDBServer, free_port
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.registry import NewShard, add_shard


async def test_a_healthy_fleet(db: ShardedDatabase) -> None:
    found = await db.health()
    assert [(one.name, one.shard_id, one.status, one.ok, one.error) for one in found] == [
        ("global database", None, "up", True, None),
        ("shard 1 (shard_1)", 1, "up", True, None),
        ("shard 2 (shard_2)", 2, "up", True, None),
    ]
    assert [one.revision for one in found] == [
        expected_head(Branch.GLOBAL),
        *[expected_head(Branch.SHARD)] * 2,
    ]
    assert all(one.latency_ms is not None and one.latency_ms > 0 for one in found)
    kind = "SQLite" if db.global_manager.dialect_name == "sqlite" else "MariaDB"
    assert all(kind in (one.server_version or "") for one in found)
    assert {one.pool_limit for one in found} == {30}


async def test_statuses(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        for shard_id, columns in ((1, {"status": ShardStatus.MAINTENANCE}), (2, {"pool_size": 0})):
            await session.execute(update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(columns))
    await db.topology.refresh()
    found = await db.health()
    assert [one.status for one in found] == ["up", "maintenance", "down"]
    assert "out of range" in (found[2].error or "")
    assert found[1].revision == expected_head(Branch.SHARD)


async def test_pools_in_use(db: ShardedDatabase) -> None:
    async with db.shard_session(2) as session:
        await session.connection()
        assert [one.pool_in_use for one in await db.health()] == [0, 0, 1]


@pytest.fixture(scope="module")
def private_server(mariadb_installed: None) -> Iterator[MariaDBServer]:
    with MariaDBServer(fast=True) as server:
        yield server


@pytest.fixture
async def with_third(db: ShardedDatabase, private_server: MariaDBServer) -> ShardedDatabase:
    """The fleet with a third shard on a server of its own, connected, and a fourth whose server is gone."""
    private_server.start()
    url = make_url(private_server.create_database())
    await upgrade(Target.shard(3, url))
    await add_shard(db.global_manager, NewShard(shard_id=3, name="third", url=url))
    gone = make_url(f"mysql://u:secret@127.0.0.1:{free_port()}/d")
    await add_shard(db.global_manager, NewShard(shard_id=4, name="gone", url=gone))
    await db.topology.refresh()
    async with db.shard_session(3) as session:
        await session.execute(text("SELECT 1"))
    return db


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_a_stopped_server_does_not_hold_up_the_others(
    with_third: ShardedDatabase, private_server: MariaDBServer
) -> None:
    private_server.pause()
    try:
        for _ in range(2):  # over the connection of the pool, then over a new one
            before = time.perf_counter()
            found = await with_third.health(deadline=0.5)
            assert time.perf_counter() - before < 1.5
            assert [one.status for one in found] == ["up", "up", "up", "down", "down"]
            assert found[3].error == "no answer within 0.5 s"
            assert "can't be reached" in (found[4].error or "")
            assert "secret" not in str(found)
            assert [one.pool_in_use for one in found] == [0] * 5
    finally:
        private_server.resume()
    assert (await with_third.health())[3].ok, "it is seen when it is back"


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_a_stopped_server_bounds_reading_and_writing(
    with_third: ShardedDatabase, private_server: MariaDBServer
) -> None:
    url = with_third.topology.shards[3].url
    reader = DatabaseManager(url, read_timeout=0.5)
    writer = DatabaseManager(url, write_timeout=0.5)
    big = "x" * 15_000_000  # more than the kernel's buffers hold
    try:
        for manager, statement in ((reader, "SELECT SLEEP(0.2)"), (writer, "SELECT length(:x)")):
            before = 0.0
            with pytest.raises(DatabaseConnectionError):
                async with manager.session() as session:
                    await session.execute(text("SELECT 1"))
                    private_server.pause()
                    before = time.perf_counter()
                    await session.execute(text(statement), {"x": big} if ":x" in statement else {})
            assert time.perf_counter() - before < 5
            private_server.resume()
    finally:
        private_server.resume()
        await reader.close()
        await writer.close()
