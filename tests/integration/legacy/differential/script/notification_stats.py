"""The daily statistics of notifications (2.29 and its alias), of an account of their own on each shard."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from differential.matching import MOMENT, TODAY, Kept, Matcher, Scene
from differential.script.notifications import DELETED, PAST, READ, UNKNOWN, created, marked, row
from differential.steps import WRONG_SHARD, Database, Row, Step, first
from shardwise.finance.notifications.models import Notification, NotificationStats


class _Yesterday(Matcher):
    def matches(self, actual: Any, scene: Scene) -> bool:
        return type(actual) is date and actual == scene.begun.date() - timedelta(days=1)


YESTERDAY = _Yesterday()


def day(
    total: int, read: int, unread: int, urgent: tuple[int, int, int], consumed: int, on: Matcher = TODAY
) -> Row:
    """Return a row of the first result set."""
    return {
        "date": on,
        "total_count": total,
        "read_count": read,
        "unread_count": unread,
        "priority_1_count": urgent[0],
        "priority_2_count": urgent[1],
        "priority_3_count": urgent[2],
        "auto_deleted_count": consumed,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }


def unread(count: int) -> Row:
    """Return the row of the second result set."""
    return {"current_unread_count": count}


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    db = Database(shard)
    call = db.call
    key, stranger = Kept(f"counted{shard}"), Kept(f"owner{3 - shard}")
    n = {name: f"count-{shard}-{name}" for name in ("1", "2", "3", "4", "5", "old", "new")}

    def create(name: str, priority: int | None, expires: Any = None) -> Step:
        return call(
            "fp_inapp_notification_create",
            n[name],
            key,
            "alarm",
            f"Title of {n[name]}",
            "It's up 3 %",
            None,
            priority,
            expires,
            gives=created(n[name]),
        )

    def stats(days: int | None, *gives: Row, **more: Any) -> Step:
        return call("fp_inapp_notification_stats_get", key, days, gives=gives, **more)

    yesterday = datetime.now(UTC) - timedelta(days=1)
    today = [
        stats(7, unread(0)),
        create("1", 1),
        stats(0, day(1, 0, 1, (1, 0, 0), 0), unread(1)),
        create("2", 2),
        create("3", None),
        create("4", 4),
        create("5", 3, PAST),
        # The statistics count what has expired, the second result set doesn't.
        stats(7, day(5, 0, 5, (1, 1, 2), 0), unread(4)),
        stats(None, unread(4)),
        stats(-1, unread(4)),
        call("fp_inapp_notification_mark_read", n["1"], key, gives=READ),
        stats(0, day(5, 1, 4, (1, 1, 2), 0), unread(3)),
        call("fp_inapp_notification_soft_delete", n["4"], key, gives=DELETED),
        stats(0, day(4, 1, 3, (1, 1, 2), 0), unread(2)),
        call("fp_inapp_notifications_mark_all_read", key, None, gives=marked(2)),
        stats(0, day(4, 3, 1, (1, 1, 2), 0), unread(0)),
        call(
            "fp_inapp_notifications_get_read_and_delete",
            key,
            None,
            1,
            2,
            gives=[row(n["1"], "alarm", 1, read=1)],
        ),
        stats(0, day(3, 2, 1, (1, 1, 2), 1), unread(0)),
        call("fp_inapp_notification_soft_delete", n["2"], key, gives=DELETED),
        stats(0, day(2, 1, 1, (1, 1, 2), 1), unread(0)),
    ]
    midnight = [
        # Everything until now happened yesterday.
        db.meanwhile(
            lambda kept: (
                update(Notification)
                .where(Notification.account_db_key == kept[key.name])
                .values(created_at=yesterday)
            )
        ),
        db.meanwhile(
            lambda kept: (
                update(NotificationStats)
                .where(NotificationStats.account_db_key == kept[key.name])
                .values(date=yesterday.date())
            )
        ),
        stats(0, unread(0)),
        create("new", 1),
        stats(1, day(1, 0, 1, (1, 0, 0), 0), day(2, 1, 1, (1, 1, 2), 1, YESTERDAY), unread(1)),
        # Each changes its own day's row; the old procedures failed here, or changed today's.
        call("fp_inapp_notification_mark_read", n["5"], key, gives=READ, mends="D9"),
        stats(1, day(1, 0, 1, (1, 0, 0), 0), day(2, 2, 0, (1, 1, 2), 1, YESTERDAY), unread(1), mends="D18"),
        call("fp_inapp_notification_soft_delete", n["3"], key, gives=DELETED, mends="D9"),
        stats(1, day(1, 0, 1, (1, 0, 0), 0), day(1, 1, 0, (1, 1, 2), 1, YESTERDAY), unread(1), mends="D18"),
        call("fp_inapp_notifications_mark_all_read", key, None, gives=marked(1)),
        stats(0, day(1, 1, 0, (1, 0, 0), 0), unread(0)),
        call("fp_inapp_notification_stats_update", key, gives=first(result="SUCCESS")),
        call("fp_inapp_notification_stats_update", key, "2020-01-01", gives=first(result="SUCCESS")),
        stats(0, day(1, 1, 0, (1, 0, 0), 0), unread(0)),
        call("fp_inapp_notification_stats_get", UNKNOWN, 7, gives=unread(0)),
        call("fp_inapp_notification_stats_get", stranger, 7, fails=WRONG_SHARD, mends="D21"),
    ]
    return [*today, *midnight]
