"""Databases as a whole: is it there, make it, empty it. Only development tools and the demo delete."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from shardwise.errors import ShardwiseError, note
from shardwise.topology.driver_errors import wrapping
from shardwise.topology.engines import create_engine

_EVERY_SERVER_HAS = "information_schema"
_BESIDE_A_FILE = ("", "-wal", "-shm", "-journal")


def is_sqlite(url: URL) -> bool:
    """Return whether the address is that of a SQLite file."""
    return url.get_backend_name() == "sqlite"


def sqlite_path(url: URL) -> Path:
    """Return the file of a SQLite address."""
    return Path(url.database or "").absolute()


def shown(url: URL) -> str:
    """Return an address that may be printed: a file's path, or a URL without user and password."""
    if is_sqlite(url):
        return str(sqlite_path(url))
    return f"{url.host}:{url.port or 3306}/{url.database}"


async def exists(url: URL) -> bool:
    """Return whether there is a database at this address; a SQLite file that is missing is not made.

    Raises:
        DatabaseError: the server can't be asked.
    """
    if is_sqlite(url):
        return sqlite_path(url).exists()
    async with _connection(url.set(database=_EVERY_SERVER_HAS)) as connection:
        known = text("SELECT 1 FROM schemata WHERE schema_name = :name")
        return await connection.scalar(known, {"name": url.database}) is not None


async def create(url: URL) -> None:
    """Make an empty database if there is none; a SQLite file is made by its first use.

    Raises:
        DatabaseError: the server refuses.
    """
    if is_sqlite(url):
        sqlite_path(url).parent.mkdir(parents=True, exist_ok=True)
        return
    if await exists(url):  # IF NOT EXISTS makes the driver print a warning
        return
    async with _connection(url.set(database=_EVERY_SERVER_HAS)) as connection:
        name = connection.dialect.identifier_preparer.quote_identifier(url.database or "")
        await connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))


async def table_names(url: URL) -> frozenset[str]:
    """Return the tables of a database.

    Raises:
        DatabaseError: it can't be asked.
    """
    async with _connection(url) as connection:
        return frozenset(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def mark(url: URL, table: str) -> None:
    """Make an empty table that says whose database this is, if there is none.

    Raises:
        DatabaseError: it can't be made.
    """
    if table in await table_names(url):
        return
    async with _connection(url) as connection:
        name = connection.dialect.identifier_preparer.quote_identifier(table)
        await connection.execute(text(f"CREATE TABLE {name} (made_by_demo INTEGER)"))


async def drop_tables(url: URL, *, names: Collection[str] | None = None) -> None:
    """Drop tables with their rows.

    Args:
        url: a database of a server.
        names: which ones, if they are there; None = all.

    Raises:
        DatabaseError: one can't be dropped.
    """
    there = await table_names(url)
    chosen = sorted(there if names is None else there.intersection(names))
    async with _connection(url) as connection:
        await connection.execute(text("SET foreign_key_checks = 0"))
        for name in chosen:
            quoted = connection.dialect.identifier_preparer.quote_identifier(name)
            await connection.execute(text(f"DROP TABLE IF EXISTS {quoted}"))


@asynccontextmanager
async def named_lock(url: URL, name: str) -> AsyncIterator[bool]:
    """Hold a lock of a server while the block runs; yields False if somebody else holds it.

    Raises:
        DatabaseError: the server can't be asked.
    """
    async with _connection(url.set(database=_EVERY_SERVER_HAS)) as connection:
        await connection.execute(text("SET SESSION wait_timeout = 86400"))  # it says nothing meanwhile
        yield bool(await connection.scalar(text("SELECT GET_LOCK(:name, 0)"), {"name": name}))


def delete_files(url: URL) -> None:
    """Delete a SQLite file and what SQLite keeps beside it."""
    for ending in _BESIDE_A_FILE:
        Path(f"{sqlite_path(url)}{ending}").unlink(missing_ok=True)


async def delete_contents(url: URL) -> None:
    """Delete everything in a database: the SQLite file itself, or all tables on a server.

    Raises:
        DatabaseError: the server refuses.
    """
    if is_sqlite(url):
        delete_files(url)
    elif await exists(url):
        await drop_tables(url)


@asynccontextmanager
async def _connection(url: URL) -> AsyncIterator[AsyncConnection]:
    """Open one connection that commits when its block is left."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with wrapping():
            async with engine.begin() as connection:
                yield connection
    except ShardwiseError as error:
        note(error, database=shown(url))
        raise
    finally:
        await engine.dispose()
