"""The engine alone: shardwise's trading platform is neither imported nor created."""

import sys

from sqlalchemy import inspect

from shardwise import ShardedDatabase

GLOBAL = {
    "alembic_version",
    "members",
    "table_errorlog",
    "table_shard_config",
    "table_shard_stats",
    "table_user_shard_mapping",
}
SHARD = {"alembic_version", "notes", "table_errorlog", "tasks"}


async def tables(session) -> set[str]:
    connection = await session.connection()
    return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_only_our_tables_exist(sharded_db: ShardedDatabase) -> None:
    async with sharded_db.global_session(read_only=True) as session:
        found = await tables(session)
    assert found - {"sqlite_sequence"} == GLOBAL
    for shard_id in sharded_db.topology.shards:
        async with sharded_db.shard_session(shard_id, read_only=True) as session:
            assert await tables(session) == SHARD


def test_the_trading_platform_is_not_imported(sharded_db: ShardedDatabase) -> None:
    assert not [name for name in sys.modules if name.startswith("shardwise.finance")]
