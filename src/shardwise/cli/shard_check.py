"""What `shardwise shards check` looks at."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.pool import NullPool

from shardwise.cli.databases import exists, shown
from shardwise.cli.fleet import heads
from shardwise.cli.twins import find_twin
from shardwise.database import ShardedDatabase
from shardwise.errors import ShardwiseError
from shardwise.migrations.branches import Branch
from shardwise.schema.control import ShardStats
from shardwise.topology.manager import DatabaseManager
from shardwise.topology.revision import read_revision
from shardwise.topology.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardCheck:
    """What a look at one shard showed.

    Attributes:
        shard_id: the shard.
        name: its name.
        status: what its row says.
        address: where it is, without user and password.
        revision: its schema revision.
        latency_ms: how long connecting and asking took.
        accounts: how many the statistics count on it.
        problem: what is wrong, None if nothing is.
    """

    shard_id: int
    name: str | None = None
    status: str | None = None
    address: str | None = None
    revision: str | None = None
    latency_ms: float | None = None
    accounts: int | None = None
    problem: str | None = None


async def check_shards(db: ShardedDatabase, shard_id: int | None = None) -> list[ShardCheck]:
    """Look at one shard or all.

    Raises:
        UnknownShardError: there is no such shard.
    """
    snapshot = db.topology.snapshot
    if shard_id is not None and shard_id not in snapshot.broken:
        snapshot.shard(shard_id)
    broken = [ShardCheck(shard_id=number, problem=str(error)) for number, error in snapshot.broken.items()]
    managers = {shard.shard_id: _manager(db, shard) for shard in snapshot.shards.values()}
    head, counts = (await heads(db.settings))[Branch.SHARD], await _counts(db)
    wanted = [shard for shard in snapshot.shards.values() if shard_id in (None, shard.shard_id)]
    found = []
    for shard in wanted:
        others = [db.global_manager, *(m for number, m in managers.items() if number != shard.shard_id)]
        look = await _look(shard, managers[shard.shard_id], others, head)
        found.append(replace(look, accounts=counts.get(shard.shard_id, 0)))
    found += [check for check in broken if shard_id in (None, check.shard_id)]
    return sorted(found, key=lambda check: check.shard_id)


async def _look(
    shard: Shard, manager: DatabaseManager, others: Sequence[DatabaseManager], head: str
) -> ShardCheck:
    check = ShardCheck(
        shard_id=shard.shard_id, name=shard.name, status=shard.status, address=shown(shard.url)
    )
    started = time.perf_counter()
    try:
        if not await exists(shard.url):
            return replace(check, problem="there is no such database")
        revision = await read_revision(manager)
        took = round((time.perf_counter() - started) * 1000, 3)
        twins = await find_twin(manager, others)
    except ShardwiseError as error:
        return replace(check, problem=str(error))
    problem = None
    if revision != head:
        problem = f"{revision or 'not migrated'}, expected {head}: run `shardwise upgrade`"
    if twins.name is not None:
        problem = f"it is the same database as the {twins.name}"
    return replace(check, revision=revision, latency_ms=took, problem=problem)


def _manager(db: ShardedDatabase, shard: Shard) -> DatabaseManager:
    # Of its own: a disabled shard must not get a pool in the topology.
    return DatabaseManager.from_pool(
        shard.url, shard.pool, name=f"shard {shard.shard_id}", shard_id=shard.shard_id, poolclass=NullPool
    )


async def _counts(db: ShardedDatabase) -> dict[int, int]:
    async with db.global_session(read_only=True) as session:
        rows = await session.execute(select(ShardStats.shard_id, ShardStats.user_count))
        return {row.shard_id: row.user_count for row in rows}
