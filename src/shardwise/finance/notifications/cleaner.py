"""Deleting what has expired shard by shard, one transaction a batch."""

from datetime import datetime

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardwiseError
from shardwise.finance.notifications import expiry
from shardwise.finance.notifications.repository import Expired
from shardwise.finance.notifications.values import CleanedUp
from shardwise.repository.values import check_limit

_LARGEST_BATCH = 1_000


class Cleaner:
    """One clean-up.

    Args:
        db: an open database.
        now: the moment that decides what is expired.
        batch_size: notifications that are locked at a time, 1 to 1,000.

    Raises:
        InvalidValueError: the size can't be accepted.
    """

    def __init__(self, db: ShardedDatabase, now: datetime, *, batch_size: int) -> None:
        check_limit("batch_size", batch_size, 1, _LARGEST_BATCH)
        self._db = db
        self._now = now
        self._batch_size = batch_size

    async def clean_up(self, shard_id: int) -> CleanedUp:
        """Delete what has expired on a shard; what can't be done is in the result."""
        deleted = 0
        last: Expired | None = None
        find, delete = self._db.with_retry(self._find), self._db.with_retry(self._delete)
        try:
            while batch := await find(shard_id, last):
                deleted += await delete(shard_id, batch)
                last = batch[-1]
        except ShardwiseError as error:
            return CleanedUp(shard_id=shard_id, deleted=deleted, error=error)
        return CleanedUp(shard_id=shard_id, deleted=deleted)

    async def _find(self, shard_id: int, last: Expired | None) -> list[Expired]:
        async with self._db.shard_session(shard_id, read_only=True) as session:
            return await expiry.find_batch(session, self._now, after=last, limit=self._batch_size)

    async def _delete(self, shard_id: int, batch: list[Expired]) -> int:
        async with self._db.shard_session(shard_id) as session:
            return await expiry.delete_batch(session, batch, self._now)
