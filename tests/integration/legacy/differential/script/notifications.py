"""Notifications: written, read, marked, consumed (2.22–2.28, 2.30), the same on either shard."""

from datetime import datetime
from typing import Any

from differential.matching import ID, MOMENT, NOW, Json, Keep, Kept
from differential.steps import DUPLICATE, FAILS, NO_ACCOUNT, WRONG_SHARD, Database, Row, Step, done, words

UNKNOWN = 999_999
MISSING = words("FAILED", "Notification not found")
READ = done("Notification marked as read")
ALREADY = words("ALREADY_READ", "Notification already read")
DELETED = done("Notification soft deleted successfully")
FUTURE, PAST = datetime.fromisoformat("2099-01-01T10:30:00"), datetime.fromisoformat("2020-01-01")


def created(name: str) -> Row:
    """Return the row of 2.22; the idx is kept under the notification's id."""
    return done("Notification created successfully", notification_id=name, idx=Keep(name, ID))


def marked(count: int) -> Row:
    """Return the row of 2.27."""
    return done(f"{count} notifications marked as read", updated_count=count)


def cleaned(count: int) -> Row:
    """Return the row of 2.30."""
    return done(f"{count} expired notifications cleaned up", deleted_count=count)


def row(
    name: str, type_id: str, priority: int, *, read: int = 0, data: Any = None, expires: Any = None
) -> Row:
    """Return a row of the three lists."""
    return {
        "idx": Kept(name),
        "notification_id": name,
        "type_id": type_id,
        "title": f"Title of {name}",
        "message": "It's up 3 %",
        "data": data,
        "priority": priority,
        "is_read": read,
        "read_at": NOW if read else None,
        "expires_at": expires,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }


