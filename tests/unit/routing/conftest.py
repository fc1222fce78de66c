from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event, insert

from shardwise.schema.control import PlacementState, ShardMapping
from shardwise.topology.manager import DatabaseManager

CONTROL = [ShardMapping.metadata.tables[name] for name in ("table_user_shard_mapping", "table_shard_stats")]


@pytest.fixture
async def global_database(database_url: str) -> AsyncIterator[DatabaseManager]:
    """A global database, on either kind of engine, with the directory's tables."""
    manager = DatabaseManager(database_url, name="global database", pool_size=20)
    async with manager.engine.begin() as connection:
        await connection.run_sync(lambda sync: ShardMapping.metadata.create_all(sync, CONTROL))
    yield manager
    await manager.close()


class Mappings:
    """Writes rows of the directory, and counts the queries that read them."""

    def __init__(self, manager: DatabaseManager) -> None:
        self.queries = 0
        self._manager = manager
        event.listen(manager.engine.sync_engine, "before_cursor_execute", self._count)

    def _count(self, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        self.queries += statement.startswith("SELECT") and "table_user_shard_mapping" in statement

    async def add(self, *keys: int, shard_id: int = 1, epoch: int = 1, state: str = "active") -> None:
        values = {"shard_id": shard_id, "epoch": epoch, "state": PlacementState(state)}
        async with self._manager.session() as session:
            await session.execute(insert(ShardMapping), [{"account_db_key": key, **values} for key in keys])


@pytest.fixture
def mappings(global_database: DatabaseManager) -> Mappings:
    return Mappings(global_database)
