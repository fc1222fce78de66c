"""Adding shards and changing their status, on either engine."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    InvalidValueError,
    ShardExistsError,
    TopologyChangedError,
    UnknownShardError,
)
from shardwise.schema.control import ShardConfig, ShardStats, ShardStatus
from shardwise.topology.registry import (
    MAX_SHARD_ID,
    NewShard,
    add_shard,
    change_status,
    set_status,
    shards_with,
)

URL = make_url("mysql+asyncmy://ann:pa%2Fss@db3.example:3307/three")


async def test_added_shard_is_read_back_as_it_was_given(db: ShardedDatabase) -> None:
    shard = NewShard(shard_id=3, name="three", url=URL, weight=4, region="eu", status=ShardStatus.MAINTENANCE)
    await add_shard(db.global_manager, shard)
    found = (await db.topology.refresh()).shards[3]
    assert (found.name, found.url, found.weight, found.region) == ("three", URL, 4, "eu")
    assert found.status is ShardStatus.MAINTENANCE
    async with db.global_session(read_only=True) as session:
        assert (await session.get_one(ShardStats, 3)).user_count == 0


async def test_statistics_that_were_there_stay(db: ShardedDatabase) -> None:
    async with db.global_session() as session:
        session.add(ShardStats(shard_id=3, user_count=12, active_users=0))
    await add_shard(db.global_manager, NewShard(shard_id=3, name="three", url=URL))
    async with db.global_session(read_only=True) as session:
        assert (await session.get_one(ShardStats, 3)).user_count == 12


@pytest.mark.parametrize(("shard_id", "name"), [(1, "new"), (3, "shard_1")])
async def test_taken_id_or_name_changes_nothing(db: ShardedDatabase, shard_id: int, name: str) -> None:
    with pytest.raises(ShardExistsError, match=r"shard 1 \(shard_1\)") as raised:
        await add_shard(db.global_manager, NewShard(shard_id=shard_id, name=name, url=URL))
    assert (raised.value.shard_id, raised.value.name) == (1, "shard_1")
    async with db.global_session(read_only=True) as session:
        assert (await session.scalars(select(ShardConfig.shard_id).order_by(ShardConfig.shard_id))).all() == [
            1,
            2,
        ]


async def test_shard_that_nobody_has_compared_it_with_keeps_it_out(db: ShardedDatabase) -> None:
    shard = NewShard(shard_id=3, name="three", url=URL)
    with pytest.raises(TopologyChangedError):
        await add_shard(db.global_manager, shard, beside={1})
    await add_shard(db.global_manager, shard, beside={1, 2, 9})
    assert list((await db.topology.refresh()).shards) == [1, 2, 3]


async def test_status_changes_and_the_one_before_is_told(db: ShardedDatabase) -> None:
    assert await set_status(db.global_manager, 2, ShardStatus.DISABLED) is ShardStatus.ACTIVE
    assert await set_status(db.global_manager, 2, ShardStatus.ACTIVE) is ShardStatus.DISABLED
    await db.topology.refresh()
    assert [shard.shard_id for shard in db.topology.active] == [1, 2]


async def test_status_of_an_unknown_shard(db: ShardedDatabase) -> None:
    with pytest.raises(UnknownShardError):
        await set_status(db.global_manager, 9, ShardStatus.ACTIVE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shard_id", 0),
        ("shard_id", MAX_SHARD_ID + 1),
        ("weight", -1),
        ("name", ""),
        ("name", "n" * 51),
        ("name", " x"),
        ("region", ""),
    ],
)
def test_value_that_cannot_be_used_is_named(field: str, value: object) -> None:
    given: dict[str, Any] = {"shard_id": 3, "name": "three", "url": URL, field: value}
    with pytest.raises(InvalidValueError, match=field):
        NewShard(**given)


async def test_status_changes_in_the_caller_s_transaction(db: ShardedDatabase) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.global_session() as session:
            assert await change_status(session, 1, ShardStatus.DISABLED) is ShardStatus.ACTIVE
            assert [row.shard_id for row in await shards_with(session, ShardStatus.ACTIVE)] == [2]
            raise ZeroDivisionError
    async with db.global_session() as session:
        assert [row.shard_id for row in await shards_with(session, ShardStatus.ACTIVE)] == [1, 2]
        with pytest.raises(UnknownShardError):
            await change_status(session, 9, ShardStatus.ACTIVE)
