"""What does `create_many` of 10,000 rows cost over a Core `insert()` executemany of the same rows?"""

import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import String, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.harness import entry
from shardwise.repository import BaseRepository
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import ExactDecimal, UnsignedBigInt
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.engines import create_engine

ROWS = 10_000
ROUNDS = 9
BOUND = 1.3


class Base(DeclarativeBase):
    pass


class Trade(Base):
    """A row of usual width: seven columns, two of them with defaults made in Python."""

    __tablename__ = "bench_trades"
    __placement__ = "sharded"

    account_db_key: Mapped[int] = account_key_column()
    trade_id: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(String(20))
    note: Mapped[str | None] = mapped_column(String(200))
    amount: Mapped[Decimal] = mapped_column(ExactDecimal(20, 8))
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()


def _rows() -> list[dict[str, object]]:
    return [
        {
            "account_db_key": 1000 + number % 97,
            "trade_id": number,
            "symbol": "AAPL",
            "note": f"note {number}",
            "amount": Decimal(number) / 100,
        }
        for number in range(ROWS)
    ]


Variant = Callable[[AsyncEngine], Awaitable[float]]


async def _core(engine: AsyncEngine) -> float:
    rows = _rows()
    connection: AsyncConnection
    async with engine.connect() as connection:
        await connection.begin()
        return await _timed(connection.execute(insert(Base.metadata.tables[Trade.__tablename__]), rows))


async def _mappings(engine: AsyncEngine) -> float:
    rows = _rows()
    async with AsyncSession(engine) as session:
        await session.connection()
        return await _timed(BaseRepository(session, Trade).create_many(rows))


async def _unit_of_work(engine: AsyncEngine) -> float:
    trades = [Trade(**row) for row in _rows()]
    async with AsyncSession(engine) as session:
        await session.connection()

        async def store() -> None:
            session.add_all(trades)
            await session.flush()

        return await _timed(store())


async def _objects(engine: AsyncEngine) -> float:
    trades = [Trade(**row) for row in _rows()]
    async with AsyncSession(engine) as session:
        await session.connection()
        return await _timed(BaseRepository(session, Trade).create_many(trades))


async def _timed(work: Awaitable[object]) -> float:
    """Return the client CPU seconds of some work, whose transaction is then rolled back."""
    gc.collect()
    start = time.process_time()
    await work
    return time.process_time() - start


async def run(server: MariaDBServer) -> list[dict[str, object]]:
    """Measure rows given as mappings against Core, and as objects against the bare unit of work."""
    engine = create_engine(server.create_database())
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    variants: list[Variant] = [_core, _mappings, _unit_of_work, _objects]
    seconds: dict[Variant, list[float]] = {variant: [] for variant in variants}
    for number in range(ROUNDS + 1):
        for variant in variants if number % 2 else reversed(variants):
            spent = await variant(engine)
            if number:  # the first round warms up
                seconds[variant].append(spent)
    await engine.dispose()
    return [
        _line("mappings", seconds[_mappings], seconds[_core], "Core insert() executemany", f"≤ {BOUND}"),
        _line(
            "objects",
            seconds[_objects],
            seconds[_unit_of_work],
            "session.add_all() and flush()",
            f"≤ {BOUND}",
        ),
        _line(
            "objects",
            seconds[_objects],
            seconds[_core],
            "Core insert() executemany",
            "none: they stay tracked",
        ),
    ]


def _line(given: str, ours: list[float], peer: list[float], named: str, bound: str) -> dict[str, object]:
    ratio = statistics.median(a / b for a, b in zip(ours, peer, strict=True))
    return entry(
        f"create_many, {ROWS:,} rows as {given}: client CPU",
        ratio,
        "× peer",
        bound=bound,
        peer=named,
        how=f"MariaDB, seven columns, one transaction, median of {ROUNDS} rounds in turns;"
        f" CPU {statistics.median(ours) * 1e3:.0f} ms against {statistics.median(peer) * 1e3:.0f} ms",
    )
