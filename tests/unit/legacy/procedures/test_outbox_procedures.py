"""The old procedures of the outbox, called as old programs call them."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.kit.clock import utc_now
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Rows
from shardwise.legacy.registry import find_procedure
from shardwise.messaging.models import OutboxSequence, UniversalOutboxEvent
from shardwise.testing.counting import count_statements

MISSING = {"result": "NOT_FOUND", "message": "Event not found"}
UPDATED = {"result": "SUCCESS", "message": "Event status updated"}


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=1)


async def publish(db: ShardedDatabase, partition: str = "r", domain: str = "chat") -> dict[str, Any]:
    values = (domain, partition, "message_sent", "m-1", '{"b": 1, "이름": [null, 1.5]}')
    (row,) = await call(db, "fp_universal_outbox_publish", *values)
    return row


async def pending(db: ShardedDatabase, batch: int | None = 10) -> list[tuple[str, int]]:
    rows = await call(db, "fp_universal_outbox_get_pending", "chat", batch)
    return [(row["partition_key"], row["sequence_no"]) for row in rows]


async def stored(db: ShardedDatabase, event_id: str) -> UniversalOutboxEvent:
    async with db.shard_session(1, read_only=True) as session:
        found = await session.scalars(select(UniversalOutboxEvent).where(UniversalOutboxEvent.id == event_id))
        return found.one()


async def test_publishing_and_fetching(db: ShardedDatabase) -> None:
    row = await publish(db)
    assert list(row) == ["result", "event_id", "sequence_no"]
    assert (row["result"], row["sequence_no"], len(row["event_id"])) == ("SUCCESS", 1, 36)
    assert str(uuid.UUID(row["event_id"])) == row["event_id"]
    (found,) = await call(db, "fp_universal_outbox_get_pending", "chat", None)
    procedure = find_procedure("fp_universal_outbox_get_pending")
    assert procedure is not None
    assert tuple(found) == procedure.results[0]
    assert {name: found[name] for name in ("id", "domain", "partition_key", "event_type")} == {
        "id": row["event_id"],
        "domain": "chat",
        "partition_key": "r",
        "event_type": "message_sent",
    }
    assert isinstance(found["event_data"], str)
    assert json.loads(found["event_data"]) == {"b": 1, "이름": [None, 1.5]}
    assert (found["retry_count"], found["max_retries"], found["created_at"].tzinfo) == (0, 3, None)


async def test_publishing_takes_three_statements_at_most(db: ShardedDatabase) -> None:
    with count_statements(db) as statements:
        await publish(db)
    assert len(statements) == 2


async def test_the_size_of_a_batch(db: ShardedDatabase) -> None:
    for number in range(12):
        await publish(db, partition=f"p{number:02}")
    assert len(await pending(db, None)) == 10
    assert await pending(db, 2) == [("p00", 1), ("p01", 1)]
    assert await pending(db, 0) == []
    assert len(await pending(db, 20_000)) == 12
    with pytest.raises(InvalidValueError, match="p_batch_size"):
        await pending(db, -1)
    with pytest.raises(InvalidValueError, match="p_domain"):
        await call(db, "fp_universal_outbox_get_pending", None, 1)
    assert await call(db, "fp_universal_outbox_get_pending", "chat' OR '1'='1", 5) == []


async def test_the_sequence_function_shares_its_numbers_with_publishing(db: ShardedDatabase) -> None:
    assert await call(db, "fn_get_next_sequence", "chat", "r") == [{"fn_get_next_sequence": 1}]
    assert (await publish(db))["sequence_no"] == 2
    assert await call(db, "fn_get_next_sequence", "chat", "r") == [{"fn_get_next_sequence": 3}]
    assert await call(db, "fn_get_next_sequence", "chat", "s") == [{"fn_get_next_sequence": 1}]


async def test_what_became_of_an_event(db: ShardedDatabase) -> None:
    event_id = (await publish(db))["event_id"]
    name = "fp_universal_outbox_update_status"
    assert await call(db, name, event_id, "failed", "no answer") == [UPDATED]
    event = await stored(db, event_id)
    assert (event.status, event.retry_count, event.error_message) == ("failed", 1, "no answer")
    assert await pending(db) == []
    assert await call(db, name, event_id, "PENDING", None) == [UPDATED]
    assert await pending(db) == [("r", 1)]
    assert await call(db, name, event_id, "published", None) == [UPDATED]
    assert await call(db, name, event_id, "published", None) == [UPDATED]
    event = await stored(db, event_id)
    assert (event.status, event.retry_count, event.error_message) == ("published", 1, None)
    assert event.published_at is not None
    assert await call(db, name, "nothing", "published", None) == [MISSING]
    assert await call(db, name, None, "published", None) == [MISSING]
    with pytest.raises(InvalidValueError, match="p_status"):
        await call(db, name, event_id, "sent", None)
    with pytest.raises(InvalidValueError, match="p_status"):
        await call(db, name, event_id, None, None)


async def test_the_short_names(db: ShardedDatabase) -> None:
    event_id = (await publish(db))["event_id"]
    assert await call(db, "fp_universal_outbox_mark_failed", event_id, "it rained") == [UPDATED]
    assert (await stored(db, event_id)).error_message == "it rained"
    assert await call(db, "fp_universal_outbox_mark_published", event_id) == [UPDATED]
    assert (await stored(db, event_id)).status == "published"
    assert await call(db, "fp_universal_outbox_mark_published", "nothing") == [MISSING]


def cleaned(count: int, days: int) -> dict[str, Any]:
    return {"result": "SUCCESS", "deleted_count": count, "retention_period": f"{days} days"}


@pytest.mark.parametrize(
    ("name", "given", "days"),
    [
        ("fp_universal_outbox_cleanup_published", None, 7),
        ("fp_universal_outbox_cleanup_published", 0, 7),
        ("fp_universal_outbox_cleanup_published", -5, 7),
        ("fp_universal_outbox_cleanup_published", 1, 1),
        ("fp_universal_outbox_cleanup_published", 1_000_000, 1_000_000),
        ("fp_universal_outbox_cleanup_failed", None, 30),
        ("fp_universal_outbox_cleanup_failed", 0, 30),
        ("fp_universal_outbox_cleanup_failed", 2, 2),
        ("fp_universal_outbox_cleanup_sequences", None, 90),
        ("fp_universal_outbox_cleanup_sequences", 29, 90),
        ("fp_universal_outbox_cleanup_sequences", 30, 30),
    ],
)
async def test_periods_that_are_missing_or_short_are_the_usual_ones(
    db: ShardedDatabase, name: str, given: int | None, days: int
) -> None:
    await publish(db)
    assert await call(db, name, given) == [cleaned(0, days)]
    assert await pending(db) == [("r", 1)]


async def test_cleaning_up(db: ShardedDatabase) -> None:
    ids = [(await publish(db, partition=f"p{number}"))["event_id"] for number in range(3)]
    await call(db, "fp_universal_outbox_mark_published", ids[0])
    await call(db, "fp_universal_outbox_mark_failed", ids[1], None)
    old = utc_now() - timedelta(days=95)
    async with db.shard_session(1) as session:
        await session.execute(update(UniversalOutboxEvent).values(created_at=old, updated_at=old))
        await session.execute(
            update(UniversalOutboxEvent)
            .where(UniversalOutboxEvent.status == "published")
            .values(published_at=old, updated_at=old)
        )
        await session.execute(update(OutboxSequence).values(updated_at=old))
    three = [cleaned(1, 94), cleaned(1, 94), cleaned(2, 94)]
    assert await call(db, "fp_universal_outbox_cleanup", 94) == three
    assert await call(db, "fp_universal_outbox_cleanup") == [cleaned(0, 7), cleaned(0, 30), cleaned(0, 90)]
    assert await pending(db) == [("p2", 1)]


async def test_null_and_empty_texts_are_refused(db: ShardedDatabase) -> None:
    values = ["chat", "r", "message_sent", "m-1", "{}"]
    for place in range(5):
        for nothing in (None, ""):
            given = [*values[:place], nothing, *values[place + 1 :]]
            with pytest.raises(InvalidValueError):
                await call(db, "fp_universal_outbox_publish", *given)
    with pytest.raises(InvalidValueError):
        await call(db, "fn_get_next_sequence", "chat", None)
    assert (await publish(db))["sequence_no"] == 1


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_32_callers_publish_without_gap(db: ShardedDatabase) -> None:
    rows = await asyncio.gather(*(publish(db) for _ in range(32)))
    assert sorted(row["sequence_no"] for row in rows) == list(range(1, 33))
