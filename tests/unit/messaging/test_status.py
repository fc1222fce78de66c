"""What became of an event."""

import itertools

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError
from shardwise.messaging import NewEvent, publish
from shardwise.messaging.models import UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.repository import OutboxRepository
from shardwise.messaging.status import set_status
from shardwise.testing.counting import count_statements

PENDING, PUBLISHED, FAILED, DEAD = UniversalOutboxStatus


@pytest.fixture
async def event_id(db: ShardedDatabase) -> str:
    """The id of a new event on shard 1."""
    event = NewEvent(domain="d", partition_key="p", event_type="t", aggregate_id="a", event_data={})
    async with db.shard_session(1) as session:
        return (await publish(session, event)).event_id


async def change(
    db: ShardedDatabase, event_id: str, status: UniversalOutboxStatus, error: str | None = None
) -> None:
    async with db.shard_session(1) as session:
        await set_status(session, event_id, status, error_message=error)


async def now(db: ShardedDatabase, event_id: str) -> UniversalOutboxEvent:
    async with db.shard_session(1, read_only=True) as session:
        return await OutboxRepository(session).get_one((0, event_id))


@pytest.mark.parametrize(("before", "after"), [*itertools.permutations(UniversalOutboxStatus, 2)])
async def test_every_status_follows_every_other(
    db: ShardedDatabase, event_id: str, before: UniversalOutboxStatus, after: UniversalOutboxStatus
) -> None:
    await change(db, event_id, before, "it rained")
    assert ((await now(db, event_id)).status, (await now(db, event_id)).error_message) == (
        before,
        "it rained",
    )
    await change(db, event_id, after)
    event = await now(db, event_id)
    assert (event.status, event.error_message) == (after, None)
    assert event.retry_count == [before, after].count(FAILED)
    assert (event.published_at is not None) == (PUBLISHED in (before, after))


async def test_it_takes_two_statements(db: ShardedDatabase, event_id: str) -> None:
    with count_statements(db) as statements:
        await change(db, event_id, PUBLISHED)
    assert len(statements) == 2


async def test_the_same_status_again_is_no_missing_event(db: ShardedDatabase, event_id: str) -> None:
    await change(db, event_id, PUBLISHED)
    first = (await now(db, event_id)).published_at
    await change(db, event_id, PUBLISHED)
    last = (await now(db, event_id)).published_at
    assert first is not None
    assert last is not None
    assert first <= last
    with pytest.raises(EntityNotFoundError, match="nothing"):
        await change(db, "nothing", PUBLISHED)


async def test_after_three_failures_pending_means_dead(db: ShardedDatabase, event_id: str) -> None:
    for tries in range(3):
        await change(db, event_id, PENDING)
        assert (await now(db, event_id)).status is PENDING
        await change(db, event_id, FAILED, "no answer")
        assert (await now(db, event_id)).retry_count == tries + 1
    await change(db, event_id, PENDING, "no answer")
    event = await now(db, event_id)
    assert (event.status, event.retry_count, event.error_message) == (DEAD, 3, "no answer")


async def test_an_account_changes_only_its_own_events(db: ShardedDatabase, account: int) -> None:
    shard_id = (await db.where(account)).shard_id
    event = NewEvent(domain="d", partition_key="p", event_type="t", aggregate_id="a", event_data={})
    async with db.shard_session(shard_id) as session:
        nobodys = await publish(session, event)
    async with db.session(account) as session:
        mine = await publish(session, event)
        await set_status(session, mine.event_id, PUBLISHED)
    with pytest.raises(EntityNotFoundError):
        async with db.session(account) as session:
            await set_status(session, nobodys.event_id, PUBLISHED)