def steps(shard: int) -> list[Step]:
    """Return the room's script for one shard."""
    call = Database(shard).call
    owner, other, stranger = Kept(f"owner{shard}"), Kept(f"other{shard}"), Kept(f"owner{3 - shard}")
    n = {
        name: f"note-{shard}-{name}" for name in ("1", "2", "3", "4", "5", "expired", "future", "other", "no")
    }

    def create(
        name: str, key: Any, type_id: str, priority: int | None, expires: Any = None, **more: Any
    ) -> Step:
        gives = more.pop("gives", created(n[name]))
        data = more.pop("data", None)
        outcome = more if "fails" in more else more | {"gives": gives}
        return call(
            "fp_inapp_notification_create",
            n[name],
            key,
            type_id,
            f"Title of {n[name]}",
            "It's up 3 %",
            data,
            priority,
            expires,
            **outcome,
        )

    def listed(
        which: str, type_id: str | None, limit: Any, offset: Any, *rows: Row, key: Any = owner, **more: Any
    ) -> Step:
        return call(f"fp_inapp_notifications_get_{which}", key, type_id, limit, offset, gives=rows, **more)

    r1, r2 = row(n["1"], "alarm", 1, data=Json({"symbol": "AAPL", "말": 1})), row(n["2"], "trade", 2)
    r3, r4, r5 = row(n["3"], "alarm", 3), row(n["4"], "alarm", 4), row(n["5"], "trade", 5)
    future = row(n["future"], "trade", 3, expires=FUTURE)
    exists = words("EXISTS", "Notification already exists", notification_id=n["1"])
    creating = [
        listed("unread", None, 10, 0),
        create("1", owner, "alarm", 1, data='{"symbol": "AAPL", "말": 1}', mends="D11"),
        create("3", owner, "alarm", None),
        create("2", owner, "trade", 2),
        create("5", owner, "trade", 5),
        create("4", owner, "alarm", 4),
        create("future", owner, "trade", 3, FUTURE),
        create("expired", owner, "alarm", 3, PAST),
        create("other", other, "alarm", 1),
        create("1", owner, "alarm", 1, gives=exists),
        # It exists, but not for him: the old answer let him believe so.
        create("1", other, "alarm", 1, fails=DUPLICATE, mends="D20"),
        create("no", owner, "alarm", 300, fails=FAILS),
        create("no", owner, "alarm", 1, data="no JSON", fails=FAILS),
        create("no", UNKNOWN, "alarm", 1, fails=NO_ACCOUNT, mends="D21"),
        create("no", stranger, "alarm", 1, fails=WRONG_SHARD, mends="D21"),
    ]
    reading = [
        # The most urgent first, then the newest; what has expired isn't there.
        listed("unread", None, 10, 0, r1, r2, future, r3, r4, r5),
        listed("unread", None, 10, 0, r1, r2, future, r3, r4, r5),
        call("fp_inapp_notification_get_unread", owner, None, 2, 0, gives=[r1, r2]),
        listed("unread", None, 2, 2, future, r3),
        listed("unread", None, 2, 5, r5),
        listed("unread", None, 2, 6),
        listed("unread", None, 0, 0),
        listed("unread", None, None, 0, r1, r2, future, r3, r4, r5),
        listed("unread", None, -1, 0, r1, r2, future, r3, r4, r5),
        listed("unread", "alarm", 10, 0, r1, r3, r4),
        listed("unread", "trade", 1, 1, future),
        listed("unread", "nothing", 10, 0),
        listed("unread", None, 10, 0, row(n["other"], "alarm", 1), key=other),
        listed("unread", None, 10, 0, key=UNKNOWN),
        call("fp_inapp_notifications_get_unread", stranger, None, 10, 0, fails=WRONG_SHARD, mends="D21"),
        listed("read_and_delete", None, 10, 0),
    ]
    mark = "fp_inapp_notification_mark_read"
    drop = "fp_inapp_notification_soft_delete"
    marking = [
        call(mark, n["1"], other, gives=MISSING),
        call(mark, "no-note", owner, gives=MISSING),
        call(mark, n["1"], UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        call(mark, n["1"], stranger, fails=WRONG_SHARD, mends="D21"),
        call(mark, n["1"], owner, gives=READ),
        call(mark, n["1"], owner, gives=ALREADY),
        call(mark, n["expired"], owner, gives=READ),
        call(drop, n["5"], other, gives=MISSING),
        call(drop, "no-note", owner, gives=MISSING),
        call(drop, n["5"], UNKNOWN, fails=NO_ACCOUNT, mends="D21"),
        call(drop, n["5"], stranger, fails=WRONG_SHARD, mends="D21"),
        call(drop, n["5"], owner, gives=DELETED),
        call(drop, n["5"], owner, gives=MISSING),
        call(mark, n["5"], owner, gives=MISSING),
        create("5", owner, "alarm", 1, fails=DUPLICATE),
        listed("all", None, 10, 0, r2, future, r3, r4, r1 | {"is_read": 1, "read_at": NOW}),
        listed("all", "alarm", 10, 0, r3, r4, r1 | {"is_read": 1, "read_at": NOW}),
        listed("all", None, 2, 3, r4, r1 | {"is_read": 1, "read_at": NOW}),
        listed("all", None, None, 4, r1 | {"is_read": 1, "read_at": NOW}),
        listed("all", None, -1, 5),
        listed("all", None, 0, 0),
        listed("all", None, 10, 0, key=UNKNOWN),
    ]
    return [*creating, *reading, *marking, *_consuming(shard, r1, r2, r3, r4, future)]


def _consuming(shard: int, r1: Row, r2: Row, r3: Row, r4: Row, future: Row) -> list[Step]:
    call = Database(shard).call
    owner, stranger = Kept(f"owner{shard}"), Kept(f"owner{3 - shard}")
    r1, r2, r3, r4, future = (each | {"is_read": 1, "read_at": NOW} for each in (r1, r2, r3, r4, future))

    def consume(type_id: str | None, limit: Any, offset: Any, *rows: Row) -> Step:
        name = "fp_inapp_notifications_get_read_and_delete"
        return call(name, owner, type_id, limit, offset, gives=rows)

    def mark_all(type_id: str | None, count: int) -> Step:
        return call("fp_inapp_notifications_mark_all_read", owner, type_id, gives=marked(count))

    return [
        consume("trade", 10, 0),
        consume(None, 0, 0),
        consume(None, 10, 0, r1),
        consume(None, 10, 0),
        call("fp_inapp_notification_mark_read", r1["notification_id"], owner, gives=MISSING),
        mark_all("nothing", 0),
        mark_all("alarm", 2),
        mark_all(None, 2),
        mark_all(None, 0),
        call("fp_inapp_notifications_mark_all_read", UNKNOWN, None, fails=NO_ACCOUNT, mends="D21"),
        call("fp_inapp_notifications_mark_all_read", stranger, None, fails=WRONG_SHARD, mends="D21"),
        # The last read comes first; of those read at once, the newest.
        call("fp_inapp_notifications_get_all", owner, None, 10, 0, gives=[r2, future, r3, r4]),
        consume(None, 1, 0, future),
        consume("alarm", 1, 1, r3),
        consume(None, None, 0, r2, r4),
        consume(None, -1, 0),
        call("fp_inapp_notifications_get_all", owner, None, 10, 0, gives=[]),
        call("fp_inapp_notifications_cleanup_expired", gives=cleaned(1)),
        call("fp_inapp_notifications_cleanup_expired", gives=cleaned(0)),
    ]
