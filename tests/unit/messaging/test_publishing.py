"""Publishing in the caller's transaction: numbers in order, no gap, two statements."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.errors import CrossAccountAccessError, DuplicateEntityError, InvalidValueError
from shardwise.messaging import NewEvent, Published, publish, publish_many
from shardwise.messaging.models import OutboxSequence, UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.publishing import next_number
from shardwise.testing.counting import count_statements

NOBODY = 0
DATA = {"text": "x'); DROP TABLE universal_outbox; -- \\\" %s", "名前": ["✓", 1.5, None]}


def event(number: int = 0, *, partition: str = "room-1", **changes: Any) -> NewEvent:
    values = {
        "domain": "chat",
        "partition_key": partition,
        "event_type": "message_sent",
        "aggregate_id": f"message-{number}",
        "event_data": {"number": number},
    }
    return NewEvent(**(values | changes))


async def stored(db: ShardedDatabase, shard_id: int = 1) -> Sequence[UniversalOutboxEvent]:
    order = (UniversalOutboxEvent.account_db_key, UniversalOutboxEvent.partition_key)
    async with db.shard_session(shard_id, read_only=True) as session:
        statement = select(UniversalOutboxEvent).order_by(*order, UniversalOutboxEvent.sequence_no)
        return (await session.scalars(statement)).all()


async def numbers(db: ShardedDatabase, shard_id: int = 1) -> list[int]:
    return [row.sequence_no for row in await stored(db, shard_id)]


async def test_events_are_stored_as_given_and_numbered_from_1(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        first = await publish(session, event(1, event_data=DATA))
        second = await publish(session, event(2))
        other = await publish(session, event(3, partition="room-2"))
    assert [first.sequence_no, second.sequence_no, other.sequence_no] == [1, 2, 1]
    row, *_ = await stored(db)
    assert (row.id, row.account_db_key, row.domain, row.partition_key) == (
        first.event_id,
        NOBODY,
        "chat",
        "room-1",
    )
    assert (row.event_type, row.aggregate_id, row.event_data) == ("message_sent", "message-1", DATA)
    assert (row.status, row.retry_count, row.max_retries) == (UniversalOutboxStatus.PENDING, 0, 3)
    assert (row.published_at, row.error_message) == (None, None)
    assert await stored(db, 2) == []


async def test_publishing_takes_two_statements(db: ShardedDatabase, account: int) -> None:
    with count_statements(db) as first_of_partition:
        async with db.session(account) as session:
            await publish(session, event())
    with count_statements(db) as next_of_partition:
        async with db.session(account) as session:
            await publish(session, event())
    assert len(first_of_partition) == len(next_of_partition) == 2


async def test_an_account_s_session_gives_its_account_and_numbers_for_it_alone(
    db: ShardedDatabase, account: int
) -> None:
    async with db.session(account) as session:
        mine = await publish(session, event())
    shard_id = (await db.where(account)).shard_id
    async with db.shard_session(shard_id) as session:
        nobodys = await publish(session, event())
        again = await publish(session, event(account_db_key=account))
    async with db.sharded_session() as session:
        routed = await publish(session, event(account_db_key=account))
    assert (mine.sequence_no, nobodys.sequence_no, again.sequence_no, routed.sequence_no) == (1, 1, 2, 3)
    owners = [(row.account_db_key, row.sequence_no) for row in await stored(db, shard_id)]
    assert owners == [(NOBODY, 1), (account, 1), (account, 2), (account, 3)]


@pytest.mark.parametrize("stranger", [NOBODY, 77])
async def test_an_event_of_another_account_is_refused(
    db: ShardedDatabase, account: int, stranger: int
) -> None:
    with pytest.raises(CrossAccountAccessError):
        async with db.session(account) as session:
            await publish(session, event(account_db_key=stranger))
    assert await stored(db, (await db.where(account)).shard_id) == []


class UndoneError(Exception):
    """What a publisher rolls back with."""


async def test_a_rollback_leaves_neither_event_nor_gap(db: ShardedDatabase) -> None:
    for number in range(3):
        with pytest.raises(UndoneError):
            async with db.shard_session(1) as session:
                await publish(session, event(number))
                raise UndoneError
        async with db.shard_session(1) as session:
            await publish(session, event(number))
    assert await numbers(db) == [1, 2, 3]


async def test_an_id_that_is_taken_is_refused_and_leaves_no_gap(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        assert (await publish(session, event(event_id="one"))).event_id == "one"
    with pytest.raises(DuplicateEntityError):
        async with db.shard_session(1) as session:
            await publish(session, event(event_id="one"))
    async with db.shard_session(1) as session:
        assert (await publish(session, event())).sequence_no == 2


async def test_many_take_one_step_a_partition_and_one_insert(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        await publish(session, event(partition="b"))
        assert await publish_many(session, []) == []
    events = [event(number, partition="ab"[number % 2]) for number in range(10)]
    with count_statements(db) as statements:
        async with db.shard_session(1) as session:
            published = await publish_many(session, events)
    assert len(statements) == 3
    assert [done.sequence_no for done in published] == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    by_id = {row.id: row for row in await stored(db)}
    for given, done in zip(events, published, strict=True):
        row = by_id[done.event_id]
        assert (row.aggregate_id, row.sequence_no) == (given.aggregate_id, done.sequence_no)
    async with db.shard_session(1) as session:
        assert (await publish(session, event(partition="a"))).sequence_no == 6


async def test_a_number_can_be_taken_without_an_event(db: ShardedDatabase) -> None:
    with count_statements(db) as statements:
        async with db.shard_session(1) as session:
            assert await next_number(session, "chat", "room-1") == 1
    assert len(statements) == 1
    async with db.shard_session(1) as session:
        assert await next_number(session, "chat", "room-1") == 2
        assert (await publish(session, event())).sequence_no == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", ""),
        ("domain", "x" * 51),
        ("partition_key", "x" * 129),
        ("event_type", 5),
        ("aggregate_id", "\ud83d"),
        ("event_id", "x" * 37),
        ("event_data", None),
        ("event_data", {"a": float("nan")}),
        ("event_data", {"a": object()}),
    ],
)
def test_what_cannot_be_stored_is_refused_before_anything_is_asked(field: str, value: Any) -> None:
    with pytest.raises(InvalidValueError) as raised:
        event(**{field: value})
    assert raised.value.field == field


async def test_the_longest_values_fit(db: ShardedDatabase) -> None:
    longest = {
        "domain": "d" * 50,
        "partition": "🙂" * 128,
        "event_type": "t" * 100,
        "aggregate_id": "é" * 128,
        "event_id": "i" * 36,
    }
    async with db.shard_session(1) as session:
        await publish(session, event(**longest))
    (row,) = await stored(db)
    assert (row.partition_key, row.aggregate_id) == ("🙂" * 128, "é" * 128)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
@pytest.mark.parametrize("partitions", [1, 8])
async def test_32_tasks_number_new_partitions_without_gap_in_commit_order(
    db: ShardedDatabase, account: int, partitions: int
) -> None:
    committed: dict[str, list[int]] = defaultdict(list)

    @db.with_retry
    async def publish_one(task: int, turn: int) -> tuple[str, Published]:
        partition = f"p{(task + turn) % partitions}"
        async with db.session(account) as session:
            done = await publish(session, event(turn, partition=partition))
            if (task + turn) % 5 == 0:
                raise UndoneError
            # The row's lock is held: no other task can be between here and its own commit.
            committed[partition].append(done.sequence_no)
        return partition, done

    async def work(task: int) -> list[tuple[str, Published]]:
        finished = []
        for turn in range(6):
            try:
                finished.append(await publish_one(task, turn))
            except UndoneError:
                continue
        return finished

    told = [done for task in await asyncio.gather(*map(work, range(32))) for done in task]
    rows = await stored(db, (await db.where(account)).shard_id)
    assert {(row.partition_key, row.id, row.sequence_no) for row in rows} == {
        (partition, done.event_id, done.sequence_no) for partition, done in told
    }
    assert len(committed) == partitions
    for sequence in committed.values():
        assert sequence == list(range(1, len(sequence) + 1))
    assert sum(map(len, committed.values())) == len(rows)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_many_partitions_at_once_do_not_deadlock(db: ShardedDatabase) -> None:
    """The locks are taken in one order, whatever order the events are in. (No retry here.)"""
    async with db.shard_session(1) as session:
        await publish_many(session, [event(partition=f"p{number}") for number in range(4)])

    async def work(task: int) -> None:
        async with db.shard_session(1) as session:
            order = range(4) if task % 2 else reversed(range(4))
            await publish_many(session, [event(task, partition=f"p{number}") for number in order])

    await asyncio.gather(*map(work, range(24)))
    async with db.shard_session(1, read_only=True) as session:
        assert (await session.scalars(select(OutboxSequence.next_sequence))).all() == [26] * 4
