from datetime import timedelta
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, InvalidValueError, UnknownAccountError
from shardwise.finance.notifications.service import NotificationService
from shardwise.finance.notifications.values import NewNotification
from shardwise.testing.counting import count_statements

SQL = "x'); DROP TABLE table_inapp_notifications; -- \\\" %s"


async def test_what_is_created_is_what_is_listed(
    notifications: NotificationService, account: int, clock: Any, create: Any
) -> None:
    created = await create(
        notification_id="n-1",
        type_id=SQL,
        title=SQL + "\U0001f680",
        message="two\nlines \U0001f680",
        data={"levels": [0.1, 1e-300, 2**70, None, True], "nested": {"a": "b"}},
        priority=1,
        expires_at=clock.now + timedelta(microseconds=1),
    )
    (listed,) = (await notifications.unread(account)).items
    assert listed == created
    assert (listed.is_read, listed.read_at, listed.created_at) == (False, None, clock.now)


async def test_defaults(create: Any, counts: Any, clock: Any) -> None:
    created = await create()
    assert (created.priority, created.data, created.expires_at) == (3, None, None)
    assert len(created.notification_id) == 32
    assert await counts() == {clock.now.date(): (1, 0, 1, 0)}


async def test_the_same_id_again_is_the_same_notification(create: Any, counts: Any, clock: Any) -> None:
    first = await create(notification_id="n-1", data={"a": 1})
    clock.move(days=1)
    assert await create(notification_id="n-1", title="other", priority=1) == first
    assert await counts() == {first.created_at.date(): (1, 0, 1, 0)}


async def test_an_id_that_is_taken_out_of_sight_is_refused_in_the_same_words(
    notifications: NotificationService, db: ShardedDatabase, create: Any, account: int, counts: Any
) -> None:
    neighbour = account + 2  # on the same shard
    assert (await db.place_account(neighbour)).shard_id == (await db.where(account)).shard_id
    await create(account_db_key=neighbour, notification_id="theirs", message="secret")
    await create(notification_id="mine")
    await notifications.delete(account, "mine")
    said = set()
    for taken in ("theirs", "mine"):
        with pytest.raises(DuplicateEntityError) as refused:
            await create(notification_id=taken)
        said.add(str(refused.value))
    assert said == {"Notification exists already: a unique value is taken (uk_notification_id)"}
    assert (await notifications.all(account)).items == []
    assert [total for total, *_ in (await counts()).values()] == [0]
    assert [total for total, *_ in (await counts(neighbour)).values()] == [1]


async def test_priorities_are_counted_by_their_own(
    notifications: NotificationService, create: Any, account: int
) -> None:
    for priority in (1, 2, 2, 3, 3, 3, 4, 5):
        await create(priority=priority)
    (day,) = (await notifications.statistics(account)).days
    assert (day.priority_1_count, day.priority_2_count, day.priority_3_count) == (1, 2, 3)
    assert (day.total_count, day.unread_count) == (8, 8)


async def test_creating_takes_two_statements(db: ShardedDatabase, create: Any) -> None:
    await create(notification_id="n-1")  # the account's home is cached now
    with count_statements(db) as sent:
        await create()
    assert [statement.split()[0] for statement in sent] == ["INSERT", "INSERT"]
    with count_statements(db) as sent:
        await create(notification_id="n-1")
    assert [statement.split()[0] for statement in sent] == ["INSERT", "SELECT"]


async def test_nothing_is_sent_for_what_can_not_be_accepted(db: ShardedDatabase, create: Any) -> None:
    with count_statements(db) as sent, pytest.raises(InvalidValueError, match=r"^priority: 6 is not from 1"):
        await create(priority=6)
    assert sent == []


async def test_the_longest_texts_fit(notifications: NotificationService, create: Any, account: int) -> None:
    longest = {
        "notification_id": "x" * 128,
        "type_id": "\U0001f680" * 64,
        "title": "\U0001f680" * 255,
        "message": "\U0001f680" * 16_383,
    }
    await create(**longest)
    (listed,) = (await notifications.unread(account)).items
    assert {name: getattr(listed, name) for name in longest} == longest


async def test_an_account_that_nobody_has_is_unknown(notifications: NotificationService) -> None:
    new = NewNotification(account_db_key=4711, type_id="t", title="t", message="m")
    with pytest.raises(UnknownAccountError, match="4711"):
        await notifications.create(new)


async def test_ids_that_only_a_servers_collation_takes_for_one_lose_nothing(
    create: Any, engine_kind: str
) -> None:
    await create(notification_id="n", title="first")
    if engine_kind == "sqlite":
        await create(notification_id="N", title="second")
    else:
        with pytest.raises(DuplicateEntityError):
            await create(notification_id="N", title="second")
