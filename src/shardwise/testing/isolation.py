"""How a test's writes are undone on a server: rolled back, or deleted again."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shardwise.database import ShardedDatabase
from shardwise.topology.manager import DatabaseManager

_LOCK_PATIENCE = 5  # seconds: a transaction that the test left open must not hang the whole run


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The tables of a database, and the rows of those that had any."""

    tables: tuple[str, ...]
    rows: Mapping[str, list[dict[str, Any]]]


def managers(database: ShardedDatabase) -> list[DatabaseManager]:
    """Return the managers of an open database: the global one, then each shard's."""
    topology = database.topology
    return [
        database.global_manager,
        *(topology.unchecked_manager(shard) for shard in topology.shards.values()),
    ]


@asynccontextmanager
async def rolled_back(database: ShardedDatabase) -> AsyncIterator[None]:
    """Open a database so that all its sessions are savepoints in one outer transaction a database.

    At the end the outer transactions are rolled back.

    Raises:
        AssertionError: a session was not closed.
    """
    async with AsyncExitStack() as stack:
        await _hold(database.global_manager, stack)
        await stack.enter_async_context(database)
        for manager in managers(database)[1:]:
            await _hold(manager, stack)
        yield


async def _hold(manager: DatabaseManager, stack: AsyncExitStack) -> None:
    connection = await stack.enter_async_context(manager.engine.connect())
    transaction = await connection.begin()
    stack.push_async_callback(transaction.rollback)
    stack.callback(_assert_no_savepoint, connection, manager.name)
    stack.enter_context(manager.bound_to(connection))


def _assert_no_savepoint(connection: AsyncConnection, name: str) -> None:
    assert not connection.in_nested_transaction(), f"a session on the {name} was left open; leave its block"


async def read_contents(engine: AsyncEngine) -> Contents:
    """Return what a database holds now."""
    async with engine.connect() as connection:
        tables = tuple(await connection.scalars(text("SHOW TABLES")))
        filled = await _filled(connection, tables)
        return Contents(tables=tables, rows={table: await _rows(connection, table) for table in filled})


async def restore_contents(engine: AsyncEngine, contents: Contents) -> None:
    """Make a database hold what it held before; counters of AUTO_INCREMENT stay where they are.

    The connection that is used keeps foreign keys off: dispose of the engine afterwards.
    """
    async with engine.begin() as connection:
        await connection.execute(
            text(
                f"SET foreign_key_checks = 0, lock_wait_timeout = {_LOCK_PATIENCE},"
                f" innodb_lock_wait_timeout = {_LOCK_PATIENCE}"
            )
        )
        await _drop_others(connection, contents.tables)
        for table in {*await _filled(connection, contents.tables), *contents.rows}:
            rows = contents.rows.get(table, [])
            if rows and rows == await _rows(connection, table):
                continue
            await connection.execute(text(f"DELETE FROM `{table}`"))
            await _insert(connection, table, rows)


async def _rows(connection: AsyncConnection, table: str) -> list[dict[str, Any]]:
    found = await connection.execute(text(f"SELECT * FROM `{table}`"))
    return [dict(row) for row in found.mappings()]


async def _drop_others(connection: AsyncConnection, tables: tuple[str, ...]) -> None:
    for name in set(await connection.scalars(text("SHOW TABLES"))) - set(tables):
        await connection.execute(text(f"DROP TABLE `{name}`"))


async def _filled(connection: AsyncConnection, tables: tuple[str, ...]) -> list[str]:
    if not tables:
        return []
    questions = (f"SELECT '{table}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{table}`)" for table in tables)
    return list(await connection.scalars(text(" UNION ALL ".join(questions))))


async def _insert(connection: AsyncConnection, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    columns = ", ".join(f"`{name}`" for name in names)
    places = ", ".join(f":p{number}" for number in range(len(names)))
    statement = text(f"INSERT INTO `{table}` ({columns}) VALUES ({places})")
    await connection.execute(
        statement, [{f"p{number}": row[name] for number, name in enumerate(names)} for row in rows]
    )
