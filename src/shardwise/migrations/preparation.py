"""What a connection needs while it migrates, and gets back to what it was afterwards."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from shardwise.errors import MigrationError

WHILE_MIGRATING = ("PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON")
"""What SQLite needs outside the transaction that migrates."""

_METADATA_LOCK_WAIT = 30  # seconds; a waiting ALTER TABLE holds up everybody behind it


def prepared(connection: Connection) -> AbstractContextManager[None]:
    """Prepare a connection for migrating, as long as the block runs.

    Raises:
        MigrationError: it is inside a transaction, which could not hold what a migration does.
    """
    if connection.in_transaction():
        raise MigrationError("give the migration a connection that is not inside a transaction")
    return (
        _without_foreign_keys(connection) if connection.dialect.name == "sqlite" else _impatient(connection)
    )


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """Turn SQLite's foreign keys off: dropping a table that is built anew would delete what refers to it.

    A renamed table is not looked for in views and triggers either: those of a table that is being built anew
    would refuse it.
    """
    enforced = _pragma(connection, "PRAGMA foreign_keys")
    for pragma in WHILE_MIGRATING:
        _pragma(connection, pragma)
    try:
        yield
    finally:
        connection.rollback()
        _pragma(connection, "PRAGMA legacy_alter_table = OFF")
        if enforced:
            _pragma(connection, "PRAGMA foreign_keys = ON")


def _pragma(connection: Connection, statement: str) -> int:
    # SQLAlchemy would begin a transaction first, inside which this pragma does nothing.
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    row = cursor.fetchone()
    cursor.close()
    return int(row[0]) if row else 0


@contextmanager
def _impatient(connection: Connection) -> Iterator[None]:
    """Bound the wait for other sessions, and don't log notes such as "table exists" as warnings."""
    before = connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout, @@SESSION.sql_notes").one()
    _set(connection, _METADATA_LOCK_WAIT, 0)
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.rollback()
            _set(connection, *before)


def _set(connection: Connection, lock_wait: int, notes: int) -> None:
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {lock_wait}, sql_notes = {notes}")
    connection.rollback()
