from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from shardwise.database import ShardedDatabase
from shardwise.finance.notifications.service import NotificationService
from shardwise.finance.notifications.values import InAppNotification, NewNotification

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def notifications(db: ShardedDatabase, clock: Clock) -> NotificationService:
    return NotificationService(db, clock=clock)


Create = Callable[..., Awaitable[InAppNotification]]


@pytest.fixture
def create(notifications: NotificationService, account: int) -> Create:
    """Creates a notification of the account with what a test cares about."""

    async def make(**fields: object) -> InAppNotification:
        given = {"account_db_key": account, "type_id": "alert", "title": "T", "message": "M"}
        return (await notifications.create(NewNotification(**given | fields))).notification  # type: ignore[arg-type]

    return make


Counts = Callable[..., Awaitable[dict[date, tuple[int, int, int, int]]]]


@pytest.fixture
def counts(notifications: NotificationService, account: int) -> Counts:
    """Reads total, read, unread and consumed by day."""

    async def read(key: int = account) -> dict[date, tuple[int, int, int, int]]:
        found = await notifications.statistics(key, days=3000)
        return {
            day.date: (day.total_count, day.read_count, day.unread_count, day.auto_deleted_count)
            for day in found.days
        }

    return read
