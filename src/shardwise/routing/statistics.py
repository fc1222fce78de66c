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

    One shard at a time, so that only sign-ups to that shard wait, for as long as its accounts take to
    count. Its statistics are locked before the directory is counted: a sign-up that has inserted its
    mapping but not yet counted itself waits for this transaction and then adds its one.

    Args:
        database: the global database.

    Returns:
        One entry for each shard that has statistics or accounts, by id.
    """
    async with database.session(read_only=True) as session:
        known = set(await session.scalars(select(ShardStats.shard_id)))
        known |= set(await session.scalars(select(ShardMapping.shard_id).distinct()))
    return tuple([await _recount(database, shard_id) for shard_id in sorted(known)])


async def _recount(database: DatabaseManager, shard_id: int) -> Recount:
    async with database.session() as session:
        row = await session.get(ShardStats, shard_id, with_for_update=True)
        if row is None:
            # Inserting locks the row as well: whoever counts its account in at the same time waits.
            row = ShardStats(shard_id=shard_id, user_count=0, active_users=0)
            session.add(row)
            await session.flush()
        accounts = select(func.count()).select_from(ShardMapping).where(ShardMapping.shard_id == shard_id)
        before, row.user_count = row.user_count, (await session.scalar(accounts)) or 0
        return Recount(shard_id=shard_id, before=before, after=row.user_count)
