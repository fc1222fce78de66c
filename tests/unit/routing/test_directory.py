"""Account → shard: one query however many ask, none for what is cached, never an old answer put back."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import update

from shardwise.errors import DatabaseError, InvalidValueError, UnknownAccountError
from shardwise.routing.directory import Directory, check_key
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState, ShardMapping
from shardwise.topology.manager import DatabaseManager

MAX_KEY = 2**64 - 1


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class SlowDirectory(Directory):
    """Holds each answer back, after it was read, until the gate opens."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = asyncio.Event()
        self.read = asyncio.Event()

    async def _read(self, keys: list[int]) -> dict[int, Placement]:
        found = await super()._read(keys)
        self.read.set()
        await self.gate.wait()
        return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def directory(global_database: DatabaseManager, clock: Clock) -> AsyncIterator[Directory]:
    directory = Directory(global_database, ttl=60, clock=clock)
    yield directory
    await directory.close()


@pytest.fixture
async def slow(global_database: DatabaseManager) -> AsyncIterator[SlowDirectory]:
    directory = SlowDirectory(global_database)
    yield directory
    await directory.close()


async def move(global_database: DatabaseManager, key: int, shard_id: int) -> None:
    where = update(ShardMapping).where(ShardMapping.account_db_key == key)
    async with global_database.session() as session:
        await session.execute(where.values(shard_id=shard_id, epoch=ShardMapping.epoch + 1))


# Looking up


@pytest.mark.parametrize("key", [0, 1, 2**63 - 1, 2**63, MAX_KEY])
async def test_a_placement_is_found(directory: Directory, mappings: Any, key: int) -> None:
    await mappings.add(key, shard_id=7, epoch=3, state="moving")
    assert await directory.lookup(key) == Placement(7, 3, PlacementState.MOVING)
    assert (await directory.lookup_many([key]))[key].shard_id == 7


async def test_a_cached_placement_costs_no_query(directory: Directory, mappings: Any) -> None:
    await mappings.add(1, 2)
    assert directory.cached(1) is None
    await directory.lookup(1)
    assert mappings.queries == 1
    for _ in range(100):
        await directory.lookup(1)
    await directory.lookup_many([1, 1])
    assert mappings.queries == 1
    assert directory.cached(1) == Placement(1)
    assert directory.cached(2) is None
    assert len(directory) == 1


async def test_an_entry_ends_with_its_time_to_live(
    directory: Directory, mappings: Any, clock: Clock, global_database: DatabaseManager
) -> None:
    await mappings.add(1)
    await directory.lookup(1)
    await move(global_database, 1, 2)
    assert (await directory.lookup(1)).shard_id == 1
    clock.now += 60
    assert await directory.lookup(1) == Placement(2, 2)


async def test_the_cache_is_bounded(global_database: DatabaseManager, mappings: Any) -> None:
    await mappings.add(*range(50))
    directory = Directory(global_database, capacity=10)
    await directory.lookup_many(range(50))
    assert len(directory) <= 10
    uncached = Directory(global_database, capacity=0)
    for _ in range(2):
        assert (await uncached.lookup(7)).shard_id == 1
    assert len(uncached) == 0


async def test_an_unknown_account(directory: Directory, mappings: Any, clock: Clock) -> None:
    with pytest.raises(UnknownAccountError, match="account 4711") as caught:
        await directory.lookup(4711)
    assert caught.value.account_db_key == 4711
    for _ in range(10):
        with pytest.raises(UnknownAccountError):
            await directory.lookup(4711)
    assert mappings.queries == 1, "remembered for a moment"
    await mappings.add(4711)
    clock.now += 1.0
    assert (await directory.lookup(4711)).shard_id == 1
    assert mappings.queries == 2


