"""What does routing a statement by its key cost over SQLAlchemy's own ShardedSession?"""

import itertools
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.horizontal_shard import ShardedSession as StockShardedSession
from sqlalchemy.sql import operators, visitors

from benchmarks.fleet import ACCOUNTS, BenchNote, fleet
from benchmarks.harness import compare, entry
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
            engines = {s: (await db.topology.manager(s)).engine.sync_engine for s in db.topology.shards}
            keys = itertools.cycle(range(1, ACCOUNTS + 1))
            told: list[int] = [0]

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
                    (await session.execute(_note(key))).scalar_one()

            async def stock_told() -> None:
                key = next(keys)
                told[0] = key % shards + 1
                async with stock(lambda state: told) as session, session.begin():
                    (await session.execute(_note(key))).scalar_one()

            async def routed() -> None:
                key = next(keys)
                async with db.sharded_session() as session:
                    (await session.execute(_note(key))).scalar_one()

            variants = {"stock": stock_traversing, "stock, told": stock_told, "routed": routed}
            result = await compare(variants, calls=300, rounds=21)
            cpu = {name: f"{sample.cpu_us:.0f} µs" for name, sample in result.samples.items()}
            how = (
                f"MariaDB, {shards} shards, one primary-key SELECT and COMMIT, median of 21 rounds of 300 calls;"
                f" CPU {cpu['routed']}, stock with a traversing chooser {cpu['stock']}, stock whose chooser is"
                f" told the shard {cpu['stock, told']}; {result.samples['routed'].per_second:.0f} calls/s"
                f" against {result.samples['stock'].per_second:.0f}"
            )
            told_ratio = result.cpu_ratio["routed"] / result.cpu_ratio["stock, told"]
            for peer, ratio, bound in (
                (
                    "SQLAlchemy's ShardedSession, chooser reads the key",
                    result.cpu_ratio["routed"],
                    f"≤ {BOUND}",
                ),
                ("SQLAlchemy's ShardedSession, chooser is told the shard", told_ratio, "published"),
            ):
                name = f"sharded_session() + SELECT, {shards} shards: client CPU"
                entries.append(entry(name, ratio, "× peer", bound=bound, peer=peer, how=how))
    return entries


def _note(key: int):  # type: ignore[no-untyped-def]
    return select(BenchNote).where(BenchNote.account_db_key == key, BenchNote.note_id == 1)
