"""What is deleted, when, and what never is."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.kit.clock import utc_now
from shardwise.messaging import NewEvent, publish
from shardwise.messaging.cleanup import delete_failed, delete_published, delete_sequences
from shardwise.messaging.models import OutboxSequence, UniversalOutboxEvent, UniversalOutboxStatus

PENDING, PUBLISHED, FAILED, DEAD = UniversalOutboxStatus
CleanUp = Callable[..., Awaitable[int]]


def aged(event_id: str, **changes: Any) -> dict[str, Any]:
    """Return a row; moments are given as days ago."""
    moments = {"created_at": 400, "updated_at": 400, "published_at": None} | {
        name: value for name, value in changes.items() if name.endswith("_at")
    }
    row = {
        "account_db_key": 0,
        "id": event_id,
        "domain": "d",
        "partition_key": event_id,
        "sequence_no": 1,
        "event_type": "t",
        "aggregate_id": "a",
        "event_data": {},
        "status": PENDING,
    }
    times = {
        name: None if days is None else utc_now() - timedelta(days=days) for name, days in moments.items()
    }
    return row | changes | times


async def put(db: ShardedDatabase, *rows: dict[str, Any]) -> None:
    async with db.shard_session(1) as session:
        await session.execute(insert(UniversalOutboxEvent), list(rows))


async def left(db: ShardedDatabase) -> list[str]:
    async with db.shard_session(1, read_only=True) as session:
        statement = select(UniversalOutboxEvent.id).order_by(UniversalOutboxEvent.id)
        return [*(await session.scalars(statement)).all()]


async def clean(db: ShardedDatabase, clean_up: CleanUp, **options: Any) -> int:
    async with db.shard_session(1) as session:
        return await clean_up(session, **options)


async def test_published_events_go_7_days_after_they_were_published(db: ShardedDatabase) -> None:
    await put(
        db,
        aged("fresh", status=PUBLISHED, published_at=6.9),
        aged("old", status=PUBLISHED, published_at=7.1),
        aged("once", status=FAILED, published_at=100),
        aged("waits"),
    )
    assert await clean(db, delete_published) == 1
    assert await left(db) == ["fresh", "once", "waits"]
    assert await clean(db, delete_published, retention_days=6) == 1
    assert await clean(db, delete_published) == 0


async def test_failed_events_go_30_days_after_they_failed_not_after_they_were_made(
    db: ShardedDatabase,
) -> None:
    await put(
        db,
        aged("failed today", status=FAILED, updated_at=0),
        aged("dead today", status=DEAD, updated_at=0),
        aged("failed", status=FAILED, updated_at=30.1),
        aged("dead", status=DEAD, updated_at=30.1),
        aged("published", status=PUBLISHED, published_at=400),
        aged("waits"),
    )
    assert await clean(db, delete_failed) == 2
    assert await left(db) == ["dead today", "failed today", "published", "waits"]


async def test_counters_go_only_when_they_are_old_and_no_event_is_left(db: ShardedDatabase) -> None:
    def counter(key: str, days: float, account: int = 0) -> dict[str, Any]:
        moment = utc_now() - timedelta(days=days)
        partition = {"account_db_key": account, "domain": "d", "partition_key": key}
        return partition | {"next_sequence": 5, "updated_at": moment}

    await put(db, aged("held"), aged("held by somebody else", account_db_key=8))
    rows = [
        counter("held", 400),
        counter("held by somebody else", 400),
        counter("held", 400, account=9),
        counter("old", 90.1),
        counter("fresh", 89.9),
    ]
    async with db.shard_session(1) as session:
        await session.execute(insert(OutboxSequence), rows)
    assert await clean(db, delete_sequences) == 3
    async with db.shard_session(1, read_only=True) as session:
        kept = (await session.scalars(select(OutboxSequence.partition_key))).all()
    assert sorted(kept) == ["fresh", "held"]
    assert await clean(db, delete_sequences, retention_days=30) == 1


async def test_a_partition_without_a_counter_begins_at_1(db: ShardedDatabase) -> None:
    event = NewEvent(domain="d", partition_key="p", event_type="t", aggregate_id="a", event_data={})
    async with db.shard_session(1) as session:
        await publish(session, event)
    long_ago = utc_now() - timedelta(days=100)
    async with db.shard_session(1) as session:
        values = {"status": PUBLISHED, "published_at": long_ago}
        await session.execute(update(UniversalOutboxEvent).values(values))
        await session.execute(update(OutboxSequence).values(updated_at=long_ago))
        assert await delete_sequences(session) == 0  # its event is still there
        assert await delete_published(session) == 1
        assert await delete_sequences(session) == 1
    async with db.shard_session(1) as session:
        assert (await publish(session, event)).sequence_no == 1


async def test_many_rows_go_in_batches_and_a_job_can_take_them_in_parts(db: ShardedDatabase) -> None:
    await put(db, *(aged(f"{number:04}", status=PUBLISHED, published_at=8) for number in range(2_300)))
    assert await clean(db, delete_published, most=0) == 0
    assert await clean(db, delete_published, most=150) == 150
    assert await clean(db, delete_published) == 2_150
    await put(db, *(aged(f"{n}", status=(FAILED, DEAD)[n % 2], updated_at=31) for n in range(10)))
    assert await clean(db, delete_failed, most=7) == 7
    assert await clean(db, delete_failed, most=7) == 3


@pytest.mark.parametrize(
    ("clean_up", "days"),
    [(delete_published, 0), (delete_failed, -1), (delete_sequences, 29), (delete_published, 36_501)],
)
async def test_short_retentions_are_refused(db: ShardedDatabase, clean_up: CleanUp, days: int) -> None:
    with pytest.raises(InvalidValueError, match="retention_days"):
        await clean(db, clean_up, retention_days=days)
    with pytest.raises(InvalidValueError, match="most"):
        await clean(db, clean_up, most=-1)


async def test_an_account_s_session_deletes_its_own_rows(db: ShardedDatabase, account: int) -> None:
    shard_id = (await db.where(account)).shard_id
    rows = [aged(f"of {key}", account_db_key=key, status=PUBLISHED, published_at=9) for key in (0, account)]
    async with db.shard_session(shard_id) as session:
        await session.execute(insert(UniversalOutboxEvent), rows)
    async with db.session(account) as session:
        assert await delete_published(session) == 1
    async with db.shard_session(shard_id, read_only=True) as session:
        assert (await session.scalars(select(UniversalOutboxEvent.id))).all() == ["of 0"]


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_two_jobs_at_once_delete_each_row_once(db: ShardedDatabase) -> None:
    await put(db, *(aged(f"{number:04}", status=PUBLISHED, published_at=8) for number in range(600)))

    async def job() -> int:
        deleted = 0
        while gone := await db.with_retry(clean)(db, delete_published, most=50):
            deleted += gone
        return deleted

    assert sum(await asyncio.gather(job(), job())) == 600
    assert await left(db) == []


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_counter_in_use_is_not_deleted(db: ShardedDatabase) -> None:
    """A publisher holds the counter while the clean-up wants it, which then looks again and keeps it."""
    event = NewEvent(domain="d", partition_key="p", event_type="t", aggregate_id="a", event_data={})
    old = {"next_sequence": 7, "updated_at": utc_now() - timedelta(days=100)}
    async with db.shard_session(1) as session:
        partition = {"account_db_key": 0, "domain": "d", "partition_key": "p"}
        await session.execute(insert(OutboxSequence).values(partition | old))
    async with db.shard_session(1) as session:
        assert (await publish(session, event)).sequence_no == 7
        waiting = asyncio.create_task(clean(db, delete_sequences))
        await asyncio.sleep(0.3)
        assert not waiting.done()
    assert await waiting == 0
    async with db.shard_session(1) as session:
        assert (await publish(session, event)).sequence_no == 8
        assert await session.scalar(select(func.count()).select_from(OutboxSequence)) == 1


async def rows_read(session: AsyncSession) -> int:
    """Return how many rows the connection has read along an index."""
    return int((await session.execute(text("SHOW SESSION STATUS LIKE 'Handler_read_next'"))).one()[1])


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_each_batch_goes_on_where_the_last_one_ended(db: ShardedDatabase) -> None:
    """However much a clean-up keeps, or has deleted already, it passes by it once."""
    counters = [
        {
            "account_db_key": number % 3,
            "domain": "d",
            "partition_key": f"{number:05}",
            "next_sequence": 2,
            "updated_at": utc_now() - timedelta(days=0 if number < 9_000 else 100),
        }
        for number in range(12_000)
    ]
    kept = [aged(f"kept {n:04}", status=DEAD, updated_at=0) for n in range(2_000)]
    gone = [aged(f"gone {n:04}", status=DEAD, created_at=300 - n / 100, updated_at=200) for n in range(5_000)]
    await put(db, *kept, *gone)
    async with db.shard_session(1) as session:
        await session.execute(insert(OutboxSequence), counters)
    async with db.shard_session(1) as session:
        await session.execute(text("ANALYZE TABLE outbox_sequences, universal_outbox"))
        before = await rows_read(session)
        assert await delete_failed(session) == 5_000
        for_events = await rows_read(session)
        assert await delete_sequences(session) == 3_000
        for_counters = await rows_read(session)
    assert for_events - before < 1.5 * 7_000
    assert for_counters - for_events < 3 * 12_000
