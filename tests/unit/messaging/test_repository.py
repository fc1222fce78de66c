"""What is pending: whose, in which order, by which index."""

from typing import Any

import pytest
from sqlalchemy import text, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.messaging import NewEvent, publish, publish_many
from shardwise.messaging.models import UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.repository import OutboxRepository
from shardwise.testing.counting import count_statements


def event(number: int, partition: str, domain: str = "chat", account: int | None = None) -> NewEvent:
    return NewEvent(
        domain=domain,
        partition_key=partition,
        event_type="happened",
        aggregate_id=str(number),
        event_data=[number],
        account_db_key=account,
    )


async def pending(db: ShardedDatabase, domain: str = "chat", limit: int | None = 10) -> list[str]:
    async with db.shard_session(1, read_only=True) as session:
        found = await OutboxRepository(session).pending(domain, limit=limit)
    return [f"{row.partition_key}{row.sequence_no}" for row in found]


async def test_pending_events_come_by_partition_and_number(db: ShardedDatabase) -> None:
    events = [event(number, "cab"[number % 3]) for number in range(6)]
    async with db.shard_session(1) as session:
        await publish_many(session, [*events, event(9, "a", domain="signal")])
    assert await pending(db) == ["a1", "a2", "b1", "b2", "c1", "c2"]
    assert await pending(db, limit=3) == ["a1", "a2", "b1"]
    assert await pending(db, limit=None) == await pending(db)
    assert await pending(db, "x' OR '1'='1") == []
    with pytest.raises(InvalidValueError):
        await pending(db, limit=0)


async def test_delivered_failed_and_exhausted_events_are_not_pending(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        done = await publish_many(session, [event(number, "a") for number in range(5)])
    changes: list[dict[str, Any]] = [
        {"status": UniversalOutboxStatus.PUBLISHED},
        {"status": UniversalOutboxStatus.FAILED},
        {"status": UniversalOutboxStatus.DEAD_LETTER},
        {"retry_count": 3},
    ]
    async with db.shard_session(1) as session:
        for published, change in zip(done, changes, strict=False):
            chosen = UniversalOutboxEvent.id == published.event_id
            await session.execute(update(UniversalOutboxEvent).where(chosen).values(change))
    assert await pending(db) == ["a5"]


async def test_a_session_of_an_account_sees_its_events_alone(db: ShardedDatabase, account: int) -> None:
    async with db.session(account) as session:
        await publish(session, event(1, "mine"))
    shard_id = (await db.where(account)).shard_id
    async with db.shard_session(shard_id) as session:
        await publish(session, event(2, "nobody's"))
    async with db.session(account, read_only=True) as session:
        found = await OutboxRepository(session).pending("chat", limit=10)
    assert [row.partition_key for row in found] == ["mine"]
    async with db.shard_session(shard_id, read_only=True) as session:
        assert len(await OutboxRepository(session).pending("chat", limit=10)) == 2


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_reading_what_is_pending_goes_along_its_index_without_sorting(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        for turn in range(20):
            events = [event(number, f"p{number}", domain=f"d{turn % 4}") for number in range(100)]
            await publish_many(session, events)
        done = UniversalOutboxEvent.sequence_no < 5
        await session.execute(
            update(UniversalOutboxEvent).where(done).values(status=UniversalOutboxStatus.PUBLISHED)
        )
    async with db.shard_session(1) as session:
        await session.execute(text("ANALYZE TABLE universal_outbox"))
    with count_statements(db) as statements:
        async with db.shard_session(1, read_only=True) as session:
            await OutboxRepository(session).pending("d1", limit=50)
    (statement,) = statements
    query = statement
    for value in ("'d1'", "'pending'", "50"):
        query = query.replace("%s", value, 1)
    async with db.shard_session(1, read_only=True) as session:
        plan = (await session.execute(text(f"EXPLAIN {query}"))).mappings().one()
    assert plan["key"] == "idx_domain_pending"
    assert "filesort" not in plan["Extra"]
    assert int(plan["rows"]) < 600
