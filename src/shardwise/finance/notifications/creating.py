"""Storing a notification, once for each id."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import DuplicateEntityError
from shardwise.finance.notifications.repository import NotificationRepository
from shardwise.finance.notifications.statistics import day_of
from shardwise.finance.notifications.stats_repository import StatsRepository
from shardwise.finance.notifications.values import Created, InAppNotification, NewNotification
from shardwise.kit.ids import new_id, new_text_id


async def create(session: AsyncSession, new: NewNotification, now: datetime) -> Created:
    """Store a notification and count it, in the caller's transaction.

    It is stored first and looked for only if its id is taken: two statements, and no race.

    Raises:
        DuplicateEntityError: the id is taken by what this account can't see: one that it has deleted, or
            another account's. The error doesn't say which.
    """
    repository = NotificationRepository(session)
    notification = InAppNotification(
        account_db_key=new.account_db_key,
        idx=new_id(),
        notification_id=new_text_id() if new.notification_id is None else new.notification_id,
        type_id=new.type_id,
        title=new.title,
        message=new.message,
        data=new.data,
        priority=new.priority,
        is_read=False,
        read_at=None,
        expires_at=new.expires_at,
        created_at=now,
        updated_at=now,
    )
    try:
        await repository.add(notification)
    except DuplicateEntityError:
        found = await repository.find_own(new.account_db_key, notification.notification_id, for_update=False)
        if found is None or found.is_deleted:
            raise
        return Created(notification=found.notification, repeated=True)
    key = new.account_db_key, day_of(now)
    await StatsRepository(session).count_new(key, new.priority, now)
    return Created(notification=notification, repeated=False)
