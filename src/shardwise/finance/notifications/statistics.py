"""Counts by the UTC day on which a notification was created, changed in the transaction that changes it.

Whoever changes notifications locks them first (in the order of their primary key) and the counts after that
(by date), so nobody waits in a circle. A count never falls below zero: those of the old system, which went
by the day of the call, may be too low. A day that has no counts gets none from a change. `recount` mends
both.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.notifications.models import NotificationStats
from shardwise.finance.notifications.repository import NotificationRepository, is_read, not_expired, own
from shardwise.finance.notifications.stats_repository import StatsKey, StatsRepository
from shardwise.finance.notifications.values import DayCounts, InAppNotification, Statistics

_NAMES = tuple(DayCounts.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """By how much one notification changes each count of its day."""

    total: int = 0
    read: int = 0
    unread: int = 0
    auto_deleted: int = 0


READ = Step(read=1, unread=-1)
CONSUMED = Step(total=-1, read=-1, auto_deleted=1)


def deleted(notification: InAppNotification) -> Step:
    """Return what deleting a notification changes."""
    return Step(total=-1, read=-1) if notification.is_read else Step(total=-1, unread=-1)


def day_of(moment: datetime) -> date:
    """Return the UTC day of a moment."""
    return moment.astimezone(UTC).date()


async def adjust(
    session: AsyncSession, steps: Iterable[tuple[InAppNotification, Step]], now: datetime
) -> None:
    """Change the counts of each notification's own day, with one statement for all days."""
    changes: dict[StatsKey, Counter[str]] = {}
    for notification, step in steps:
        change = changes.setdefault((notification.account_db_key, day_of(notification.created_at)), Counter())
        change["total_count"] += step.total
        change["read_count"] += step.read
        change["unread_count"] += step.unread
        change["auto_deleted_count"] += step.auto_deleted
    await StatsRepository(session).adjust(changes, now)


async def statistics_of(
    session: AsyncSession, account_db_key: int, *, days: int | None, now: datetime
) -> Statistics:
    """Return an account's counts of today and of some days before.

    Args:
        session: on the account's shard.
        account_db_key: whose.
        days: how many days before today, so that days + 1 are looked at; None = none at all.
        now: the moment.
    """
    first = None if days is None else _first_day(now, days)
    rows = [] if first is None else await StatsRepository(session).since(account_db_key, first)
    conditions = [*own(account_db_key), is_read(False), not_expired(now)]
    return Statistics(
        days=tuple(map(_day_counts, rows)),
        unread_now=await NotificationRepository(session).count_live(conditions),
    )


async def recount(session: AsyncSession, account_db_key: int, *, day: date | None, now: datetime) -> int:
    """Set an account's counts to what its notifications say; return the number of days.

    What can't be derived is kept: `auto_deleted_count`, as a deleted notification doesn't say who deleted it.

    The counts are locked first, and the notifications are read then: a transaction that has changed a
    notification but not yet its counts isn't seen, and waits to change what is written here. So this must
    be the transaction's first statement on a server whose snapshot is taken by the first read.

    Args:
        session: on the account's shard, with nothing read in it yet.
        account_db_key: whose.
        day: one UTC day; None = every day.
        now: the moment.
    """
    repository = StatsRepository(session)
    counts: dict[date, Mapping[str, int]] = {each: {} for each in await repository.lock(account_db_key, day)}
    counts |= await repository.derive(account_db_key, day)
    await repository.store(account_db_key, counts, now)
    return len(counts)


def _first_day(now: datetime, days: int) -> date | None:
    """Return the first day to look at, None if there is no such day."""
    try:
        return day_of(now) - timedelta(days=days)
    except OverflowError:
        return None


def _day_counts(row: NotificationStats) -> DayCounts:
    return DayCounts(**{name: getattr(row, name) for name in _NAMES})
