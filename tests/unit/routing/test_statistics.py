import asyncio
from typing import Any

from sqlalchemy import func, select

from shardwise.routing.statistics import Recount, recount_accounts
from shardwise.schema.control import PlacementState, ShardMapping, ShardStats
from shardwise.topology.manager import DatabaseManager


async def counts(database: DatabaseManager) -> dict[int, int]:
    async with database.session(read_only=True) as session:
        rows = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
        return {row.shard_id: row.user_count for row in rows}


async def test_nothing_to_count(global_database: DatabaseManager) -> None:
    assert await recount_accounts(global_database) == ()


async def test_a_recount_says_what_it_found_and_sets_it(
    global_database: DatabaseManager, mappings: Any
) -> None:
    await mappings.add(1, 2, 3, shard_id=1)
    await mappings.add(4, shard_id=9, state="provisioning")
    async with global_database.session() as session:
        session.add_all(
            [ShardStats(shard_id=1, user_count=7, active_users=2), ShardStats(shard_id=5, user_count=4)]
        )
    assert await recount_accounts(global_database) == (
        Recount(shard_id=1, before=7, after=3),
        Recount(shard_id=5, before=4, after=0),
        Recount(shard_id=9, before=0, after=1),
    )
    assert await counts(global_database) == {1: 3, 5: 0, 9: 1}
    async with global_database.session(read_only=True) as session:
        assert await session.scalar(select(ShardStats.active_users).where(ShardStats.shard_id == 1)) == 2
    assert [one.before - one.after for one in await recount_accounts(global_database)] == [0, 0, 0]


async def test_a_recount_is_exact_while_accounts_sign_up(global_database: DatabaseManager) -> None:
    from shardwise.routing.assignment import _count_one_more

    async with global_database.session() as session:
        session.add_all([ShardStats(shard_id=shard_id, user_count=100) for shard_id in (1, 2)])

    async def sign_up(key: int) -> None:
        async with global_database.session() as session:
            shard_id = 1 + key % 3  # the third has no statistics yet
            session.add(
                ShardMapping(account_db_key=key, shard_id=shard_id, epoch=1, state=PlacementState.ACTIVE)
            )
            await session.flush()
            await asyncio.sleep(0.001 * (key % 5))
            await session.execute(_count_one_more(session, shard_id))

    async def recount() -> None:
        for _ in range(4):
            await recount_accounts(global_database)
            await asyncio.sleep(0.002)

    await asyncio.gather(recount(), *(sign_up(key) for key in range(24)))
    async with global_database.session(read_only=True) as session:
        by_shard = select(ShardMapping.shard_id, func.count().label("n")).group_by(ShardMapping.shard_id)
        truth = {row.shard_id: row.n for row in await session.execute(by_shard)}
    assert truth == {1: 8, 2: 8, 3: 8}
    assert await counts(global_database) == truth
