"""Marking notifications as read."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.notifications.reading import Listing
from shardwise.finance.notifications.repository import Key, NotificationRepository
from shardwise.finance.notifications.statistics import READ, adjust


class Marked(StrEnum):
    """What came of marking one notification."""

    MARKED = "marked"
    ALREADY_READ = "already read"
    NOT_FOUND = "not found"


async def mark_read(
    session: AsyncSession, account_db_key: int, notification_id: str, now: datetime
) -> Marked:
    """Mark a notification as read, an expired one too, and count it."""
    repository = NotificationRepository(session)
    found = await repository.find_own(account_db_key, notification_id, for_update=True)
    if found is None or found.is_deleted:
        return Marked.NOT_FOUND
    notification = found.notification
    if notification.is_read:
        return Marked.ALREADY_READ
    key = account_db_key, notification.idx
    await repository.change([key], is_read=True, read_at=now, updated_at=now)
    await adjust(session, [(notification, READ)], now)
    return Marked.MARKED


async def find_unread(
    session: AsyncSession, account_db_key: int, *, type_id: str | None, now: datetime
) -> list[Key]:
    """Return the keys of what is unread and not expired, for `mark_all_read`; nothing is locked."""
    listing = Listing(account_db_key=account_db_key, now=now, type_id=type_id, unread_only=True)
    return await NotificationRepository(session).find_keys(listing.conditions)


async def mark_all_read(session: AsyncSession, keys: Sequence[Key], now: datetime) -> int:
    """Mark those of some notifications that are still unread and not deleted; return how many.

    Two functions, so that a service can find in one transaction and mark in the next: a server with
    `innodb_snapshot_isolation` refuses to lock what has changed since a transaction's first read.
    """
    repository = NotificationRepository(session)
    unread = [found for found in await repository.lock(keys) if not found.is_read]
    if unread:
        own_keys = [(found.account_db_key, found.idx) for found in unread]
        await repository.change(own_keys, is_read=True, read_at=now, updated_at=now)
        await adjust(session, [(found, READ) for found in unread], now)
    return len(unread)
