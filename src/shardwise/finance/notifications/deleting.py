"""Deleting notifications, by their owner and by reading: rows are marked, and stay in the table."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.notifications.models import Notification
from shardwise.finance.notifications.repository import (
    Key,
    NotificationRepository,
    is_read,
    not_expired,
    own,
)
from shardwise.finance.notifications.statistics import CONSUMED, adjust, deleted
from shardwise.finance.notifications.values import InAppNotification

_NEWEST_READ_FIRST = (
    Notification.read_at.desc(),
    Notification.created_at.desc(),
    Notification.idx.desc(),
)


async def delete(session: AsyncSession, account_db_key: int, notification_id: str, now: datetime) -> bool:
    """Delete a notification and count it; return whether it was there."""
    repository = NotificationRepository(session)
    found = await repository.find_own(account_db_key, notification_id, for_update=True)
    if found is None or found.is_deleted:
        return False
    await _delete(session, [found.notification], now)
    await adjust(session, [(found.notification, deleted(found.notification))], now)
    return True


async def delete_all(session: AsyncSession, keys: Sequence[Key], now: datetime) -> int:
    """Delete those of some notifications, of any accounts, that aren't yet, and count them."""
    found = await NotificationRepository(session).lock(keys)
    if found:
        await _delete(session, found, now)
        await adjust(session, [(each, deleted(each)) for each in found], now)
    return len(found)


async def find_read(
    session: AsyncSession,
    account_db_key: int,
    *,
    type_id: str | None,
    skip: int,
    limit: int | None,
    now: datetime,
) -> list[Key]:
    """Return the keys of what is read and not expired, the newest read first; nothing is locked."""
    if limit == 0:
        return []
    conditions = [*own(account_db_key, type_id=type_id), is_read(True), not_expired(now)]
    return await NotificationRepository(session).find_keys(
        conditions, order=_NEWEST_READ_FIRST, skip=skip, limit=limit
    )


async def consume(session: AsyncSession, keys: Sequence[Key], now: datetime) -> list[InAppNotification]:
    """Delete those of some read notifications that nobody else has deleted meanwhile, and return those.

    They are returned in the order of the keys, as they were before. Each is returned to one caller alone.
    """
    taken = await NotificationRepository(session).lock(keys)
    if taken:
        await _delete(session, taken, now)
        await adjust(session, [(each, CONSUMED) for each in taken], now)
    return taken


async def _delete(session: AsyncSession, found: Sequence[InAppNotification], now: datetime) -> None:
    keys = [(each.account_db_key, each.idx) for each in found]
    await NotificationRepository(session).change(keys, is_deleted=True, updated_at=now)
