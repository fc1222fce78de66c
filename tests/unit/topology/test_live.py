"""The topology follows table_shard_config while sessions run."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from shardwise.config import PoolSettings
from shardwise.errors import (
    DatabaseError,
    ShardConfigurationError,
    ShardDisabledError,
    ShardMaintenanceError,
    TopologyError,
    UnknownShardError,
)
from shardwise.schema.control import ShardConfig, ShardStatus
from shardwise.topology.live import LiveTopology
from shardwise.topology.manager import DatabaseManager


class Checks:
    """A revision check that counts, and fails where it is told to."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.failing: set[int | None] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, manager: DatabaseManager) -> None:
        self.made.append(manager.name)
        await self.gate.wait()
        if manager.shard_id in self.failing:
            raise TopologyError("not migrated")


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(f"sqlite:///{tmp_path / 'global.db'}", name="global database")
    async with manager.engine.begin() as connection:
        await connection.run_sync(ShardConfig.metadata.tables["table_shard_config"].create)
    yield manager
    await manager.close()


@pytest.fixture
async def live(database: DatabaseManager, checks: Checks) -> AsyncIterator[LiveTopology]:
    """A topology with the shards 1 and 2, loaded."""
    for shard_id in (1, 2):
        await add(database, shard_id)
    live = LiveTopology(database, PoolSettings(), checks)
    await live.refresh()
    yield live
    await live.close()


async def add(database: DatabaseManager, shard_id: int, **changes: Any) -> None:
    row = {
        "shard_id": shard_id,
        "shard_name": f"s{shard_id}",
        "driver": "sqlite",
        "host": "",
        "port": 0,
        "database_name": f"s{shard_id}.db",
        "username": "",
        "password": "",
    }
    row |= changes
    (Path(database.url.database or "").parent / str(row["database_name"])).touch()  # shards must exist
    async with database.session() as session:
        await session.execute(insert(ShardConfig).values(row))


async def change(database: DatabaseManager, shard_id: int, **changes: Any) -> None:
    async with database.session() as session:
        await session.execute(update(ShardConfig).where(ShardConfig.shard_id == shard_id).values(changes))


async def remove(database: DatabaseManager, shard_id: int) -> None:
    async with database.session() as session:
        await session.execute(delete(ShardConfig).where(ShardConfig.shard_id == shard_id))


# Managers


async def test_nothing_is_known_before_the_first_load(database: DatabaseManager, checks: Checks) -> None:
    live = LiveTopology(database, PoolSettings(), checks)
    assert (live.shards, live.active, live.managers) == ({}, (), {})
    with pytest.raises(TopologyError, match="open the ShardedDatabase first"):
        await live.manager(1)


async def test_a_manager_is_made_and_checked_at_the_first_use_and_kept(
    live: LiveTopology, checks: Checks
) -> None:
    assert live.managers == {}
    assert live.serving(1) is None
    manager = await live.manager(1)
    assert (manager.name, manager.shard_id) == ("shard 1 (s1)", 1)
    assert live.serving(1) is manager
    assert await live.manager(1) is manager
    assert checks.made == ["shard 1 (s1)"], "checked once"
    assert list(live.managers) == [1], "the other one was not needed"


async def test_a_shard_that_fails_its_check_is_not_served_and_checked_again(
    live: LiveTopology, checks: Checks
) -> None:
    checks.failing = {1}
    for _ in range(2):
        with pytest.raises(TopologyError, match="not migrated"):
            await live.manager(1)
    assert live.serving(1) is None
    assert (await live.manager(2)).shard_id == 2
    checks.failing = set()
    assert await live.manager(1) is live.serving(1)


async def test_many_first_users_share_one_manager(live: LiveTopology, checks: Checks) -> None:
    checks.gate.clear()
    asking = [asyncio.create_task(live.manager(1)) for _ in range(5)]
    await asyncio.sleep(0)
    checks.gate.set()
    assert len({id(manager) for manager in await asyncio.gather(*asking)}) == 1


