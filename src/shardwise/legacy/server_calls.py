"""Calls stored procedures that live on the server: an application's own."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import (
    CommitOutcomeUnknownError,
    InvalidValueError,
    UnknownProcedureError,
)
from shardwise.legacy.answers import Answer, every_answer
from shardwise.legacy.binding import bind_for_server
from shardwise.legacy.raw import is_lost
from shardwise.topology.driver_errors import wrap

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
        answers = await every_answer(session, f"CALL {quoted}({places})", values)
    except DBAPIError as error:
        if _number(error) == _NO_PROCEDURE:
            raise UnknownProcedureError(name, "neither shardwise nor this database has it") from error
        ours = wrap(error)
        if is_lost(ours):
            raise CommitOutcomeUnknownError from error
        raise ours from error
    rows = [row for answer in answers for row in answer.rows]
    return Answer(rows=rows, affected=answers[-1].affected)


def _number(error: DBAPIError) -> int:
    arguments: tuple[Any, ...] = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def _quoted(name: str) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        raise InvalidValueError("procedure_name", "it is not a name, nor two with a point between")
    return ".".join(f"`{part}`" for part in found.groups() if part)
