"""A throwaway deployment for benchmarks: a global database and N shards with one small table."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Select, String, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.config import Settings
from shardwise.database import ShardedDatabase
from shardwise.schema.base import GlobalBase, ShardBase
from shardwise.schema.columns import account_key_column
from shardwise.schema.control import ShardConfig, ShardMapping
from shardwise.testing.servers import MariaDBServer
from shardwise.topology.loader import address_columns
from shardwise.topology.manager import DatabaseManager

ACCOUNTS = 1_000
_numbers = itertools.count(1)


class BenchNote(ShardBase):
    """A row that is read by its primary key."""

    __tablename__ = "bench_notes"

    account_db_key: Mapped[int] = account_key_column()
    note_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(String(500))


def note_of(key: int) -> Select[BenchNote]:
    """Return the statement that all variants run: one row by its primary key."""
    return select(BenchNote).where(BenchNote.account_db_key == key, BenchNote.note_id == 1)


@asynccontextmanager
async def fleet(server: MariaDBServer, shards: int) -> AsyncIterator[ShardedDatabase]:
    """Open a database with `shards` shards and ACCOUNTS accounts spread over them by key modulo."""
    prefix = f"bench_{next(_numbers)}"
    names = {number: f"{prefix}_shard_{number}" for number in range(1, shards + 1)}
    for name in (f"{prefix}_global", *names.values()):
        server.create_database(name)
    settings = Settings(
        database={"url": server.url(f"{prefix}_global")},
        topology={"revision_check": "ignore", "refresh_interval": 0},
    )
    home = {key: key % shards + 1 for key in range(1, ACCOUNTS + 1)}
    await _fill_global(settings, {number: server.url(name) for number, name in names.items()}, home)
    for number, name in names.items():
        await _fill_shard(server.url(name), [key for key, shard in home.items() if shard == number])
    async with ShardedDatabase(settings) as db:
        await db.directory.lookup_many(home)
        yield db


async def _fill_global(settings: Settings, urls: dict[int, str], home: dict[int, int]) -> None:
    manager = DatabaseManager(settings.database.sqlalchemy_url())
    tables = [GlobalBase.metadata.tables[model.__tablename__] for model in (ShardConfig, ShardMapping)]
    async with manager.engine.begin() as connection:
        await connection.run_sync(GlobalBase.metadata.create_all, tables=tables)
    async with manager.session() as session:
        for number, url in urls.items():
            shard = DatabaseManager(url)
            columns = address_columns(shard.url, manager.url)
            session.add(ShardConfig(shard_id=number, shard_name=f"shard_{number}", **columns))
            await shard.close()
        await session.flush()
        await session.execute(
            insert(ShardMapping), [{"account_db_key": key, "shard_id": shard} for key, shard in home.items()]
        )
    await manager.close()


async def _fill_shard(url: str, keys: list[int]) -> None:
    manager = DatabaseManager(url)
    async with manager.engine.begin() as connection:
        await connection.run_sync(
            ShardBase.metadata.create_all, tables=[ShardBase.metadata.tables[BenchNote.__tablename__]]
        )
        rows = [
            {"account_db_key": key, "note_id": note, "title": f"note {note}", "body": "x" * 200}
            for key in keys
            for note in range(1, 4)
        ]
        await connection.execute(insert(BenchNote), rows)
    await manager.close()