async def test_what_is_not_there_is_bounded_too(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shardwise.routing.directory._ABSENT_LIMIT", 5)
    for key in range(20):
        with pytest.raises(UnknownAccountError):
            await directory.lookup(key)
    assert len(directory._absent) <= 5


@pytest.mark.parametrize("key", [True, False, "1", 1.0, None, -1, 2**64, b"1", [1]], ids=repr)
async def test_a_bad_key_is_refused_whatever_is_cached(directory: Directory, mappings: Any, key: Any) -> None:
    await mappings.add(1, 0)
    await directory.lookup_many([0, 1])
    for call in (directory.lookup(key), directory.lookup_many([1, key])):
        with pytest.raises(InvalidValueError, match=r"is not an integer from 0 to 2\*\*64 - 1"):
            await call
    with pytest.raises(InvalidValueError):
        check_key(key)


# Several at once


async def test_many_are_one_query(directory: Directory, mappings: Any) -> None:
    keys = [0, 5, 2**63, MAX_KEY, *range(100, 900)]
    await mappings.add(*keys)
    await directory.lookup(5)
    before = mappings.queries
    found = await directory.lookup_many(reversed([*keys, 5]))
    assert mappings.queries == before + 1
    assert set(found) == set(keys)
    assert await directory.lookup_many(keys) == found
    assert mappings.queries == before + 1


async def test_very_many_are_read_in_batches(directory: Directory, mappings: Any) -> None:
    await mappings.add(*range(2_500))
    assert len(await directory.lookup_many(range(2_500))) == 2_500
    assert mappings.queries == 3


async def test_none_is_no_query(directory: Directory, mappings: Any) -> None:
    assert await directory.lookup_many([]) == {}
    assert mappings.queries == 0


async def test_an_unknown_account_among_many(directory: Directory, mappings: Any) -> None:
    await mappings.add(1, 9)
    with pytest.raises(UnknownAccountError, match="account 3 "):
        await directory.lookup_many([9, 7, 3, 1])


# One question in flight


async def test_a_hundred_askers_are_one_query(directory: Directory, mappings: Any) -> None:
    await mappings.add(1)
    found = await asyncio.gather(*(directory.lookup(1) for _ in range(100)))
    assert set(found) == {Placement(1)}
    assert mappings.queries == 1


async def test_a_hundred_askers_for_nobody_are_one_query(directory: Directory, mappings: Any) -> None:
    found = await asyncio.gather(*(directory.lookup(1) for _ in range(100)), return_exceptions=True)
    assert {type(one) for one in found} == {UnknownAccountError}
    assert mappings.queries == 1


async def test_the_first_asker_may_be_cancelled(slow: SlowDirectory, mappings: Any) -> None:
    await mappings.add(1)
    first = asyncio.create_task(slow.lookup(1))
    await slow.read.wait()
    second = asyncio.create_task(slow.lookup(1))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slow.gate.set()
    assert await second == Placement(1)
    assert mappings.queries == 1


async def test_all_askers_may_be_cancelled(slow: SlowDirectory, mappings: Any) -> None:
    await mappings.add(1)
    asker = asyncio.create_task(slow.lookup(1))
    await slow.read.wait()
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    slow.gate.set()
    assert await slow.lookup(1) == Placement(1)
    assert mappings.queries == 1


async def test_a_failure_reaches_every_asker_and_is_not_kept(database_url: str) -> None:
    manager = DatabaseManager(database_url)  # without the tables
    directory = Directory(manager)
    found = await asyncio.gather(*(directory.lookup(1) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(one, DatabaseError) for one in found)
    async with manager.engine.begin() as connection:
        await connection.run_sync(ShardMapping.metadata.tables["table_user_shard_mapping"].create)
    with pytest.raises(UnknownAccountError):
        await directory.lookup(1)
    await manager.close()


async def test_a_failure_that_nobody_waits_for_is_not_complained_about(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    manager = DatabaseManager(database_url)
    directory = SlowDirectory(manager)
    asker = asyncio.create_task(directory.lookup(1))
    await asyncio.sleep(0)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    while directory._in_flight:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0.001)
    gc.collect()
    assert "never retrieved" not in caplog.text
    await manager.close()


# Invalidation


async def test_an_invalidated_entry_is_read_again(
    directory: Directory, mappings: Any, global_database: DatabaseManager
) -> None:
    await mappings.add(1, 2)
    await directory.lookup_many([1, 2])
    await move(global_database, 1, 2)
    directory.invalidate(1)
    assert await directory.lookup(1) == Placement(2, 2)
    assert mappings.queries == 2
    directory.clear()
    assert len(directory) == 0
    await directory.lookup(2)
    assert mappings.queries == 3


async def test_an_answer_in_flight_is_not_put_back_after_an_invalidation(
    slow: SlowDirectory, mappings: Any, global_database: DatabaseManager
) -> None:
    for stop in (lambda: slow.invalidate(1), slow.clear):
        slow.gate.clear()
        slow.read.clear()
        if slow.cached(1) is None:
            await mappings.add(1)
        slow.clear()
        asker = asyncio.create_task(slow.lookup(1))
        await slow.read.wait()
        placement = await current(global_database)
        await move(global_database, 1, placement.shard_id + 1)
        stop()
        slow.gate.set()
        found = await asker
        assert found.shard_id == placement.shard_id + 1, "who asked gets the new answer, too"
        assert slow.cached(1) == found


async def current(global_database: DatabaseManager) -> Placement:
    return await Directory(global_database, capacity=0).lookup(1)


async def test_an_answer_for_many_in_flight_is_not_put_back(
    slow: SlowDirectory, mappings: Any, global_database: DatabaseManager
) -> None:
    await mappings.add(1, 2)
    asker = asyncio.create_task(slow.lookup_many([1, 2]))
    await slow.read.wait()
    await move(global_database, 1, 2)
    slow.invalidate(1)
    slow.gate.set()
    await asker
    assert slow.cached(1) is None
    assert (await slow.lookup(1)).shard_id == 2


async def test_a_sign_up_is_known_at_once_also_to_those_who_asked_too_early(
    slow: SlowDirectory, mappings: Any
) -> None:
    asker = asyncio.create_task(slow.lookup(1))
    await slow.read.wait()
    await mappings.add(1, shard_id=2)
    slow.remember(1, Placement(2))
    assert slow.cached(1) == Placement(2)
    assert await slow.lookup(1) == Placement(2)
    slow.gate.set()
    assert await asker == Placement(2)
    assert slow.cached(1) == Placement(2)


async def test_remembering_replaces_an_absence(directory: Directory, mappings: Any) -> None:
    with pytest.raises(UnknownAccountError):
        await directory.lookup(1)
    directory.remember(1, Placement(2))
    assert await directory.lookup(1) == Placement(2)


async def test_closing_ends_questions_in_flight(slow: SlowDirectory, mappings: Any) -> None:
    await mappings.add(1)
    asker = asyncio.create_task(slow.lookup(1))
    await slow.read.wait()
    await slow.close()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert not slow._in_flight
    await slow.close()
