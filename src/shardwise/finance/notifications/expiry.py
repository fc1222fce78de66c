"""Deleting what has expired, on a whole shard, a batch at a time."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.notifications.deleting import delete_all
from shardwise.finance.notifications.repository import Expired, NotificationRepository

BATCH = 500


async def find_batch(
    session: AsyncSession, now: datetime, *, after: Expired | None, limit: int
) -> list[Expired]:
    """Return the next notifications of any account that have expired and aren't deleted; nothing is locked.

    Args:
        session: on the shard.
        now: the moment that decides what is expired.
        after: the last one of the batch before.
        limit: how many at most, 1 or more.
    """
    return await NotificationRepository(session).find_expired(now, after=after, limit=limit)


async def delete_batch(session: AsyncSession, batch: list[Expired], now: datetime) -> int:
    """Delete the notifications of a batch and count them; return how many weren't deleted yet."""
    return await delete_all(session, [(each.account_db_key, each.idx) for each in batch], now)


async def clean_up(session: AsyncSession, now: datetime) -> int:
    """Delete all that has expired in the caller's transaction, which locks it until it ends."""
    deleted, after = 0, None
    while batch := await find_batch(session, now, after=after, limit=BATCH):
        deleted += await delete_batch(session, batch, now)
        after = batch[-1]
    return deleted
