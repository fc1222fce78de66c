"""The old procedures of the notifications."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, InvalidValueError, UnknownAccountError, WrongShardError
from shardwise.finance.notifications.models import Notification, NotificationStats
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Call, Rows
from shardwise.legacy.procedures import notifications as procedures
from shardwise.legacy.registry import find_procedure
from shardwise.testing.counting import count_statements

KEY, NEIGHBOUR = 1000, 1002
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
COLUMNS = [
    "idx", "notification_id", "type_id", "title", "message", "data", "priority", "is_read", "read_at",
    "expires_at", "created_at", "updated_at",
]  # fmt: skip
FOUND_NO = [{"result": "FAILED", "message": "Notification not found"}]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the day not end during a test."""
    monkeypatch.setattr(procedures, "utc_now", lambda: NOW)


@pytest.fixture(autouse=True)
async def shard_id(db: ShardedDatabase) -> int:
    """The shard of the accounts that the calls are for."""
    await db.place_account(NEIGHBOUR)
    return (await db.place_account(KEY)).shard_id


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=(await db.where(KEY)).shard_id)


async def create(
    db: ShardedDatabase, name: str, *, key: int = KEY, type_id: str = "alert", priority: int | None = None,
    data: Any = None, expires_at: Any = None,
) -> Rows:  # fmt: skip
    given = (name, key, type_id, "Title", "Message", data, priority, expires_at)
    return await call(db, "fp_inapp_notification_create", *given)


async def ids(db: ShardedDatabase, name: str, *given: Any) -> list[str]:
    return [row["notification_id"] for row in await call(db, name, *given)]


async def move_to(db: ShardedDatabase, moment: datetime, *names: str) -> None:
    """Let notifications be of another day, and the counts of today with them."""
    async with db.session(KEY) as session:
        await session.execute(
            update(Notification)
            .where(Notification.account_db_key == KEY, Notification.notification_id.in_(names))
            .values(created_at=moment)
        )
    await call(db, "fp_inapp_notification_stats_update", KEY)


async def counts(db: ShardedDatabase) -> dict[date, tuple[int, int, int, int]]:
    rows = (await call(db, "fp_inapp_notification_stats_get", KEY, 4000))[:-1]
    return {
        row["date"]: (
            row["total_count"],
            row["read_count"],
            row["unread_count"],
            row["auto_deleted_count"],
        )
        for row in rows
    }


async def test_a_notification_is_created_once_and_its_idx_is_its_own(db: ShardedDatabase) -> None:
    (row,) = await create(db, "n-1", data='{"a": [1, "\U0001f680"]}', priority=2)
    assert list(row) == ["result", "message", "notification_id", "idx"]
    assert row | {"idx": 0} == {
        "result": "SUCCESS",
        "message": "Notification created successfully",
        "notification_id": "n-1",
        "idx": 0,
    }
    (listed,) = await call(db, "fp_inapp_notifications_get_unread", KEY, None, None, None)
    assert list(listed) == COLUMNS
    assert (listed["idx"], listed["is_read"], listed["priority"]) == (row["idx"], 0, 2)
    assert json.loads(listed["data"]) == {"a": [1, "\U0001f680"]}
    assert listed["created_at"].tzinfo is None
    assert await create(db, "n-1") == [
        {"result": "EXISTS", "message": "Notification already exists", "notification_id": "n-1"}
    ]


async def test_defaults_and_priorities_of_old(db: ShardedDatabase) -> None:
    for name, priority in (("none", None), ("zero", 0), ("most", 255)):
        await create(db, name, priority=priority)
    rows = await call(db, "fp_inapp_notifications_get_unread", KEY, None, 10, 0)
    assert [(row["notification_id"], row["priority"]) for row in rows] == [
        ("zero", 0),
        ("none", 3),
        ("most", 255),
    ]
    assert rows[0]["data"] is None