async def test_statuses(live: LiveTopology, database: DatabaseManager) -> None:
    await change(database, 1, status=ShardStatus.MAINTENANCE)
    await change(database, 2, status=ShardStatus.DISABLED)
    await live.refresh()
    with pytest.raises(ShardMaintenanceError, match="maintenance=True"):
        await live.manager(1)
    assert (await live.manager(1, maintenance=True)).shard_id == 1
    assert live.serving(1) is None, "maintenance must not open it to everybody"
    with pytest.raises(ShardMaintenanceError):
        await live.manager(1)
    with pytest.raises(ShardDisabledError, match="set-status 2 active"):
        await live.manager(2, maintenance=True)
    with pytest.raises(UnknownShardError):
        await live.manager(3)


async def test_a_broken_row(live: LiveTopology, database: DatabaseManager) -> None:
    await change(database, 1, driver="postgresql")
    await live.refresh()
    with pytest.raises(ShardConfigurationError, match="shard 1 is unavailable"):
        await live.manager(1)
    assert (await live.manager(2)).shard_id == 2


# Following the configuration


async def test_a_new_row_connects_a_shard(live: LiveTopology, database: DatabaseManager) -> None:
    one = await live.manager(1)
    await add(database, 3)
    with pytest.raises(UnknownShardError):
        await live.manager(3)
    topology = await live.refresh()
    assert list(topology.shards) == [1, 2, 3]
    assert (await live.manager(3)).shard_id == 3
    assert live.serving(1) is one, "the others are not touched"


async def test_a_disabled_shard_is_disconnected_and_comes_back(
    live: LiveTopology, database: DatabaseManager
) -> None:
    before = await live.manager(1)
    await change(database, 1, status=ShardStatus.DISABLED)
    await live.refresh()
    assert live.serving(1) is None
    assert live.managers == {}
    with pytest.raises(ShardDisabledError):
        await live.manager(1)
    await change(database, 1, status=ShardStatus.ACTIVE)
    await live.refresh()
    after = await live.manager(1)
    assert after is not before


async def test_maintenance_suspends_a_shard_and_keeps_its_connections(
    live: LiveTopology, database: DatabaseManager
) -> None:
    manager = await live.manager(1)
    await change(database, 1, status=ShardStatus.MAINTENANCE)
    await live.refresh()
    with pytest.raises(ShardMaintenanceError):
        await live.manager(1)
    await change(database, 1, status=ShardStatus.ACTIVE)
    await live.refresh()
    assert await live.manager(1) is manager


async def test_a_removed_row_disconnects_a_shard(live: LiveTopology, database: DatabaseManager) -> None:
    await live.manager(1)
    await remove(database, 1)
    await live.refresh()
    assert live.managers == {}
    with pytest.raises(UnknownShardError):
        await live.manager(1)


@pytest.mark.parametrize("changes", [{"database_name": "moved.db"}, {"pool_size": 3}], ids=str)
async def test_a_changed_address_or_pool_replaces_the_engine(
    live: LiveTopology, database: DatabaseManager, checks: Checks, changes: dict[str, Any]
) -> None:
    before = await live.manager(1)
    await change(database, 1, **changes)
    await live.refresh()
    after = await live.manager(1)
    assert after is not before
    assert checks.made == ["shard 1 (s1)"] * 2, "another database is checked again"
    if "pool_size" in changes:
        assert after.engine.pool.size() == 3  # type: ignore[attr-defined]
    else:
        assert str(after.url).endswith("/moved.db")


@pytest.mark.parametrize("changes", [{"weight": 9}, {"region": "eu"}, {"shard_name": "renamed"}], ids=str)
async def test_other_changes_keep_the_engine(
    live: LiveTopology, database: DatabaseManager, changes: dict[str, Any]
) -> None:
    before = await live.manager(1)
    await change(database, 1, **changes)
    await live.refresh()
    assert live.serving(1) is before


@pytest.mark.parametrize(
    "changes",
    [{"database_name": "moved.db"}, {"status": ShardStatus.DISABLED}, {"driver": "postgresql"}],
    ids=str,
)
async def test_a_session_in_flight_is_not_disturbed(
    live: LiveTopology, database: DatabaseManager, changes: dict[str, Any]
) -> None:
    manager = await live.manager(1)
    async with manager.session() as session:
        await session.execute(text("CREATE TABLE t (a INTEGER)"))
        await session.execute(text("INSERT INTO t VALUES (1)"))
        await change(database, 1, **changes)
        await live.refresh()
        await asyncio.sleep(0.05)
        await session.execute(text("INSERT INTO t VALUES (2)"))
    again = DatabaseManager(manager.url)
    async with again.session(read_only=True) as session:
        assert (await session.scalars(text("SELECT a FROM t ORDER BY a"))).all() == [1, 2]
    await again.close()


