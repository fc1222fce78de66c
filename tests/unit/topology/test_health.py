import asyncio
import socket
import time
from pathlib import Path

import pytest

from shardwise.errors import DatabaseError
from shardwise.schema.control import ShardStatus
from shardwise.testing.servers import free_port
from shardwise.topology.health import DatabaseHealth, HealthTarget, check_health
from shardwise.topology.manager import DatabaseManager


async def revision(manager: DatabaseManager) -> str | None:
    return "g0003"


async def look(*targets: HealthTarget, deadline: float = 5) -> tuple[DatabaseHealth, ...]:
    return await check_health(targets, deadline=deadline, read_revision=revision)


async def test_a_database_that_is_up(database_url: str) -> None:
    manager = DatabaseManager(database_url, pool_size=3, max_overflow=4)
    async with manager.session(read_only=True) as session:
        await session.connection()
        (found,) = await look(HealthTarget(name="global database", shard_id=None, manager=manager))
    assert (found.name, found.shard_id, found.status, found.ok) == ("global database", None, "up", True)
    assert found.revision == "g0003"
    assert found.latency_ms is not None
    assert 0 < found.latency_ms < 5000
    assert found.server_version is not None
    assert ("SQLite 3." if manager.dialect_name == "sqlite" else "MariaDB") in found.server_version
    assert (found.pool_in_use, found.pool_limit, found.error) == (1, 7, None)
    await manager.close()


async def test_statuses(tmp_path: Path) -> None:
    manager = DatabaseManager(f"sqlite:///{tmp_path / 'a.db'}")
    found = await look(
        HealthTarget(name="m", shard_id=1, manager=manager, status=ShardStatus.MAINTENANCE),
        HealthTarget(name="d", shard_id=2, status=ShardStatus.DISABLED),
        HealthTarget(name="b", shard_id=3, problem="its row has no host"),
    )
    assert [(one.name, one.status, one.ok) for one in found] == [
        ("m", "maintenance", False),
        ("d", "disabled", False),
        ("b", "down", False),
    ]
    assert found[2].error == "its row has no host"
    assert found[1].latency_ms is None
    await manager.close()


async def test_dead_and_silent_servers_are_looked_at_at_once_within_the_deadline(
    mariadb_installed: None, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        managers = [
            DatabaseManager(f"sqlite:///{tmp_path / 'a.db'}"),
            DatabaseManager(f"mysql://u:secret@127.0.0.1:{free_port()}/d", shard_id=1),
            *(
                DatabaseManager(f"mysql://u:secret@127.0.0.1:{silent.getsockname()[1]}/d", shard_id=i)
                for i in range(2, 6)
            ),
        ]
        before = time.perf_counter()
        found = await look(
            *(HealthTarget(name=str(i), shard_id=i, manager=manager) for i, manager in enumerate(managers)),
            deadline=0.4,
        )
        took = time.perf_counter() - before
    assert took < 1.5
    assert [one.status for one in found] == ["up"] + ["down"] * 5
    assert "can't be reached" in (found[1].error or "")
    assert {one.error for one in found[2:]} == {"no answer within 0.4 s"}
    assert "secret" not in str(found)
    for manager in managers:
        assert manager.checked_out() == 0
        await manager.close()


async def test_a_failing_look_says_why_and_spoils_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = DatabaseManager(f"sqlite:///{tmp_path / 'a.db'}")

    async def failing(manager: DatabaseManager) -> str | None:
        raise (DatabaseError("the disk is full") if manager.shard_id is None else LookupError("a surprise"))

    other = DatabaseManager(f"sqlite:///{tmp_path / 'b.db'}", shard_id=1)
    targets = [
        HealthTarget(name="a", shard_id=None, manager=manager),
        HealthTarget(name="b", shard_id=1, manager=other),
    ]
    found = await check_health(targets, deadline=5, read_revision=failing)
    assert [one.status for one in found] == ["down", "down"]
    assert found[0].error == "the disk is full"
    assert found[1].error == "LookupError (see the log)"
    assert "a surprise" in caplog.text
    await manager.close()
    await other.close()


async def test_a_full_pool_does_not_hold_up_a_look(tmp_path: Path) -> None:
    manager = DatabaseManager(f"sqlite:///{tmp_path / 'a.db'}", pool_size=1, max_overflow=0)
    async with manager.session(read_only=True) as session:
        await session.connection()
        before = time.perf_counter()
        (found,) = await look(HealthTarget(name="a", shard_id=None, manager=manager), deadline=0.2)
    assert time.perf_counter() - before < 1
    assert (found.status, found.error, found.pool_in_use) == ("down", "no answer within 0.2 s", 1)
    await manager.close()


async def test_a_cancelled_check_leaves_nothing_behind(mariadb_installed: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        manager = DatabaseManager(f"mysql://u:p@127.0.0.1:{silent.getsockname()[1]}/d")
        task = asyncio.create_task(look(HealthTarget(name="a", shard_id=None, manager=manager)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert manager.checked_out() == 0
    await manager.close()
