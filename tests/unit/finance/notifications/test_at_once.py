"""Many tasks on one account of a server: the counts stay exact, and nobody sees an error."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError
from shardwise.finance.notifications.marking import mark_read
from shardwise.finance.notifications.service import NotificationService
from shardwise.finance.notifications.values import NewNotification
from shardwise.kit.clock import utc_now
from shardwise.testing.counting import count_statements

pytestmark = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)

DAYS = 3


class Changing:
    """Does something at random, at a random moment of three days, and notes what came of it."""

    def __init__(self, db: ShardedDatabase, account: int) -> None:
        self._random = random.Random(7)
        self._begin = utc_now()
        self._account = account
        self._service = NotificationService(db, clock=self._moment)
        self.consumed: Counter[str] = Counter()
        self.done: Counter[str] = Counter()

    def _moment(self) -> Any:
        return self._begin + timedelta(days=self._random.randrange(DAYS), seconds=self._random.random())

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            weights = {
                self._create: 8,
                self._mark: 6,
                self._delete: 3,
                self._mark_all: 2,
                self._consume: 3,
                self._clean_up: 1,
                self._recount: 1,
            }
            work = self._random.choices(list(weights), list(weights.values()))[0]
            self.done[work.__name__] += 1
            try:
                await work()
            except EntityNotFoundError:
                self.done["not found"] += 1

    def _id(self) -> str:
        return f"n-{self._random.randrange(60)}"

    async def _create(self) -> None:
        expires_at = self._begin + timedelta(days=9) if self._random.random() < 0.7 else self._begin
        new = NewNotification(
            account_db_key=self._account,
            notification_id=f"m-{self._random.randrange(10**9)}",
            type_id="t",
            title="t",
            message="m",
            priority=self._random.randrange(1, 6),
            expires_at=expires_at,
        )
        await self._service.create(new)

    async def _mark(self) -> None:
        await self._service.mark_read(self._account, self._id())

    async def _delete(self) -> None:
        await self._service.delete(self._account, self._id())

    async def _mark_all(self) -> None:
        await self._service.mark_all_read(self._account)

    async def _consume(self) -> None:
        taken = await self._service.read_and_delete(self._account, limit=5)
        self.consumed.update(item.notification_id for item in taken)

    async def _clean_up(self) -> None:
        for cleaned in await self._service.clean_up(batch_size=7):
            if cleaned.error is not None:
                raise cleaned.error

    async def _recount(self) -> None:
        await self._service.recount(self._account)


async def test_counts_are_exact_after_everything_at_once(
    db: ShardedDatabase, account: int, counts: Any, notifications: NotificationService
) -> None:
    changing = Changing(db, account)
    for number in range(60):
        await changing._service.create(
            NewNotification(
                account_db_key=account, notification_id=f"n-{number}", type_id="t", title="t", message="m"
            )
        )
    with count_statements(db) as sent:
        await asyncio.gather(*(changing.run(8) for _ in range(32)))
    assert {"_create", "_mark", "_delete", "_mark_all", "_consume", "_clean_up"} <= set(changing.done)
    assert len(sent) > 500
    assert set(changing.consumed.values()) == {1}
    days = (await notifications.statistics(account, days=3000)).days
    before = [(d.date, d.total_count, d.read_count, d.unread_count, d.priority_1_count) for d in days]
    assert sum(d.auto_deleted_count for d in days) == len(changing.consumed)
    await notifications.recount(account)
    days = (await notifications.statistics(account, days=3000)).days
    assert [(d.date, d.total_count, d.read_count, d.unread_count, d.priority_1_count) for d in days] == before


async def test_the_same_one_at_once_is_created_once(
    account: int, create: Any, counts: Any, clock: Any, notifications: NotificationService
) -> None:
    made = await asyncio.gather(*(create(notification_id="n-1") for _ in range(32)))
    assert len({item.idx for item in made}) == 1
    assert await counts() == {clock.now.date(): (1, 0, 1, 0)}
    marked = await asyncio.gather(*(notifications.mark_read(account, "n-1") for _ in range(32)))
    assert marked.count(True) == 1
    assert await counts() == {clock.now.date(): (1, 1, 0, 0)}
    taken = await asyncio.gather(*(notifications.read_and_delete(account) for _ in range(32)))
    assert sum(map(len, taken)) == 1
    assert await counts() == {clock.now.date(): (0, 0, 0, 1)}


async def test_a_recount_waits_for_what_is_under_way(
    db: ShardedDatabase, account: int, create: Any, counts: Any
) -> None:
    created = await create(notification_id="n-1")
    async with db.session(account) as session:
        await mark_read(session, account, "n-1", created.created_at)
        recount = asyncio.create_task(NotificationService(db).recount(account))
        await asyncio.sleep(0.3)  # it has come to the locked row by now; if not, it finds what is committed
        assert not recount.done()
    assert await recount == 1
    assert await counts() == {created.created_at.date(): (1, 1, 0, 0)}


async def test_rows_are_locked_by_primary_key_alone(
    db: ShardedDatabase, account: int, create: Any, notifications: NotificationService
) -> None:
    """A locking read along another index waits in a circle with whoever changes that index's column."""
    for number in range(3):
        await create(notification_id=f"n-{number}", expires_at=datetime(2099, 1, 1, tzinfo=UTC))
    locking: list[str] = []
    for work in (
        notifications.mark_all_read(account),
        notifications.read_and_delete(account, limit=2),
        NotificationService(db, clock=lambda: datetime(2100, 1, 1, tzinfo=UTC)).clean_up(),
        notifications.recount(account),
    ):
        with count_statements(db) as sent:
            await work
        locking += [each for each in sent if each.startswith("UPDATE") or each.endswith("FOR UPDATE")]
    assert len(locking) == 3 + 3 + 3 + 1
    for statement in locking:
        assert "FORCE INDEX (PRIMARY)" in statement
