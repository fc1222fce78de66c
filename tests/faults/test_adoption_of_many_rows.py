"""Many old rows are adopted while somebody reads and writes: rows, checksums, time and locking."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from old_checksums import FILLED, checksums
from old_deployment import OldDeployment, old_deployment
from old_rows import fill
from shardwise.migrations.adoption.clock import Clock
from shardwise.migrations.adoption.run import AdoptionPlan, adopt
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import create_engine

ROWS = int(os.environ.get("ADOPTION_ROWS", "200000"))
EACH = 5  # rows of an account in large tables
ROWS_AN_ACCOUNT = 50.5  # over all tables of both branches, at EACH = 5
# What an old program would do; the row keeps its values, so that checksums stay comparable.
READ = "SELECT title FROM table_chat_rooms WHERE account_db_key = :key"
WRITE = "UPDATE table_signal_history SET symbol = symbol WHERE signal_id = :signal"


@pytest.fixture
def old(mariadb_server: MariaDBServer) -> Iterator[OldDeployment]:
    with old_deployment(mariadb_server) as deployment:
        fill(deployment, accounts=int(ROWS / ROWS_AN_ACCOUNT) + 1, each=EACH)
        yield deployment


async def longest_wait(old: OldDeployment, statement: str, done: asyncio.Event) -> float:
    """Run a statement on shard 2 again and again; return the longest time that one took."""
    engine = create_engine(old.server.url(old.names["shard 2"]), poolclass=NullPool)
    longest = 0.0
    async with engine.connect() as connection:
        while not done.is_set():
            began = time.perf_counter()
            await _run(connection, statement)
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(0.005)
    await engine.dispose()
    return longest


async def _run(connection: AsyncConnection, statement: str) -> None:
    await connection.execute(text(statement), {"key": 1001, "signal": "si11"})
    await connection.commit()


async def test_rows_and_checksums_are_equal_before_and_after(
    old: OldDeployment, figure: Callable[..., None]
) -> None:
    counted = {name: old.rows(name) for name in old.names}
    rows = sum(sum(tables.values()) for tables in counted.values())
    assert rows >= ROWS
    before = {name: checksums(old, name, minutes=540) for name in old.names}
    done = asyncio.Event()
    waits: list[Awaitable[float]] = [
        asyncio.ensure_future(longest_wait(old, statement, done)) for statement in (READ, WRITE)
    ]
    began = time.perf_counter()
    plan = AdoptionPlan(clock=Clock(minutes=540), workers=2)
    adoption = await adopt(make_url(old.url), plan=plan)
    seconds = time.perf_counter() - began
    done.set()
    read, write = await asyncio.gather(*waits)

    assert adoption.finished, adoption.results
    for name in old.names:
        after = old.rows(name)
        assert {table: after[table] for table in counted[name]} == counted[name]
        sums = checksums(old, name)
        assert {key for key, value in before[name].items() if sums[key] != value} <= FILLED
    how = f"{rows:,} rows in 26 tables of a global database and two shards, MariaDB in memory"
    figure("adoption of an old deployment", round(seconds, 1), "s", bound="none", how=how)
    figure("rows an adoption takes in a second", round(rows / seconds), "rows/s", bound="none", how=how)
    figure("columns whose checksum an adoption changed", 0, "columns", bound="0", how=f"NULLs apart; {how}")
    figure("longest wait of a reader during an adoption", round(read, 2), "s", bound="none", how=how)
    figure("longest wait of a writer during an adoption", round(write, 2), "s", bound="none", how=how)
