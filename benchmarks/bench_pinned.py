"""What does `db.session(key)` cost over a plain AsyncSession on the same engine?"""

import itertools

from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.fleet import ACCOUNTS, fleet, note_of
from benchmarks.harness import compare, entry
from shardwise.database import ShardedDatabase
from shardwise.testing.servers import MariaDBServer

BOUND = 1.05


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Measure at 2 and at 64 shards; both sides select one row by primary key and commit."""
    entries = []
    for shards in (2, 64):
        async with fleet(server, shards) as db:
            entries.append(await _measure(db, shards))
    return entries


async def _measure(db: ShardedDatabase, shards: int) -> dict[str, object]:
    engine = (await db.topology.manager(1)).engine
    # Only accounts of shard 1: both sides use that one engine, with warm pools.
    keys = itertools.cycle([key for key in range(1, ACCOUNTS + 1) if key % shards == 0])

    async def plain() -> None:
        key = next(keys)
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            (await session.execute(note_of(key))).scalar_one()

    async def pinned() -> None:
        key = next(keys)
        async with db.session(key) as session:
            (await session.execute(note_of(key))).scalar_one()

    result = await compare({"plain": plain, "pinned": pinned}, calls=300, rounds=21)
    ours, peer = result.samples["pinned"], result.samples["plain"]
    return entry(
        f"session(key) + SELECT, {shards} shards: client CPU",
        result.cpu_ratio["pinned"],
        "× peer",
        bound=f"≤ {BOUND}",
        peer="AsyncSession on the same engine",
        how=f"MariaDB, one primary-key SELECT and COMMIT, median of 21 rounds of 300 calls;"
        f" CPU {ours.cpu_us:.0f} µs against {peer.cpu_us:.0f} µs,"
        f" {ours.per_second:.0f} calls/s against {peer.per_second:.0f}",
    )
