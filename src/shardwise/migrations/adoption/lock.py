"""One adoption of a deployment at a time: a lock on the global database's server, gone with its holder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text

from shardwise.errors import MigrationLockedError
from shardwise.migrations.adoption.connections import writing
from shardwise.migrations.locks import lock_name
from shardwise.migrations.targets import Target

_LONGEST = 604_800  # seconds without a word from us that the server puts up with


@asynccontextmanager
async def adoption_lock(target: Target, *, timeout: float) -> AsyncIterator[None]:
    """Hold the deployment of a global database for one adoption as long as the block runs.

    Args:
        target: the global database.
        timeout: seconds to wait for another adoption.

    Raises:
        MigrationLockedError: another one is running.
        MigrationError: the server can't be asked.
    """
    name = lock_name(target.url.database or "", "adoption")
    async with writing(target) as connection:
        await connection.execute(text(f"SET SESSION wait_timeout = {_LONGEST}"))
        got = await connection.scalar(
            text("SELECT GET_LOCK(:name, :timeout)"), {"name": name, "timeout": round(timeout)}
        )
        await connection.rollback()  # the lock is the session's, not the transaction's
        if got != 1:
            raise MigrationLockedError(
                f"another process is adopting this deployment; waited {timeout:g} s for it"
            )
        yield  # closing the connection gives the lock back, and says nothing if it was lost meanwhile
