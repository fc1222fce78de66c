"""Runs statements written by hand in a session."""

from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import CommitOutcomeUnknownError, DatabaseError
from shardwise.legacy.answers import Answer, every_answer
from shardwise.legacy.sql import Statement
from shardwise.topology.driver_errors import wrapping


async def execute(session: AsyncSession, statement: Statement) -> Answer:
    """Run a statement on the session's connection, in its transaction.

    Of a CALL, or of several statements, all answers are read and the first one is returned.

    Raises:
        CommitOutcomeUnknownError: the connection was lost, and a rollback wouldn't undo the statement.
        DatabaseError: the database refused or failed it; the driver's error is the cause.
    """
    connection = await session.connection()
    try:
        with wrapping():
            if statement.answers_once or connection.dialect.name == "sqlite":
                return await connection.run_sync(_execute, statement)
            return (await every_answer(session, statement.text, statement.values))[0]
    except DatabaseError as error:
        if statement.can_be_undone or not is_lost(error):
            raise
        raise CommitOutcomeUnknownError from error


def is_lost(error: DatabaseError) -> bool:
    """Return whether the connection was lost while the server had the statement."""
    return isinstance(error.__cause__, DBAPIError) and error.__cause__.connection_invalidated


def _execute(connection: Connection, statement: Statement) -> Answer:
    options = {"no_parameters": not statement.values, "sqlite_raw_colnames": True}
    result: CursorResult[Any] = connection.exec_driver_sql(
        statement.text, statement.values, execution_options=options
    )
    if result.returns_rows:
        names = _names(result)
        rows = [dict(zip(names, row, strict=True)) for row in result]
        return Answer(rows=rows, affected=max(result.rowcount, 0))
    affected = max(result.rowcount, 0)
    # SQLite repeats the id of an earlier row, of whatever table, if there is none.
    inserted_id = (result.lastrowid or 0) if statement.inserts and affected else 0
    return Answer(rows=[], affected=affected, inserted_id=inserted_id)


def _names(result: CursorResult[Any]) -> list[str]:
    names = list(result.keys())
    if len(set(names)) == len(names):
        return names
    fields = getattr(getattr(getattr(result.cursor, "_cursor", None), "_result", None), "fields", None)
    unique: dict[str, None] = {}
    for number, name in enumerate(names):
        unique[_unlike(name, unique, fields[number].table_name if fields else None)] = None
    return list(unique)


def _unlike(name: str, taken: dict[str, None], table: str | None) -> str:
    if name not in taken:
        return name
    if table and f"{table}.{name}" not in taken:
        return f"{table}.{name}"
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
