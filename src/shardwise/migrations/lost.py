"""Shards whose database is gone though accounts live on them: an upgrade would make it anew, empty."""

from collections.abc import Collection, Sequence

from sqlalchemy import inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from shardwise.errors import MigrationError
from shardwise.migrations.runner import is_missing_file
from shardwise.migrations.targets import Target
from shardwise.schema.control import ShardMapping
from shardwise.topology.manager import DatabaseManager


async def find_lost(global_url: URL, unversioned: Sequence[Target]) -> dict[int, MigrationError]:
    """Return, by shard id, why shards must not be made anew.

    Args:
        global_url: the address of the global database, which holds the directory.
        unversioned: shards without a revision; those that hold tables were never migrated, and may be.

    Raises:
        DatabaseError: a database can't be asked.
    """
    empty = [target for target in unversioned if await _is_empty(target.url)]
    if not empty:
        return {}
    inhabited = await _inhabited(global_url, [target.shard_id or 0 for target in empty])
    return {
        target.shard_id: MigrationError(
            f"{target.name} holds no tables, but accounts live on it: is its address right, is its disk"
            " there? Restore it; to make it anew, empty, run"
            f" `alembic -x shard={target.shard_id} upgrade head`"
        )
        for target in empty
        if target.shard_id in inhabited
    }


async def _is_empty(url: URL) -> bool:
    if is_missing_file(url):
        return True
    manager = DatabaseManager(url, poolclass=NullPool)
    try:
        async with manager.session(read_only=True) as session:
            connection = await session.connection()
            return not await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    finally:
        await manager.close()


async def _inhabited(global_url: URL, shard_ids: Collection[int]) -> set[int]:
    manager = DatabaseManager(global_url, name="global", poolclass=NullPool)
    try:
        async with manager.session(read_only=True) as session:
            found = set()
            for shard_id in shard_ids:
                first = select(ShardMapping.shard_id).where(ShardMapping.shard_id == shard_id).limit(1)
                if await session.scalar(first) is not None:
                    found.add(shard_id)
            return found
    finally:
        await manager.close()