async def test_a_first_use_during_a_change_does_not_serve_the_old_database(
    live: LiveTopology, database: DatabaseManager, checks: Checks
) -> None:
    checks.gate.clear()
    asking = asyncio.create_task(live.manager(1))
    await asyncio.sleep(0)
    await change(database, 1, database_name="moved.db")
    await live.refresh()
    checks.gate.set()
    found = await asking
    assert str(found.url).endswith("/moved.db")
    assert live.serving(1) is found
    assert checks.made == ["shard 1 (s1)"] * 2


async def test_a_first_use_while_a_shard_is_disabled_is_refused(
    live: LiveTopology, database: DatabaseManager, checks: Checks
) -> None:
    checks.gate.clear()
    asking = asyncio.create_task(live.manager(1))
    await asyncio.sleep(0)
    await change(database, 1, status=ShardStatus.DISABLED)
    await live.refresh()
    checks.gate.set()
    with pytest.raises(ShardDisabledError):
        await asking


# A configuration that can't be read


async def test_an_unreadable_configuration_leaves_the_previous_snapshot(
    live: LiveTopology, database: DatabaseManager
) -> None:
    before, manager = live.snapshot, await live.manager(1)
    async with database.session() as session:
        await session.execute(text("ALTER TABLE table_shard_config RENAME TO hidden"))
    with pytest.raises(DatabaseError):
        await live.refresh()
    assert live.snapshot is before
    assert live.serving(1) is manager


async def test_a_broken_row_is_logged(
    live: LiveTopology, database: DatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    await change(database, 2, driver="postgresql", password="secret-value")
    with caplog.at_level(logging.ERROR):
        await live.refresh()
    assert "shard 2 is unavailable" in caplog.text
    assert "secret-value" not in caplog.text


# Watching


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.005)


async def test_watching_follows_the_configuration_and_survives_failures(
    live: LiveTopology, database: DatabaseManager, caplog: pytest.LogCaptureFixture
) -> None:
    watching = asyncio.create_task(live.watch(0.01))
    try:
        await add(database, 3)
        await eventually(lambda: 3 in live.shards)
        with caplog.at_level(logging.WARNING):
            async with database.session() as session:
                await session.execute(text("ALTER TABLE table_shard_config RENAME TO hidden"))
            await eventually(lambda: "the previous one stays" in caplog.text)
        assert list(live.shards) == [1, 2, 3]
        async with database.session() as session:
            await session.execute(text("ALTER TABLE hidden RENAME TO table_shard_config"))
        await remove(database, 3)
        await eventually(lambda: 3 not in live.shards)
    finally:
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching


async def test_watching_survives_what_nobody_expected(
    live: LiveTopology, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def failing() -> None:
        nonlocal calls
        calls += 1
        raise LookupError("a surprise")

    monkeypatch.setattr(live, "refresh", failing)
    watching = asyncio.create_task(live.watch(0.001))
    with caplog.at_level(logging.WARNING):
        await eventually(lambda: calls > 2)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching
    assert "a surprise" in caplog.text


# Its end


async def test_closing_closes_every_manager_and_forgets(live: LiveTopology) -> None:
    manager = await live.manager(1)
    async with manager.session() as session:
        await session.execute(select(1))
    await live.close()
    assert (live.managers, live.shards) == ({}, {})
    assert live.serving(1) is None
    assert manager.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    with pytest.raises(TopologyError, match="open the ShardedDatabase first"):
        await live.manager(1)
    await live.close()


async def test_health_targets_are_in_order_and_open_nothing_for_disabled_shards(
    live: LiveTopology, database: DatabaseManager
) -> None:
    await add(database, 0, pool_size=0)
    await add(database, 5, status=ShardStatus.DISABLED)
    await live.refresh()
    targets = live.health_targets()
    assert [target.shard_id for target in targets] == [0, 1, 2, 5]
    assert [target.name for target in targets] == ["shard 0", "shard 1 (s1)", "shard 2 (s2)", "shard 5 (s5)"]
    assert [target.manager is None for target in targets] == [True, False, False, True]
    assert "out of range" in (targets[0].problem or "")
    assert list(live.managers) == [1, 2]
