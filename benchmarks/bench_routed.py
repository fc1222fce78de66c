"""What does routing a statement by its key cost over SQLAlchemy's own ShardedSession?"""

import itertools
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.horizontal_shard import ShardedSession as StockShardedSession
from sqlalchemy.sql import operators, visitors

from benchmarks.fleet import ACCOUNTS, fleet, note_of
from benchmarks.harness import compare, entry
from shardwise.database import ShardedDatabase
from shardwise.testing.servers import MariaDBServer

BOUND = 1.0


def _find_keys(statement: Any) -> list[int]:
    """Find `account_db_key = x` by a traversal, the way SQLAlchemy's sharding example does."""
    keys: list[int] = []

    def visit_binary(binary: Any) -> None:
        if binary.operator is operators.eq and getattr(binary.left, "key", None) == "account_db_key":
            keys.append(binary.right.effective_value)

    for criterion in statement._where_criteria:
        visitors.traverse(criterion, {}, {"binary": visit_binary})
    return keys


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Measure at 2 and at 64 shards, against a traversing chooser and against one that is told the shard."""
    entries: list[dict[str, object]] = []
    for shards in (2, 64):
        async with fleet(server, shards) as db:
            entries += await _measure(db, shards)
    return entries


async def _measure(db: ShardedDatabase, shards: int) -> list[dict[str, object]]:
    engines = {shard: (await db.topology.manager(shard)).engine.sync_engine for shard in db.topology.shards}
    keys = itertools.cycle(range(1, ACCOUNTS + 1))

    def stock(execute_chooser: Any) -> AsyncSession:
        return AsyncSession(
            sync_session_class=StockShardedSession,
            shards=engines,
            shard_chooser=lambda mapper, instance, clause=None: instance.account_db_key % shards + 1,
            identity_chooser=lambda mapper, key, **kw: [key[0] % shards + 1],
            execute_chooser=execute_chooser,
            expire_on_commit=False,
        )

    def traversing(state: Any) -> list[int]:
        return [key % shards + 1 for key in _find_keys(state.statement)]

    async def stock_traversing() -> None:
        key = next(keys)
        async with stock(traversing) as session, session.begin():
            (await session.execute(note_of(key))).scalar_one()

    async def stock_told() -> None:
        key = next(keys)
        async with stock(lambda state: [key % shards + 1]) as session, session.begin():
            (await session.execute(note_of(key))).scalar_one()

    async def routed() -> None:
        key = next(keys)
        async with db.sharded_session() as session:
            (await session.execute(note_of(key))).scalar_one()

    stock_name = "SQLAlchemy's ShardedSession, chooser"
    result = await compare(
        {
            "routed": routed,
            f"{stock_name} reads the key": stock_traversing,
            f"{stock_name} is told": stock_told,
        },
        calls=300,
        rounds=21,
    )
    ours = result.samples["routed"]
    return [
        entry(
            f"sharded_session() + SELECT, {shards} shards: client CPU",
            1 / result.cpu_ratio[peer],
            "× peer",
            bound=f"≤ {BOUND}",
            peer=peer,
            how="MariaDB, one primary-key SELECT and COMMIT, median of 21 rounds of 300 calls;"
            f" CPU {ours.cpu_us:.0f} µs against {sample.cpu_us:.0f} µs,"
            f" {ours.per_second:.0f} calls/s against {sample.per_second:.0f}",
        )
        for peer, sample in result.samples.items()
        if peer != "routed"
    ]
