"""A database with the tables of the test module's own models, on each engine."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.topology.manager import DatabaseManager


@pytest.fixture
async def manager(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[DatabaseManager]:
    manager = DatabaseManager(database_url, pool_size=4, connect_timeout=5)
    async with manager.engine.begin() as connection:
        await connection.run_sync(request.module.Base.metadata.create_all)
    yield manager
    await manager.close()


@pytest.fixture
async def session(manager: DatabaseManager) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(manager.engine, expire_on_commit=False) as session:
        yield session


class Statements:
    """The statements that a database was sent."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def clear(self) -> None:
        self.texts.clear()

    def starting_with(self, word: str) -> list[str]:
        return [text for text in self.texts if text.startswith(word)]


@pytest.fixture
def statements(manager: DatabaseManager) -> Statements:
    seen = Statements()

    @event.listens_for(manager.engine.sync_engine, "before_cursor_execute")
    def remember(*arguments: Any) -> None:
        seen.texts.append(arguments[2])

    return seen
