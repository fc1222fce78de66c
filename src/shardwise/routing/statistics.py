"""Counts accounts per shard again from the directory."""

from dataclasses import dataclass

from sqlalchemy import func, select

from shardwise.schema.control import ShardMapping, ShardStats
from shardwise.topology.manager import DatabaseManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Recount:
    """What a recount found for one shard.

    Attributes:
        shard_id: the shard.
        before: accounts that the statistics claimed.
        after: accounts that the directory places there.
    """

    shard_id: int
    before: int
    after: int


async def recount_accounts(database: DatabaseManager) -> tuple[Recount, ...]:
    """Set `table_shard_stats.user_count` to what the directory says, exactly, also under load.

    The statistics are locked before the directory is counted: a sign-up that has inserted its mapping but
    not yet counted itself waits for this transaction and then adds its one.

    Args:
        database: the global database.

    Returns:
        One entry for each shard that has statistics or accounts, by id.
    """
    async with database.session() as session:
        locked = (
            await session.scalars(select(ShardStats).order_by(ShardStats.shard_id).with_for_update())
        ).all()
        counted = await session.execute(
            select(ShardMapping.shard_id, func.count().label("accounts")).group_by(ShardMapping.shard_id)
        )
        accounts: dict[int, int] = {row.shard_id: row.accounts for row in counted}
        stats = {row.shard_id: row for row in locked}
        result = []
        for shard_id in sorted(stats.keys() | accounts.keys()):
            after = accounts.get(shard_id, 0)
            row = stats.get(shard_id)
            if row is None:
                row = ShardStats(shard_id=shard_id, user_count=0, active_users=0)
                session.add(row)
            result.append(Recount(shard_id=shard_id, before=row.user_count, after=after))
            row.user_count = after
        return tuple(result)
