"""Connections that were not given back are seen, and those that were are not."""

import pytest
from sqlalchemy import text

from shardwise.testing.connections import CheckedOutConnections
from shardwise.topology.engines import create_engine


async def test_a_forgotten_connection_is_named(database_url: str, engine_kind: str) -> None:
    engine = create_engine(database_url)
    with CheckedOutConnections() as connections:
        connection = await engine.connect()
        assert connections.count == 1
        with pytest.raises(AssertionError, match=f"1 connection.*{engine_kind}"):
            connections.assert_none()
        await connection.close()
        connections.assert_none()
    assert connections.kinds == {engine_kind}
    await engine.dispose()


async def test_only_the_named_pools_are_watched(database_url: str) -> None:
    watched, other = create_engine(database_url), create_engine(database_url)
    with CheckedOutConnections(watched.sync_engine.pool) as connections:
        async with other.connect() as connection:
            await connection.execute(text("SELECT 1"))
            assert connections.count == 0
        async with watched.connect():
            assert connections.count == 1
    connections.assert_none()
    await watched.dispose()
    await other.dispose()


async def test_an_invalidated_connection_counts_as_given_back(database_url: str) -> None:
    engine = create_engine(database_url)
    with CheckedOutConnections() as connections:
        async with engine.connect() as connection:
            await connection.invalidate()
        connections.assert_none()
    await engine.dispose()
