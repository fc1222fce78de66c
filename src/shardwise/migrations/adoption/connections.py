"""Connections of an adoption: those that look can't change anything, the server itself refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from shardwise.config import PoolSettings
from shardwise.errors import DatabaseError, MigrationError
from shardwise.migrations.targets import Target
from shardwise.topology.driver_errors import wrapping
from shardwise.topology.engines import create_engine

_LONGEST_STATEMENT = 86_400  # seconds that counting or shifting a large table may take
_LOOKING = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ ONLY"


@asynccontextmanager
async def looking(target: Target) -> AsyncIterator[AsyncConnection]:
    """Open a connection whose transactions the server keeps from writing.

    Raises:
        MigrationError: the database can't be reached or refuses a statement.
    """
    async with writing(target) as connection:
        await connection.execute(text(_LOOKING))
        await connection.rollback()  # the transaction that has begun is not read-only yet
        yield connection


@asynccontextmanager
async def writing(target: Target) -> AsyncIterator[AsyncConnection]:
    """Open a connection that commits nothing by itself.

    Raises:
        MigrationError: the database can't be reached or refuses a statement.
    """
    pool = PoolSettings.model_validate({"read_timeout": _LONGEST_STATEMENT})
    engine = create_engine(target.url, pool, poolclass=NullPool)
    try:
        with wrapping():
            async with engine.connect() as connection:
                yield connection
    except DatabaseError as error:
        raise MigrationError(f"{target.name}: {error}") from error
    finally:
        await engine.dispose()
