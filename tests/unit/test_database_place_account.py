import asyncio

import pytest

from shardwise import ShardedDatabase
from shardwise.errors import InvalidValueError, NoActiveShardError
from shardwise.schema.control import PlacementState, ShardMapping, ShardStatus
from shardwise.topology.registry import set_status


async def counts(db: ShardedDatabase) -> dict[int, int]:
    """Return what the statistics say, after checking that the directory says the same."""
    found = await db.recount()
    assert all(row.before == row.after for row in found)
    return {row.shard_id: row.after for row in found}


async def test_an_account_is_placed_counted_and_known_at_once(sharded_db: ShardedDatabase) -> None:
    placement = await sharded_db.place_account(7)
    assert (placement.shard_id, placement.state) == (2, PlacementState.ACTIVE)
    assert sharded_db.directory.cached(7) == placement
    async with sharded_db.global_session(read_only=True) as session:
        row = await session.get(ShardMapping, 7)
    assert row is not None
    assert (row.shard_id, row.state, row.epoch) == (2, PlacementState.ACTIVE, 1)
    assert (await counts(sharded_db))[2] == 1


async def test_an_account_keeps_its_shard(sharded_db: ShardedDatabase) -> None:
    first = await sharded_db.place_account(7)
    sharded_db.assignment.register("first", lambda new: new.shards[0].shard_id)
    sharded_db.directory.clear()
    assert await sharded_db.place_account(7) == first
    assert (await counts(sharded_db))[first.shard_id] == 1


@pytest.mark.shardwise_real_commits
async def test_many_at_once_place_an_account_once(sharded_db: ShardedDatabase) -> None:
    placements = await asyncio.gather(*(sharded_db.place_account(8) for _ in range(5)))
    assert {placement.shard_id for placement in placements} == {1}
    assert (await counts(sharded_db))[1] == 1


async def test_an_account_that_nobody_takes_is_not_written(sharded_db: ShardedDatabase) -> None:
    for shard_id in (1, 2):
        await set_status(sharded_db.global_manager, shard_id, ShardStatus.DISABLED)
    await sharded_db.topology.refresh()
    with pytest.raises(NoActiveShardError):
        await sharded_db.place_account(7)
    async with sharded_db.global_session(read_only=True) as session:
        assert await session.get(ShardMapping, 7) is None


async def test_a_key_that_is_none_is_refused(sharded_db: ShardedDatabase) -> None:
    with pytest.raises(InvalidValueError, match="account_db_key"):
        await sharded_db.place_account(-1)
