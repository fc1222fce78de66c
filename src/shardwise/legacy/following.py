"""Keeping what this process remembers in step with what old programs write by hand."""

import logging

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardwiseError
from shardwise.legacy.sql import Statement
from shardwise.schema.control import ShardConfig, ShardMapping

logger = logging.getLogger(__name__)


async def follow_statement(db: ShardedDatabase, statement: Statement) -> None:
    """Forget placements, or read the shards again, after a statement that may have changed them.

    Args:
        db: the open database.
        statement: what was committed in the global database.
    """
    text = statement.text.casefold()
    if ShardMapping.__tablename__ in text:
        db.directory.clear()
    if ShardConfig.__tablename__ in text:
        await refresh_topology(db)


async def refresh_topology(db: ShardedDatabase) -> None:
    """Read the shards again; if that fails the call that led to it is committed all the same."""
    try:
        await db.topology.refresh()
    except ShardwiseError as error:
        logger.warning("the shard configuration can't be read, the previous one stays: %s", error)
