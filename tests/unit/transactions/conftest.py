"""A database with the tables of the test module's own models, on each engine."""

from collections.abc import AsyncIterator

import pytest

from shardwise.topology.manager import DatabaseManager


@pytest.fixture
async def manager(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(database_url, pool_size=6, connect_timeout=5)
    async with manager.engine.begin() as connection:
        await connection.run_sync(request.module.Base.metadata.create_all)
    yield manager
    await manager.close()
