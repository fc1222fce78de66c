import asyncio
from datetime import date
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.notifications.service import NotificationService
from shardwise.testing.counting import count_statements

TUESDAY, WEDNESDAY = date(2026, 3, 10), date(2026, 3, 11)


@pytest.fixture
async def seven_read(notifications: NotificationService, account: int, create: Any, clock: Any) -> None:
    """Seven notifications, n-0 to n-6, read in this order: three on Tuesday, four on Wednesday."""
    for number in range(7):
        await create(notification_id=f"n-{number}", type_id="odd" if number % 2 else "even")
        clock.move(hours=5)
    for number in range(7):
        await notifications.mark_read(account, f"n-{number}")
        clock.move(seconds=1)


def names(items: Any) -> list[str]:
    return [item.notification_id for item in items]


@pytest.mark.usefixtures("seven_read")
async def test_reading_consumes_the_newest_read_first(
    notifications: NotificationService, account: int, create: Any, counts: Any
) -> None:
    await create(notification_id="unread")
    before = await notifications.all(account)
    taken = await notifications.read_and_delete(account, limit=2)
    assert names(taken) == ["n-6", "n-5"]
    assert all(item.is_read and item in before.items for item in taken)  # as they were
    assert names(await notifications.read_and_delete(account, limit=2, skip=1)) == ["n-3", "n-2"]
    assert names(await notifications.read_and_delete(account, type_id="even")) == ["n-4", "n-0"]
    assert names(await notifications.read_and_delete(account)) == ["n-1"]
    assert await notifications.read_and_delete(account) == []
    assert names((await notifications.all(account)).items) == ["unread"]
    assert await counts() == {TUESDAY: (0, 0, 0, 3), WEDNESDAY: (1, 0, 1, 4)}


@pytest.mark.usefixtures("seven_read")
async def test_consuming_takes_four_statements_over_several_days(
    db: ShardedDatabase, notifications: NotificationService, account: int
) -> None:
    with count_statements(db) as sent:
        assert len(await notifications.read_and_delete(account)) == 7
    assert [statement.split()[0] for statement in sent] == ["SELECT", "SELECT", "UPDATE", "UPDATE"]
    with count_statements(db) as sent:
        assert await notifications.read_and_delete(account) == []
    assert len(sent) == 1


async def test_what_is_expired_is_not_consumed(
    notifications: NotificationService, account: int, create: Any, clock: Any
) -> None:
    await create(notification_id="n-1", expires_at=clock.now.replace(hour=13))
    await notifications.mark_read(account, "n-1")
    clock.move(hours=1)
    assert await notifications.read_and_delete(account) == []


@pytest.mark.usefixtures("seven_read")
async def test_callers_at_once_never_get_the_same_one(
    notifications: NotificationService, account: int, counts: Any
) -> None:
    parts = await asyncio.gather(*(notifications.read_and_delete(account, limit=2) for _ in range(8)))
    taken = [item.notification_id for part in parts for item in part]
    assert sorted(taken) == [f"n-{number}" for number in range(7)]
    assert await counts() == {TUESDAY: (0, 0, 0, 3), WEDNESDAY: (0, 0, 0, 4)}


@pytest.mark.parametrize("arguments", [{"limit": 0}, {"limit": 1001}, {"skip": -1}, {"type_id": ""}])
@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_parts_that_are_none_are_refused(
    notifications: NotificationService, account: int, arguments: Any
) -> None:
    with pytest.raises(InvalidValueError):
        await notifications.read_and_delete(account, **arguments)


async def test_deleting_hides(
    notifications: NotificationService, account: int, create: Any, counts: Any
) -> None:
    for name in ("read", "unread", "kept"):
        await create(notification_id=name)
    await notifications.mark_read(account, "read")
    await notifications.delete(account, "read")
    await notifications.delete(account, "unread")
    assert names((await notifications.all(account)).items) == ["kept"]
    assert await counts() == {TUESDAY: (1, 0, 1, 0)}
