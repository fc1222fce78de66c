"""The id of the last row that each task has inserted.

A server knows it by connection, and the next statement may get another connection of the pool.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType

from shardwise.database import ShardedDatabase

_last_ids: ContextVar[Mapping[ShardedDatabase, int]] = ContextVar(
    "shardwise_last_ids", default=MappingProxyType({})
)


def remember_id(db: ShardedDatabase, inserted_id: int) -> None:
    """Note the id of the row that this task has just inserted."""
    _last_ids.set(MappingProxyType({**_last_ids.get(), db: inserted_id}))


def last_id(db: ShardedDatabase) -> int:
    """Return the id of the row that this task inserted last, 0 if there is none."""
    return _last_ids.get().get(db, 0)
