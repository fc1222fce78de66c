"""Keeping a connection from committing the rest of a transaction that the server has already undone.

InnoDB answers a deadlock by rolling back the whole transaction and silently begins a new one with the next
statement. Whoever swallows the driver's error and goes on would commit half of the unit of work.
"""

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

from shardwise.errors import TransientDatabaseError
from shardwise.topology.driver_errors import has_undone_transaction

_MARK = "shardwise_undone_by"
UNDONE = (
    "the database has undone this transaction after a deadlock; leave the session's block with the error and"
    " run the unit of work again"
)


def refuse_half_commits(engine: Engine) -> None:
    """Make COMMIT fail on the engine's connections after a deadlock, until they are rolled back."""
    event.listen(engine, "handle_error", _remember)
    event.listen(engine, "begin", _forget)
    event.listen(engine, "commit", _refuse)


def _remember(context: ExceptionContext) -> None:
    error = context.sqlalchemy_exception
    if context.connection is not None and not context.is_disconnect and has_undone_transaction(error):
        context.connection.info[_MARK] = error


def _forget(connection: Connection) -> None:
    connection.info.pop(_MARK, None)


def _refuse(connection: Connection) -> None:
    error: BaseException | None = connection.info.get(_MARK)
    if error is not None:
        connection.invalidate()  # SQLAlchemy takes a COMMIT for over, and would roll nothing back
        raise TransientDatabaseError(UNDONE) from error
