import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, TransientDatabaseError, UnknownShardError
from shardwise.finance.notifications import expiry
from shardwise.finance.notifications.models import Notification
from shardwise.finance.notifications.service import NotificationService
from shardwise.testing.counting import count_statements

TUESDAY, WEDNESDAY = date(2026, 3, 10), date(2026, 3, 11)


@pytest.fixture
async def expired(
    db: ShardedDatabase, notifications: NotificationService, account: int, create: Any, clock: Any
) -> tuple[int, int]:
    """Two accounts of one shard with five expired notifications each, over two days, and one that is not."""
    neighbour = account + 2
    await db.place_account(neighbour)
    for number in range(5):
        for key in (account, neighbour):
            await create(
                account_db_key=key,
                notification_id=f"{key}-{number}",
                expires_at=clock.now + timedelta(days=1),
            )
        clock.move(hours=4)
    for key in (account, neighbour):
        await create(account_db_key=key, expires_at=clock.now + timedelta(days=9))
    await notifications.mark_read(account, f"{account}-0")
    await notifications.delete(account, f"{account}-4")
    clock.move(days=2)
    return account, neighbour


async def left(db: ShardedDatabase, shard_id: int) -> int:
    async with db.shard_session(shard_id, read_only=True) as session:
        alive = select(func.count()).select_from(Notification).where(~Notification.is_deleted)
        return await session.scalar(alive) or 0


@pytest.mark.parametrize("batch_size", [1, 2, 3, 500])
async def test_a_clean_up_deletes_what_has_expired_and_counts_it(
    db: ShardedDatabase,
    notifications: NotificationService,
    expired: tuple[int, int],
    counts: Any,
    batch_size: int,
) -> None:
    shard_id = (await db.where(expired[0])).shard_id
    cleaned = {each.shard_id: each for each in await notifications.clean_up(batch_size=batch_size)}
    assert set(cleaned) == {1, 2}
    assert (cleaned[shard_id].deleted, cleaned[shard_id].error) == (9, None)
    assert cleaned[3 - shard_id].deleted == 0
    assert await left(db, shard_id) == 2
    for key in expired:
        assert await counts(key) == {TUESDAY: (0, 0, 0, 0), WEDNESDAY: (1, 0, 1, 0)}
    assert (await notifications.clean_up_shard(shard_id)).deleted == 0


async def test_a_batch_takes_four_statements_however_many_accounts_it_has(
    db: ShardedDatabase, notifications: NotificationService, expired: tuple[int, int]
) -> None:
    shard_id = (await db.where(expired[0])).shard_id
    with count_statements(db) as sent:
        await notifications.clean_up_shard(shard_id)
    kinds = [statement.split()[0] for statement in sent]
    assert kinds == ["SELECT", "SELECT", "UPDATE", "UPDATE", "SELECT"]


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_clean_up_looks_at_what_it_deletes_alone(
    db: ShardedDatabase, notifications: NotificationService, account: int, clock: Any
) -> None:
    row = {"account_db_key": account, "type_id": "t", "title": "t", "message": "m"}
    rows = [  # one to be deleted, some that were, some that aren't expired
        row | {"is_deleted": 0 < number < 2000, "expires_at": clock.now + timedelta(days=number // 2000)}
        for number in range(4000)
    ]
    shard_id = (await db.where(account)).shard_id
    reads = text("SHOW SESSION STATUS LIKE 'Handler_read%'")
    async with db.shard_session(shard_id) as session:
        await session.execute(insert(Notification), rows)
        await session.execute(text("ANALYZE TABLE table_inapp_notifications"))
    async with db.shard_session(shard_id) as session:
        await session.execute(text("FLUSH STATUS"))
        assert len(await expiry.find_batch(session, clock.now, after=None, limit=500)) == 1
        assert sum(int(count) for _, count in await session.execute(reads)) < 10


async def test_a_clean_up_that_stops_goes_on_where_it_was(
    db: ShardedDatabase,
    notifications: NotificationService,
    expired: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shard_id = (await db.where(expired[0])).shard_id
    delete_batch, done = expiry.delete_batch, 0

    async def fail_at_third(*arguments: Any) -> int:
        nonlocal done
        done += 1
        if done > 2:
            raise TransientDatabaseError
        return await delete_batch(*arguments)

    monkeypatch.setattr(expiry, "delete_batch", fail_at_third)
    stopped = await notifications.clean_up_shard(shard_id, batch_size=2)
    assert stopped.deleted == 4
    assert isinstance(stopped.error, TransientDatabaseError)
    assert done == 5  # the third batch was tried as often as the settings say
    assert await left(db, shard_id) == 7
    monkeypatch.undo()
    assert (await notifications.clean_up_shard(shard_id, batch_size=2)).deleted == 5


async def test_clean_ups_at_once_delete_each_one_once(
    db: ShardedDatabase, notifications: NotificationService, expired: tuple[int, int], counts: Any
) -> None:
    shard_id = (await db.where(expired[0])).shard_id
    done = await asyncio.gather(*(notifications.clean_up_shard(shard_id, batch_size=2) for _ in range(6)))
    assert [each.error for each in done] == [None] * 6
    assert sum(each.deleted for each in done) == 9
    for key in expired:
        assert await counts(key) == {TUESDAY: (0, 0, 0, 0), WEDNESDAY: (1, 0, 1, 0)}


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_clean_ups_that_are_none_are_refused(notifications: NotificationService) -> None:
    for size in (0, 1001):
        with pytest.raises(InvalidValueError, match=r"^batch_size"):
            await notifications.clean_up_shard(1, batch_size=size)
    assert isinstance((await notifications.clean_up_shard(9)).error, UnknownShardError)