async def test_ids_that_can_not_be_used_are_refused(db: ShardedDatabase) -> None:
    await create(db, "theirs", key=NEIGHBOUR)
    await create(db, "mine")
    await call(db, "fp_inapp_notification_soft_delete", "mine", KEY)
    for name in ("theirs", "mine"):
        with pytest.raises(DuplicateEntityError):
            await create(db, name)
    for position in (0, 2, 3, 4):
        given: list[Any] = ["n-1", KEY, "alert", "Title", "Message", None, None, None]
        given[position] = None
        with pytest.raises(InvalidValueError, match="it must not be NULL"):
            await call(db, "fp_inapp_notification_create", *given)
    with pytest.raises(InvalidValueError, match="p_data"):
        await create(db, "n-1", data="NaN")
    assert await ids(db, "fp_inapp_notifications_get_all", KEY, None, None, None) == []


async def test_calls_for_accounts_of_no_shard_or_another_are_refused(db: ShardedDatabase) -> None:
    other = KEY + 1
    await db.place_account(other)
    with pytest.raises(WrongShardError):
        await create(db, "n-1", key=other)
    with pytest.raises(UnknownAccountError):
        await create(db, "n-1", key=4711)
    assert await call(db, "fp_inapp_notifications_get_unread", 4711, None, 5, 0) == []


