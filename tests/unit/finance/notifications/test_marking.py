from datetime import date
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.finance.notifications.service import NotificationService
from shardwise.testing.counting import count_statements

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)


async def test_reading_is_noted_once(
    notifications: NotificationService, account: int, create: Any, counts: Any, clock: Any
) -> None:
    await create(notification_id="n-1")
    clock.move(hours=1)
    assert await notifications.mark_read(account, "n-1") is True
    (read,) = (await notifications.all(account)).items
    assert (read.is_read, read.read_at, read.updated_at) == (True, clock.now, clock.now)
    clock.move(hours=1)
    assert await notifications.mark_read(account, "n-1") is False
    assert (await notifications.all(account)).items == [read]
    assert await counts() == {TUESDAY: (1, 1, 0, 0)}


async def test_what_is_not_there_can_not_be_read(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any, counts: Any
) -> None:
    await db.place_account(account + 2)
    await create(account_db_key=account + 2, notification_id="theirs")
    await create(notification_id="deleted")
    await notifications.delete(account, "deleted")
    for missing in ("none", "theirs", "deleted"):
        with pytest.raises(EntityNotFoundError, match=missing):
            await notifications.mark_read(account, missing)
        with pytest.raises(EntityNotFoundError, match=missing):
            await notifications.delete(account, missing)
    with pytest.raises(InvalidValueError, match=r"^notification_id"):
        await notifications.mark_read(account, "")
    assert await counts(account + 2) == {TUESDAY: (1, 0, 1, 0)}


async def test_what_is_expired_can_be_read(
    notifications: NotificationService, account: int, create: Any, clock: Any
) -> None:
    await create(notification_id="n-1", expires_at=clock.now)
    assert await notifications.mark_read(account, "n-1")


async def test_the_day_of_creation_is_counted_across_midnight(
    notifications: NotificationService, account: int, create: Any, counts: Any, clock: Any
) -> None:
    for name in ("read", "deleted", "left"):
        await create(notification_id=name)
    clock.move(hours=12)  # it is Wednesday, 0:00
    await create(notification_id="today")
    await notifications.mark_read(account, "read")
    await notifications.delete(account, "deleted")
    assert await counts() == {TUESDAY: (2, 1, 1, 0), WEDNESDAY: (1, 0, 1, 0)}
    await notifications.delete(account, "read")
    assert await counts() == {TUESDAY: (1, 0, 1, 0), WEDNESDAY: (1, 0, 1, 0)}


async def test_marking_all_counts_each_day(
    notifications: NotificationService, account: int, create: Any, counts: Any, clock: Any
) -> None:
    clock.move(days=-1)
    for number in range(6):
        for _ in range(number // 2 + 1):
            await create(type_id="other" if number % 2 else "alert")
        clock.move(hours=12)
    await create(expires_at=clock.now)
    assert await notifications.mark_all_read(account, type_id="other") == 6
    assert await counts() == {
        MONDAY: (1, 0, 1, 0),
        TUESDAY: (3, 1, 2, 0),
        WEDNESDAY: (5, 2, 3, 0),
        date(2026, 3, 12): (4, 3, 1, 0),
    }
    assert await notifications.mark_all_read(account) == 6
    assert await counts() == {
        MONDAY: (1, 1, 0, 0),
        TUESDAY: (3, 3, 0, 0),
        WEDNESDAY: (5, 5, 0, 0),
        date(2026, 3, 12): (4, 3, 1, 0),  # what is expired stays unread
    }
    assert await notifications.mark_all_read(account) == 0


async def test_marking_takes_few_statements(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any, clock: Any
) -> None:
    for number in range(8):
        await create(notification_id=f"n-{number}")
        clock.move(days=1)
    expected = ["SELECT", "UPDATE", "UPDATE"]
    for work in (notifications.mark_read, notifications.delete):
        with count_statements(db) as sent:
            await work(account, "n-1")
        assert [statement.split()[0] for statement in sent] == expected
    with count_statements(db) as sent:
        assert await notifications.mark_all_read(account) == 7
    assert [statement.split()[0] for statement in sent] == ["SELECT", *expected]
    with count_statements(db) as sent:
        assert await notifications.mark_all_read(account) == 0
    assert len(sent) == 1


async def test_thousands_can_be_marked(notifications: NotificationService, account: int, db: Any) -> None:
    from shardwise.finance.notifications.models import Notification
    from shardwise.repository import BaseRepository

    async with db.session(account) as session:
        await BaseRepository(session, Notification).create_many(
            [{"account_db_key": account, "type_id": "t", "title": "t", "message": "m"} for _ in range(2500)]
        )
    with count_statements(db) as sent:
        assert await notifications.mark_all_read(account) == 2500
    assert len(sent) == 1 + 3 + 3 + 1
    assert (await notifications.unread(account)).items == []
