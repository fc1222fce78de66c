"""One upgrader a database: a lock that the server holds for the connection, gone with it in any case."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from shardwise.errors import MigrationLockedError

_LONGEST_NAME = 64  # MySQL's limit


def lock_name(database: str, purpose: str = "migration") -> str:
    """Return the name of the lock; names are shared by all databases of a server."""
    name = f"shardwise.{purpose}.{database}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"shardwise.{purpose}.{hashlib.sha256(database.encode()).hexdigest()[:40]}"


@contextmanager
def advisory_lock(connection: Connection, target: str, *, timeout: float) -> Iterator[None]:
    """Hold a MySQL or MariaDB database for one upgrader as long as the block runs.

    SQLite needs none: the migration's transaction is the only writer.

    Args:
        connection: a connection to the database, outside a transaction.
        target: what to call the database in the error.
        timeout: seconds to wait, in whole seconds on the server.

    Raises:
        MigrationLockedError: another upgrader has it.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    name = {"name": lock_name(connection.engine.url.database or "")}
    got = connection.execute(text("SELECT GET_LOCK(:name, :timeout)"), {**name, "timeout": round(timeout)})
    locked = got.scalar_one() == 1
    connection.rollback()  # the lock is the session's, not the transaction's
    if not locked:
        raise MigrationLockedError(
            f"{target} is being migrated by another process; waited {timeout:g} s for it"
        )
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.execute(text("DO RELEASE_LOCK(:name)"), name)
            connection.rollback()
