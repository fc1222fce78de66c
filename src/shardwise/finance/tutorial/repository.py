"""All SQL for the tutorials."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, case
from sqlalchemy.dialects import mysql, sqlite

from shardwise.finance.tutorial.models import TutorialProgress
from shardwise.finance.tutorial.values import CompletedStep, Progress
from shardwise.repository import BaseRepository


class ProgressRepository(BaseRepository[TutorialProgress]):
    """Progress, in a session of its shard that the caller ends."""

    async def reach(self, done: CompletedStep) -> None:
        """Note a step, in one statement; a lower one than is stored changes the time alone."""
        row = {
            "account_db_key": done.account_db_key,
            "tutorial_type": done.tutorial_type,
            "completed_step": done.step,
        }
        with self.translated():
            await self.session.execute(_reaching(self.session.get_bind().dialect.name), row)

    async def all_of(self, account_db_key: int) -> Sequence[Progress]:
        """Return an account's progress in the tutorials that it has begun, by their names."""
        rows = await self.list({"account_db_key": account_db_key}, order_by="tutorial_type")
        return [Progress.of(row) for row in rows]


@cache
def _reaching(dialect: str) -> Insert:
    table: Any = TutorialProgress.__table__
    lite, insert = sqlite.insert(table), mysql.insert(table)
    stored, new = table.c.completed_step, lite.excluded if dialect == "sqlite" else insert.inserted
    further = case((stored > new.completed_step, stored), else_=new.completed_step)
    changes = {"completed_step": further, "updated_at": new.updated_at}
    if dialect == "sqlite":
        return lite.on_conflict_do_update(index_elements=["account_db_key", "tutorial_type"], set_=changes)
    return insert.on_duplicate_key_update(changes)
