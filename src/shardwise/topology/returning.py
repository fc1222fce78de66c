"""Giving a connection back to its pool without a ROLLBACK that has nothing to undo.

SQLAlchemy's pool sends one whenever a connection comes back, also right after COMMIT: a round trip for every
session. Here it is left out where the transaction was ended by Connection and the server agrees.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

_MARK = "shardwise_ended"


def roll_back_only_what_is_open(engine: Engine) -> None:
    """Reset connections of a MySQL or MariaDB engine that was made with `pool_reset_on_return=None`."""
    event.listen(engine, "begin", _forget)
    event.listen(engine, "commit", _note)
    event.listen(engine, "rollback", _note)
    event.listen(engine, "handle_error", _doubt)
    event.listen(engine, "reset", _reset)


def _forget(connection: Connection) -> None:
    connection.info.pop(_MARK, None)


def _note(connection: Connection) -> None:
    if not (connection.closed or connection.invalidated):
        connection.info[_MARK] = True


def _doubt(context: ExceptionContext) -> None:
    """Take the note back: SQLAlchemy tells of COMMIT and ROLLBACK before it sends them."""
    if context.connection is not None and not context.is_disconnect:
        _forget(context.connection)


def _reset(connection: DBAPIConnection, record: ConnectionPoolEntry, state: PoolResetState) -> None:
    if state.terminate_only or not state.asyncio_safe:
        return  # it is closed for good: it was taken from its pool, which then has no record, or forgotten
    ended = record.info.pop(_MARK, False)  # `state.transaction_was_reset` is true after a COMMIT that failed
    driver: Any = connection.driver_connection
    # Neither word is enough. Connection knows nothing of what was sent to its driver directly. And the server
    # speaks with each success only: after a statement that failed it may hold locks and not have said so.
    if not ended or driver.get_transaction_status():
        connection.rollback()
