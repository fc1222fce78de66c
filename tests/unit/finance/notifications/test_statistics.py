from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.notifications.models import NotificationStats
from shardwise.finance.notifications.service import NotificationService
from shardwise.testing.counting import count_statements

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 11)


async def test_days_come_newest_first_with_what_is_unread_now(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any, clock: Any
) -> None:
    for _ in range(4):
        await create(priority=1, expires_at=clock.now + timedelta(days=2))
        clock.move(days=1)
    with count_statements(db) as sent:
        found = await notifications.statistics(account, days=3)
    assert len(sent) == 2
    assert [day.date for day in found.days] == [date(2026, 3, 13), date(2026, 3, 12), WEDNESDAY]
    assert found.unread_now == 1
    first = found.days[-1]
    assert (first.total_count, first.read_count, first.unread_count, first.priority_1_count) == (1, 0, 1, 1)
    assert first.created_at == first.updated_at == datetime(2026, 3, 11, 12, tzinfo=UTC)
    assert [day.date for day in (await notifications.statistics(account, days=1)).days] == [date(2026, 3, 13)]
    assert (await notifications.statistics(account, days=0)).days == ()
    for days in (-1, 3661, True, "1"):
        with pytest.raises(InvalidValueError, match=r"^days"):
            await notifications.statistics(account, days=days)  # type: ignore[arg-type]


async def spoil(db: ShardedDatabase, account: int, **values: int) -> None:
    async with db.session(account) as session:
        await session.execute(
            update(NotificationStats).where(NotificationStats.account_db_key == account).values(values)
        )


async def forget(db: ShardedDatabase, account: int) -> None:
    async with db.session(account) as session:
        await session.execute(delete(NotificationStats).where(NotificationStats.account_db_key == account))


async def every_change(notifications: NotificationService, account: int) -> None:
    await notifications.mark_read(account, "n-0")
    await notifications.delete(account, "n-0")
    await notifications.delete(account, "n-1")
    assert await notifications.mark_all_read(account) == 4
    assert len(await notifications.read_and_delete(account)) == 4


@pytest.fixture
async def six(create: Any, clock: Any) -> None:
    """Six notifications, n-0 to n-5, on three days."""
    for number in range(6):
        clock.move(days=number % 2)
        await create(notification_id=f"n-{number}")


@pytest.mark.usefixtures("six")
async def test_counts_that_are_too_low_stop_at_zero(
    db: ShardedDatabase, notifications: NotificationService, account: int, counts: Any
) -> None:
    await spoil(db, account, total_count=1, unread_count=0, read_count=0)
    await every_change(notifications, account)
    for total, read, unread, _ in (await counts()).values():
        assert (total, unread) == (0, 0)
        assert read in (0, 1)


@pytest.mark.usefixtures("six")
async def test_days_without_counts_get_none(
    db: ShardedDatabase, notifications: NotificationService, account: int, counts: Any
) -> None:
    await forget(db, account)
    await every_change(notifications, account)
    assert await counts() == {}


@pytest.mark.usefixtures("six")
async def test_a_recount_says_what_the_notifications_say(
    db: ShardedDatabase, notifications: NotificationService, account: int, clock: Any
) -> None:
    await notifications.mark_read(account, "n-3")
    await notifications.mark_read(account, "n-5")
    await notifications.delete(account, "n-4")
    await notifications.read_and_delete(account, limit=1)
    right = (await notifications.statistics(account, days=9)).days
    clock.move(hours=1)
    assert await notifications.recount(account) == 4
    again = (await notifications.statistics(account, days=9)).days
    assert [without_moments(day) for day in again] == [without_moments(day) for day in right]
    assert {day.updated_at for day in again} == {clock.now}

    wrong = {"total_count": 9, "read_count": 9, "unread_count": 9, "priority_3_count": 0}
    await spoil(db, account, **wrong)
    with count_statements(db) as sent:
        assert await notifications.recount(account) == 4
    assert len(sent) == 3
    mended = (await notifications.statistics(account, days=9)).days
    assert [without_moments(day) for day in mended] == [without_moments(day) for day in right]

    await spoil(db, account, **wrong)
    assert await notifications.recount(account, day=WEDNESDAY) == 1
    by_day = {day.date: day.total_count for day in (await notifications.statistics(account, days=9)).days}
    assert (by_day[WEDNESDAY], by_day[TUESDAY]) == (2, 9)


@pytest.mark.usefixtures("six")
async def test_a_recount_makes_missing_days_and_empties_those_of_nothing(
    db: ShardedDatabase, notifications: NotificationService, account: int, counts: Any
) -> None:
    right = await counts()
    await forget(db, account)
    old = {"total_count": 3, "unread_count": 3, "auto_deleted_count": 7}
    async with db.session(account) as session:
        session.add(NotificationStats(account_db_key=account, date=MONDAY, **old))
    assert await notifications.recount(account) == 5
    assert await counts() == right | {MONDAY: (0, 0, 0, 7)}


async def test_a_recount_of_nothing_is_none(notifications: NotificationService, account: int) -> None:
    assert await notifications.recount(account) == 0


async def test_a_recount_goes_by_utc_days(
    notifications: NotificationService, account: int, create: Any, counts: Any, clock: Any
) -> None:
    for second in (11 * 3600 + 3599.999999, 0.000001):  # the last microsecond of Tuesday, the next one
        clock.move(seconds=second)
        await create()
    right = await counts()
    assert set(right) == {TUESDAY, WEDNESDAY}
    await notifications.recount(account)
    assert await counts() == right


def without_moments(day: Any) -> dict[str, Any]:
    return {
        name: getattr(day, name)
        for name in day.__dataclass_fields__
        if name not in ("created_at", "updated_at")
    }


async def test_days_that_are_none_are_not_recounted(
    notifications: NotificationService, account: int, clock: Any
) -> None:
    assert await notifications.recount(account, day=date.max) == 0
    wrong: Any
    for wrong in (clock.now, "2026-03-10", 1):
        with pytest.raises(InvalidValueError, match=r"^day: "):
            await notifications.recount(account, day=wrong)
