"""What does `db.session(key)` cost over a plain AsyncSession on the same engine?"""

import itertools

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.fleet import ACCOUNTS, BenchNote, fleet
from benchmarks.harness import compare, entry
from shardwise.testing.servers import MariaDBServer

BOUND = 1.05


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Measure at 2 and at 64 shards; both sides select one row by primary key and commit."""
    entries = []
    for shards in (2, 64):
        async with fleet(server, shards) as db:
            engine = (await db.topology.manager(1)).engine
            # Only accounts of shard 1: both sides use that one engine, with warm pools.
            keys = itertools.cycle([key for key in range(1, ACCOUNTS + 1) if key % shards == 0])

            async def plain() -> None:
                key = next(keys)
                async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
                    (await session.execute(_note(key))).scalar_one()

            async def pinned() -> None:
                key = next(keys)
                async with db.session(key) as session:
                    (await session.execute(_note(key))).scalar_one()

            result = await compare({"plain": plain, "pinned": pinned}, calls=300, rounds=21)
            how = (
                f"MariaDB, {shards} shards, one primary-key SELECT and COMMIT, median of 21 rounds of 300 calls;"
                f" CPU {result.samples['pinned'].cpu_us:.0f} µs against {result.samples['plain'].cpu_us:.0f} µs,"
                f" {result.samples['pinned'].per_second:.0f} calls/s against"
                f" {result.samples['plain'].per_second:.0f}"
            )
            entries.append(
                entry(
                    f"session(key) + SELECT, {shards} shards: client CPU",
                    result.cpu_ratio["pinned"],
                    "× peer",
                    bound=f"≤ {BOUND}",
                    peer="AsyncSession on the same engine",
                    how=how,
                )
            )
    return entries


def _note(key: int):  # type: ignore[no-untyped-def]
    return select(BenchNote).where(BenchNote.account_db_key == key, BenchNote.note_id == 1)
