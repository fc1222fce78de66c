from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.legacy.service import DatabaseService
from shardwise.schema.control import ErrorLog, GlobalErrorLog


@pytest.fixture
async def service(db: ShardedDatabase) -> AsyncIterator[DatabaseService]:
    """The old service on an open database with the shards 1 and 2."""
    service = DatabaseService(db)
    await service.init_service()
    yield service
    await service.close_service()


class Log:
    """Reads `table_errorlog`."""

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def rows(self, shard_id: int | None = None) -> list[dict[str, Any]]:
        model = GlobalErrorLog if shard_id is None else ErrorLog
        names = ("procedure_name", "error_state", "error_no", "error_message", "param")
        scope = self._db.global_session() if shard_id is None else self._db.shard_session(shard_id)
        async with scope as session:
            rows = await session.scalars(select(model).order_by(model.idx))
            return [{name: getattr(row, name) for name in names} for row in rows]


@pytest.fixture
def log(db: ShardedDatabase) -> Log:
    return Log(db)
