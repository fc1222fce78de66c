"""What a server answers: one set of rows, or several."""

from dataclasses import dataclass
from typing import Any

import asyncmy.cursors
import asyncmy.errors
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from shardwise.legacy.procedure import Rows
from shardwise.topology.driver_errors import has_undone_transaction
from shardwise.transactions.undone import mark_undone


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a statement gave.

    Attributes:
        rows: its rows as dicts; none for a statement that returns none. Where two columns have the same
            name the first one keeps it, and a later one is `table.name` on a server (as the old driver
            did) and `name_2`, `name_3` on SQLite.
        affected: how many rows it wrote, counting those that it found and left as they were.
        inserted_id: the id that the database made for the row of an INSERT (on a server the first of
            several rows, on SQLite the last); 0 if it made none.
    """

    rows: Rows
    affected: int = 0
    inserted_id: int = 0


async def every_answer(session: AsyncSession, text: str, values: tuple[Any, ...]) -> list[Answer]:
    """Run a text on a server and read all that it answers, so that no failure of a later part is missed.

    SQLAlchemy reads the first set only, and drops the errors of the others.

    Args:
        session: on a database of a server.
        text: a CALL, or several statements, with `%s` for values.
        values: for those, in order.

    Raises:
        DBAPIError: a part failed; those before it may be done.
    """
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  # it was just got
    answers: list[Answer] = []
    try:
        async with driver.cursor(asyncmy.cursors.DictCursor) as cursor:
            await cursor.execute(text, values or None)
            answers.append(await _answer(cursor))
            while await cursor.nextset():
                answers.append(await _answer(cursor))
    except asyncmy.errors.Error as error:
        coat = await _in_coat(connection, text, error)
        if has_undone_transaction(coat):
            mark_undone(session.sync_session, coat)
        raise coat from error
    except BaseException:
        await connection.invalidate()  # answers may be unread
        raise
    return answers


async def _answer(cursor: Any) -> Answer:
    rows = list(await cursor.fetchall())
    return Answer(rows=rows, affected=max(cursor.rowcount, 0), inserted_id=cursor.lastrowid or 0)


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
