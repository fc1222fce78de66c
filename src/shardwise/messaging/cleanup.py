"""Deleting what the outbox no longer needs, in statements that lock few rows each.

All of them work in the caller's transaction. A job calls them with `most`, a transaction each, until they
return less than that; a session that is pinned to an account deletes rows of that account alone.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import InvalidValueError
from shardwise.kit.clock import utc_now
from shardwise.messaging.models import UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.repository import Moment, OutboxRepository, SequenceRepository

PUBLISHED_DAYS = 7
FAILED_DAYS = 30
SEQUENCE_DAYS = 90
LEAST_SEQUENCE_DAYS = 30
_LONGEST_DAYS = 36_500
_BATCH = 1_000
_SECOND = timedelta(seconds=1)
_SEQUENCE_BATCH = 500  # SQLite takes no more than 1,000 terms of an OR

_event = UniversalOutboxEvent


async def delete_published(
    session: AsyncSession, *, retention_days: int = PUBLISHED_DAYS, most: int | None = None
) -> int:
    """Delete events that were published so many days ago.

    Args:
        session: on a shard; the caller ends it.
        retention_days: 1 to 36,500.
        most: stop after about so many rows (whole batches of up to 1,000); None = all.

    Returns:
        How many were deleted.

    Raises:
        InvalidValueError: a number is out of its range.
    """
    before = _moment(retention_days, least=1)
    old = and_(_event.status == UniversalOutboxStatus.PUBLISHED, _event.published_at < before)
    return await _delete_events(session, old, most, by=_event.published_at)


async def delete_failed(
    session: AsyncSession, *, retention_days: int = FAILED_DAYS, most: int | None = None
) -> int:
    """Delete events that failed, or became dead letters, so many days ago; arguments as `delete_published`.

    The moment is that of the last change: an event that waited long and failed today is kept.
    """
    before = _moment(retention_days, least=1)
    deleted = 0
    for status in (UniversalOutboxStatus.FAILED, UniversalOutboxStatus.DEAD_LETTER):
        # Nothing changes before it is made, and created_at is what the index has.
        old = and_(_event.status == status, _event.created_at < before, _event.updated_at < before)
        left = None if most is None else most - deleted
        deleted += await _delete_events(session, old, left, by=_event.created_at)
    return deleted


async def delete_sequences(
    session: AsyncSession, *, retention_days: int = SEQUENCE_DAYS, most: int | None = None
) -> int:
    """Delete the counters of partitions that hold no event and weren't used for so many days.

    A partition that is used again after that begins at 1. No two events that are stored ever have one
    number, since a counter goes only when no event is left, under its lock; but receivers must know events by
    their id, not by their number.

    Args:
        session: on a shard; the caller ends it.
        retention_days: 30 to 36,500, longer than any event is kept after its end.
        most: as `delete_published`.
    """
    before = _moment(retention_days, least=LEAST_SEQUENCE_DAYS)
    _check_most(most)
    sequences = SequenceRepository(session)
    deleted, last = 0, None
    while most is None or deleted < most:
        limit = _SEQUENCE_BATCH if most is None else min(_SEQUENCE_BATCH, most - deleted)
        old = await sequences.untouched(before, behind=last, limit=limit)
        if not old:
            break
        if unused := await sequences.unused(old, before):
            deleted += await sequences.delete_unused(unused, before)
        last = old[-1]
    return deleted


async def _delete_events(
    session: AsyncSession, old: ColumnElement[bool], most: int | None, *, by: Moment
) -> int:
    events = OutboxRepository(session)
    since: list[ColumnElement[bool]] = []

    async def delete_batch(limit: int) -> int:
        # Found without a lock and deleted by key: a DELETE over the index would lock the gaps in it too,
        # where events are being marked at this moment.
        found = await events.oldest(old, *since, by=by, limit=limit)
        if not found:
            return 0
        # What this transaction has deleted stays in the index until it ends: each batch goes on where the
        # last one ended. (Within a second: SQLite also has moments without fractions, which sort lower.)
        ids, first, last = [event_id for event_id, _ in found], found[0][1], found[-1][1]
        since[:] = [by >= last - _SECOND]
        batch = [_event.id.in_(ids), by >= first - _SECOND, by <= last + _SECOND]
        return await events.delete_many([*batch, old])

    return await _in_batches(delete_batch, most)


async def _in_batches(delete_batch: Callable[[int], Awaitable[int]], most: int | None) -> int:
    _check_most(most)
    deleted = 0
    while most is None or deleted < most:
        gone = await delete_batch(_BATCH if most is None else min(_BATCH, most - deleted))
        if not gone:  # nothing is left, or another job is at it and this snapshot still shows its rows
            break
        deleted += gone
    return deleted


def _check_most(most: int | None) -> None:
    if most is not None and most < 0:
        raise InvalidValueError("most", f"{most} is below 0")


def _moment(retention_days: int, *, least: int) -> datetime:
    if type(retention_days) is not int or not least <= retention_days <= _LONGEST_DAYS:
        raise InvalidValueError("retention_days", f"it must be from {least} to {_LONGEST_DAYS}")
    return utc_now() - timedelta(days=retention_days)
