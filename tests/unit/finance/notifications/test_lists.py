from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.notifications.service import NotificationService
from shardwise.testing.counting import count_statements


@pytest.fixture
async def ids(notifications: NotificationService, account: int, create: Any, clock: Any) -> None:
    """Notifications of every kind, named for what becomes of them."""
    for name, fields in {
        "old urgent": {"priority": 1},
        "low": {"priority": 4, "type_id": "other"},
        "read": {"priority": 1},
        "new urgent": {"priority": 1, "type_id": "other"},
        "deleted": {"priority": 1},
        "expired": {"priority": 1},
    }.items():
        expires_at = clock.now if name == "expired" else None
        await create(notification_id=name.replace(" ", "-"), expires_at=expires_at, **fields)
        clock.move(seconds=1)
    await notifications.mark_read(account, "read")
    await notifications.delete(account, "deleted")


def names(items: Any) -> list[str]:
    return [item.notification_id for item in items]


@pytest.mark.usefixtures("ids")
async def test_the_unread_come_by_priority_and_then_the_newest_first(
    notifications: NotificationService, account: int
) -> None:
    assert names((await notifications.unread(account)).items) == ["new-urgent", "old-urgent", "low"]
    assert names((await notifications.unread(account, type_id="other")).items) == ["new-urgent", "low"]
    assert (await notifications.unread(account, type_id="none")).items == []


@pytest.mark.usefixtures("ids")
async def test_all_begin_with_the_unread(notifications: NotificationService, account: int) -> None:
    assert names((await notifications.all(account)).items) == ["new-urgent", "old-urgent", "low", "read"]
    assert names((await notifications.all(account, type_id="alert")).items) == ["old-urgent", "read"]


@pytest.mark.usefixtures("ids")
async def test_lists_come_in_pages(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any
) -> None:
    for read, expected in ((notifications.unread, 3), (notifications.all, 4)):
        seen: list[str] = []
        after = None
        while True:
            with count_statements(db) as sent:
                page = await read(account, after=after, limit=1)
            assert len(sent) == 1
            seen += names(page.items)
            if page.next_cursor is None:
                break
            after = page.next_cursor
        assert seen == names((await read(account)).items)
        assert len(seen) == expected


async def test_what_expires_later_is_shown_until_then(
    notifications: NotificationService, account: int, create: Any, clock: Any
) -> None:
    expires_at = clock.now.replace(minute=1)
    await create(expires_at=expires_at)
    clock.move(seconds=59)
    assert len((await notifications.unread(account)).items) == 1
    clock.move(seconds=1)
    assert (await notifications.unread(account)).items == (await notifications.all(account)).items == []


@pytest.mark.parametrize(
    "arguments",
    [{"limit": 0}, {"limit": 1001}, {"after": "no cursor"}, {"type_id": ""}, {"type_id": "x" * 65}],
)
@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_lists_that_are_none_are_refused(
    notifications: NotificationService, account: int, arguments: Any
) -> None:
    for read in (notifications.unread, notifications.all):
        with pytest.raises(InvalidValueError):
            await read(account, **arguments)


async def test_an_account_sees_its_own_alone(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any
) -> None:
    await db.place_account(account + 2)
    await create(account_db_key=account + 2)
    assert (await notifications.unread(account)).items == (await notifications.all(account)).items == []
    assert await notifications.mark_all_read(account) == 0
    assert len((await notifications.unread(account + 2)).items) == 1