async def test_the_lists_have_limits_and_types(db: ShardedDatabase) -> None:
    for number in range(4):
        await create(db, f"n-{number}", type_id=f"t{number % 2}", priority=number // 2)
    await create(db, "expired", expires_at=NOW)
    await call(db, "fp_inapp_notification_mark_read", "n-0", KEY)
    unread, both = "fp_inapp_notification_get_unread", "fp_inapp_notifications_get_all"
    for limit, offset, expected in (
        (None, None, ["n-1", "n-3", "n-2"]),
        (-1, -1, ["n-1", "n-3", "n-2"]),
        (1, 1, ["n-3"]),
        (0, 0, []),
        (None, 2, ["n-2"]),
    ):
        assert await ids(db, unread, KEY, None, limit, offset) == expected
    assert await ids(db, unread, KEY, "t1", 9, 0) == ["n-1", "n-3"]
    assert await ids(db, both, KEY, None, 9, 0) == ["n-1", "n-3", "n-2", "n-0"]
    assert await ids(db, both, KEY, "t0", 9, 0) == ["n-2", "n-0"]
    assert await ids(db, both, NEIGHBOUR, None, 9, 0) == []


async def test_marking(db: ShardedDatabase) -> None:
    await create(db, "n-1", expires_at=NOW)
    mark = "fp_inapp_notification_mark_read"
    success = [{"result": "SUCCESS", "message": "Notification marked as read"}]
    assert await call(db, mark, "n-1", KEY) == success
    already = [{"result": "ALREADY_READ", "message": "Notification already read"}]
    assert await call(db, mark, "n-1", KEY) == already
    for name, key in (("n-2", KEY), ("n-1", NEIGHBOUR), (None, KEY)):
        assert await call(db, mark, name, key) == FOUND_NO
    await create(db, "n-2")
    await create(db, "n-3", type_id="other")
    for type_id, count in (("other", 1), (None, 1), (None, 0)):
        assert await call(db, "fp_inapp_notifications_mark_all_read", KEY, type_id) == [
            {
                "result": "SUCCESS",
                "message": f"{count} notifications marked as read",
                "updated_count": count,
            }
        ]


async def test_read_ones_are_consumed_once(db: ShardedDatabase) -> None:
    for number in range(4):
        await create(db, f"n-{number}", type_id=f"t{number % 2}")
        await call(db, "fp_inapp_notification_mark_read", f"n-{number}", KEY)
    await create(db, "unread")
    consume = "fp_inapp_notifications_get_read_and_delete"
    assert await ids(db, consume, KEY, None, 0, 0) == []
    (row,) = await call(db, consume, KEY, "t0", 1, 1)
    assert (list(row), row["notification_id"], row["is_read"]) == (COLUMNS, "n-0", 1)
    assert await ids(db, consume, KEY, None, None, None) == ["n-3", "n-2", "n-1"]
    assert await ids(db, consume, KEY, None, -1, 0) == []
    assert list((await counts(db)).values()) == [(1, 0, 1, 4)]


async def test_deleting(db: ShardedDatabase) -> None:
    await create(db, "n-1")
    delete = "fp_inapp_notification_soft_delete"
    assert await call(db, delete, "n-1", NEIGHBOUR) == FOUND_NO
    assert await call(db, delete, "n-1", KEY) == [
        {"result": "SUCCESS", "message": "Notification soft deleted successfully"}
    ]
    assert await call(db, delete, "n-1", KEY) == await call(db, delete, None, KEY) == FOUND_NO


async def test_changes_of_yesterdays_are_counted_yesterday(db: ShardedDatabase) -> None:
    today = NOW
    yesterday = today - timedelta(days=1)
    for name in ("n-0", "n-1", "n-2", "n-3"):
        await create(db, name)
    await move_to(db, yesterday, "n-0", "n-1", "n-2")
    assert await counts(db) == {today.date(): (1, 0, 1, 0), yesterday.date(): (3, 0, 3, 0)}
    await call(db, "fp_inapp_notification_mark_read", "n-0", KEY)
    await call(db, "fp_inapp_notification_soft_delete", "n-1", KEY)
    await call(db, "fp_inapp_notifications_mark_all_read", KEY, None)
    assert await counts(db) == {today.date(): (1, 1, 0, 0), yesterday.date(): (2, 2, 0, 0)}
    await call(db, "fp_inapp_notifications_get_read_and_delete", KEY, None, None, None)
    assert await counts(db) == {today.date(): (0, 0, 0, 1), yesterday.date(): (0, 0, 0, 2)}


async def test_statistics_end_with_what_is_unread(db: ShardedDatabase) -> None:
    today = NOW
    await create(db, "n-1", priority=1)
    await create(db, "n-2")
    await move_to(db, today - timedelta(days=2), "n-2")
    name = "fp_inapp_notification_stats_get"
    first, second, live = await call(db, name, KEY, 2)
    assert list(first) == [
        "date", "total_count", "read_count", "unread_count", "priority_1_count", "priority_2_count",
        "priority_3_count", "auto_deleted_count", "created_at", "updated_at",
    ]  # fmt: skip
    assert (first["date"], first["priority_1_count"]) == (today.date(), 1)
    assert (second["date"], second["priority_3_count"]) == (today.date() - timedelta(days=2), 1)
    assert live == {"current_unread_count": 2}
    assert len(await call(db, name, KEY, 1)) == 2
    for days in (None, -1, 2**31 - 1):
        assert await call(db, name, KEY, days) == [live]


async def test_a_clean_up_reaches_every_account(db: ShardedDatabase) -> None:
    now = NOW
    for key in (KEY, NEIGHBOUR):
        await create(db, f"expired-{key}", key=key, expires_at=now)
        await create(db, f"left-{key}", key=key, expires_at=now + timedelta(days=1))
    name = "fp_inapp_notifications_cleanup_expired"
    for count in (2, 0):
        assert await call(db, name) == [
            {
                "result": "SUCCESS",
                "message": f"{count} expired notifications cleaned up",
                "deleted_count": count,
            }
        ]
    assert list((await counts(db)).values()) == [(1, 0, 1, 0)]


async def test_counts_can_be_set_right(db: ShardedDatabase) -> None:
    await create(db, "n-1")
    right = await counts(db)
    (today,) = right
    async with db.session(KEY) as session:
        await session.execute(
            update(NotificationStats).where(NotificationStats.account_db_key == KEY).values(total_count=9)
        )
    name = "fp_inapp_notification_stats_update"
    none = [{"result": "SUCCESS", "message": "0 days recounted", "day_count": 0}]
    assert await call(db, name, KEY, "2020-01-01") == none
    one = [{"result": "SUCCESS", "message": "1 days recounted", "day_count": 1}]
    assert await call(db, name, KEY, today) == one
    assert await counts(db) == right
    assert await call(db, name, KEY) == one
    with pytest.raises(InvalidValueError, match="p_account_db_key"):
        await call(db, name, None)


async def test_calls_in_one_transaction_see_what_the_ones_before_did(
    db: ShardedDatabase, shard_id: int
) -> None:
    """In a session of a shard, which belongs to no account."""

    async def run(name: str, **given: Any) -> Rows:
        procedure = find_procedure(name)
        assert procedure is not None
        return await procedure.run(Call(db=db, session=session, shard_id=shard_id), **given)

    part = {"account_db_key": KEY, "type_id": None, "limit": None, "offset": None}
    new = {"type_id": "t", "title": "T", "message": "M", "data": None, "priority": None, "expires_at": None}
    await create(db, "before")
    async with db.shard_session(shard_id) as session:
        assert len(await run("fp_inapp_notifications_get_all", **part)) == 1
        assert len(await run("fp_inapp_notification_stats_get", account_db_key=KEY, days=1)) == 2
        for name in ("n-1", "n-1"):
            await run("fp_inapp_notification_create", notification_id=name, account_db_key=KEY, **new)
        await run("fp_inapp_notification_mark_read", notification_id="before", account_db_key=KEY)
        listed = await run("fp_inapp_notifications_get_all", **part)
        assert [(row["notification_id"], row["is_read"]) for row in listed] == [
            ("n-1", False),
            ("before", True),
        ]
        stats, live = await run("fp_inapp_notification_stats_get", account_db_key=KEY, days=1)
        assert (stats["total_count"], stats["read_count"], live["current_unread_count"]) == (2, 1, 1)
        consumed = await run("fp_inapp_notifications_get_read_and_delete", **part)
        assert [row["notification_id"] for row in consumed] == ["before"]
    assert list((await counts(db)).values()) == [(1, 0, 1, 1)]


async def test_calls_take_few_statements(db: ShardedDatabase) -> None:
    await create(db, "n-0")
    for most, name, given in (
        (2, "fp_inapp_notification_create", ("n-1", KEY, "t", "T", "M", None, None, None)),
        (1, "fp_inapp_notifications_get_unread", (KEY, None, 5, 0)),
        (3, "fp_inapp_notification_mark_read", ("n-1", KEY)),
        (4, "fp_inapp_notifications_mark_all_read", (KEY, None)),
        (4, "fp_inapp_notifications_get_read_and_delete", (KEY, None, None, None)),
        (2, "fp_inapp_notification_stats_get", (KEY, 5)),
    ):
        with count_statements(db) as sent:
            await call(db, name, *given)
        assert len(sent) == most, name


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_calls_at_once_keep_the_counts_exact(db: ShardedDatabase) -> None:
    async def work(number: int) -> list[str]:
        await create(db, f"n-{number}")
        await call(db, "fp_inapp_notification_mark_read", f"n-{number // 2}", KEY)
        await call(db, "fp_inapp_notifications_mark_all_read", KEY, None)
        taken = await ids(db, "fp_inapp_notifications_get_read_and_delete", KEY, None, 3, 0)
        await call(db, "fp_inapp_notification_soft_delete", f"n-{number}", KEY)
        return taken

    taken = [name for part in await asyncio.gather(*map(work, range(32))) for name in part]
    assert len(taken) == len(set(taken))
    before = await counts(db)
    assert sum(consumed for *_, consumed in before.values()) == len(taken)
    await call(db, "fp_inapp_notification_stats_update", KEY)
    assert await counts(db) == before
    async with db.session(KEY, read_only=True) as session:
        alive = select(Notification.notification_id).where(~Notification.is_deleted)
        left = (await session.scalars(alive)).all()
    assert sum(total for total, *_ in before.values()) == len(left)
