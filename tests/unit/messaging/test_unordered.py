"""The older outbox."""

from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.errors import DuplicateEntityError, InvalidValueError
from shardwise.messaging import NewUnorderedEvent, publish_unordered
from shardwise.messaging.models import OutboxEvent, OutboxStatus
from shardwise.testing.counting import count_statements


def event(**changes: Any) -> NewUnorderedEvent:
    values = {
        "event_type": "trade.executed",
        "aggregate_type": "trade",
        "aggregate_id": "t-1",
        "event_data": {"quantity": "3"},
    }
    return NewUnorderedEvent(**(values | changes))


async def test_it_is_a_row_of_the_caller_s_transaction(db: ShardedDatabase, account: int) -> None:
    with count_statements(db) as statements:
        async with db.session(account) as session:
            event_id = await publish_unordered(session, event())
    assert len(statements) == 1
    async with db.session(account, read_only=True) as session:
        (row,) = (await session.scalars(select(OutboxEvent))).all()
    assert (row.id, row.account_db_key, row.status) == (event_id, account, OutboxStatus.PENDING)
    assert (row.event_type, row.aggregate_type, row.aggregate_id) == ("trade.executed", "trade", "t-1")
    assert (row.event_data, row.retry_count, row.max_retries) == ({"quantity": "3"}, 0, 3)


async def test_a_rollback_takes_it_back_and_an_id_counts_once(db: ShardedDatabase) -> None:
    with pytest.raises(ZeroDivisionError):
        async with db.shard_session(1) as session:
            await publish_unordered(session, event(event_id="one"))
            raise ZeroDivisionError
    async with db.shard_session(1) as session:
        assert await publish_unordered(session, event(event_id="one")) == "one"
    with pytest.raises(DuplicateEntityError):
        async with db.shard_session(1) as session:
            await publish_unordered(session, event(event_id="one"))
    async with db.shard_session(1, read_only=True) as session:
        assert (await session.scalars(select(OutboxEvent.account_db_key))).all() == [0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_type", ""),
        ("aggregate_type", "x" * 51),
        ("aggregate_id", "x" * 101),
        ("event_data", None),
        ("event_id", ""),
    ],
)
def test_what_does_not_fit_is_refused(field: str, value: Any) -> None:
    with pytest.raises(InvalidValueError) as raised:
        event(**{field: value})
    assert raised.value.field == field
