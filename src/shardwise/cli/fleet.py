"""The databases as a command finds them, also when some are missing, down or not migrated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType

from shardwise.cli.command import unchecked
from shardwise.cli.databases import is_sqlite, shown, sqlite_path
from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.errors import (
    DatabaseConnectionError,
    ShardConfigurationError,
    ShardwiseError,
)
from shardwise.migrations.branches import Branch, expected_head
from shardwise.schema.control import ShardStatus
from shardwise.topology.shard import Topology


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ShardedDatabase]:
    """Open the databases for a command that needs the global one.

    Raises:
        DatabaseConnectionError: the global database is a SQLite file that doesn't exist; it is not made.
        DatabaseError: it can't be reached.
        TopologyError: it isn't at the revision of this code.
    """
    _require_file(settings)
    async with ShardedDatabase.from_settings(settings) as db:
        yield db


@asynccontextmanager
async def looked_at(settings: Settings) -> AsyncIterator[tuple[ShardedDatabase, ShardwiseError | None]]:
    """Hand out the databases at whatever revision, with what kept the shards from being read, if anything.

    Raises:
        DatabaseConnectionError: as for `opened`.
    """
    _require_file(settings)
    db = ShardedDatabase.from_settings(unchecked(settings))
    try:
        problem = None
        try:
            db.topology.snapshot = without_missing_files(await db.topology.refresh())
        except ShardwiseError as error:
            problem = error
        yield db, problem
    finally:
        await db.close()


def without_missing_files(topology: Topology) -> Topology:
    """Return a topology whose missing SQLite files count as broken, so that a look doesn't make them."""
    missing = {
        shard_id: ShardConfigurationError(shard_id, f"there is no file {sqlite_path(shard.url)}")
        for shard_id, shard in topology.shards.items()
        if shard.status is not ShardStatus.DISABLED
        and is_sqlite(shard.url)
        and not sqlite_path(shard.url).exists()
    }
    shards = {shard_id: shard for shard_id, shard in topology.shards.items() if shard_id not in missing}
    return replace(
        topology, shards=MappingProxyType(shards), broken=MappingProxyType({**topology.broken, **missing})
    )


async def heads(settings: Settings) -> dict[Branch, str]:
    """Return the revision that each branch's databases should be at."""
    location = settings.migrations.script_location
    return {branch: await asyncio.to_thread(expected_head, branch, location) for branch in Branch}


def _require_file(settings: Settings) -> None:
    url = settings.database.sqlalchemy_url()
    if is_sqlite(url) and not sqlite_path(url).exists():
        raise DatabaseConnectionError(
            f"there is no global database {shown(url)}; `shardwise upgrade` makes it,"
            " DATABASE_URL or --url names another one"
        )
