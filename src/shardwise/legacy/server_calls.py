"""Calls stored procedures that live on the server: an application's own."""

import re
from collections.abc import Sequence
from typing import Any

import asyncmy.cursors
import asyncmy.errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from shardwise.errors import (
    CommitOutcomeUnknownError,
    InvalidValueError,
    UnknownProcedureError,
)
from shardwise.legacy.binding import bind_for_server
from shardwise.legacy.procedure import Rows
from shardwise.legacy.raw import Answer, is_lost
from shardwise.topology.driver_errors import has_undone_transaction, wrap
from shardwise.transactions.undone import mark_undone

_NAME = re.compile(r"(?:([\w$]{1,64})\.)?([\w$]{1,64})")
_NO_PROCEDURE = 1305


async def call_on_server(session: AsyncSession, name: str, given: Sequence[Any]) -> Answer:
    """Call a procedure of the server on the session's connection, in its transaction.

    Never run again here: what it committed itself, nobody knows.

    Args:
        session: on the database that has the procedure.
        name: `procedure` or `schema.procedure`.
        given: its parameters in order; all are IN.

    Returns:
        The rows of all result sets, one after the other, with the values of the driver; and how many rows
        its last statement wrote.

    Raises:
        InvalidValueError: the name is none, or a value is of a type that no column takes.
        UnknownProcedureError: there is no such procedure, or the database is SQLite.
        CommitOutcomeUnknownError: the connection was lost meanwhile.
        DatabaseError: the procedure failed; the driver's error is the cause.
    """
    quoted = _quoted(name)
    if name.rpartition(".")[2].casefold().startswith("fn_"):
        raise UnknownProcedureError(name, "a stored function isn't called; use SELECT in a query")
    values = tuple(map(bind_for_server, given))
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        raise UnknownProcedureError(
            name,
            "SQLite has no stored procedures; only those of shardwise.legacy.registered_procedures() answer"
            " there, the others need MariaDB or MySQL",
        )
    places = ", ".join(["%s"] * len(values))
    try:
        return await _call(connection, f"CALL {quoted}({places})", values)
    except DBAPIError as error:
        if has_undone_transaction(error):
            mark_undone(session.sync_session, error)
        if _number(error) == _NO_PROCEDURE:
            raise UnknownProcedureError(name, "neither shardwise nor this database has it") from error
        ours = wrap(error)
        if is_lost(ours):
            raise CommitOutcomeUnknownError from error
        raise ours from error


async def _call(connection: AsyncConnection, text: str, values: tuple[Any, ...]) -> Answer:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  # it was just got
    rows: Rows = []
    try:
        async with driver.cursor(asyncmy.cursors.DictCursor) as cursor:
            await cursor.execute(text, values)
            rows += await cursor.fetchall()
            while await cursor.nextset():
                rows += await cursor.fetchall()
            affected: int = cursor.rowcount
    except asyncmy.errors.Error as error:
        raise await _in_coat(connection, text, error) from error
    except BaseException:
        await connection.invalidate()  # answers may be unread
        raise
    return Answer(rows=rows, affected=affected)


async def _in_coat(connection: AsyncConnection, text: str, error: Exception) -> DBAPIError:
    """Return a driver's error in SQLAlchemy's coat, as its own statements would."""
    dialect = connection.dialect
    kind: Any = dialect.loaded_dbapi.Error
    lost = dialect.is_disconnect(error, None, None)  # type: ignore[arg-type]  # asyncmy's own class
    if lost:
        await connection.invalidate(error)
    coat = DBAPIError.instance(
        text, None, error, kind, hide_parameters=True, connection_invalidated=lost, dialect=dialect
    )
    assert isinstance(coat, DBAPIError)  # noqa: S101  # it is for errors of the driver
    return coat


def _number(error: DBAPIError) -> int:
    arguments: tuple[Any, ...] = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def _quoted(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidValueError("procedure_name", "it is not a name, nor two with a point between")
    return ".".join(f"`{part}`" for part in found.groups() if part)
