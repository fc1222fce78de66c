"""All SQL for the outbox and its numbering."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, func, insert, or_, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import Insert

from shardwise.errors import DatabaseError
from shardwise.kit.clock import utc_now
from shardwise.messaging.models import (
    OutboxEvent,
    OutboxSequence,
    UniversalOutboxEvent,
    UniversalOutboxStatus,
)
from shardwise.repository import BaseRepository
from shardwise.repository.keys import with_keys

_SEQUENCES: Any = OutboxSequence.__table__
_EVENTS: Any = UniversalOutboxEvent.__table__
Moment = InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
PartitionKey = tuple[Any, ...]
_PARTITION = ("account_db_key", "domain", "partition_key")
_KEY = [getattr(OutboxSequence, name) for name in _PARTITION]


class SequenceRepository(BaseRepository[OutboxSequence]):
    """The numbering of partitions, in a session that the caller ends."""

    async def take(self, account_db_key: int, domain: str, partition_key: str, *, count: int = 1) -> int:
        """Return the first of `count` new numbers of a partition, in one statement.

        The partition's row stays locked until the transaction ends. So the next publisher gets its number
        only after this one has committed or rolled back: numbers are in commit order, without gaps.
        """
        partition = dict(
            zip(_PARTITION, (account_db_key, domain, partition_key), strict=True), updated_at=utc_now()
        )
        is_sqlite = await self._dialect(partition) == "sqlite"
        with self.translated():
            await self.session.flush()  # a row that is refused is refused before anything is numbered
            result: Any = await self.session.execute(
                _STEP_SQLITE if is_sqlite else _STEP_MYSQL, partition | {"count": count, "first": count + 1}
            )
            following: int = result.scalar_one() if is_sqlite else result.lastrowid
        if following <= count:
            raise DatabaseError(
                f"the database didn't say the number it gave in {domain!r}, {partition_key!r}"
            )
        return following - count

    async def untouched(
        self, before: datetime, *, behind: PartitionKey | None, limit: int
    ) -> Sequence[PartitionKey]:
        """Return the keys of partitions that weren't used since `before`, in their order.

        Args:
            before: the moment.
            behind: only those that come after this key.
            limit: how many at most.
        """
        conditions = [*self.own_rows(), OutboxSequence.updated_at < before]
        if behind is not None:
            conditions.append(_is_behind(_KEY, behind))
        return await self._keys(select(*_KEY).where(*conditions).order_by(*_KEY).limit(limit))

    async def unused(self, keys: Sequence[PartitionKey], before: datetime) -> Sequence[PartitionKey]:
        """Return the keys of those partitions that weren't used since `before` and hold no event."""
        # Asked for few partitions at a time: for all of them a server may first gather all events.
        conditions = [*self.own_rows(), with_keys(self.shape, list(keys)), _is_unused(before)]
        return await self._keys(select(*_KEY).where(*conditions))

    async def _keys(self, statement: Select[Any]) -> Sequence[PartitionKey]:
        with self.translated():
            return [tuple(row) for row in await self.session.execute(statement)]

    async def delete_unused(self, keys: Sequence[PartitionKey], before: datetime) -> int:
        """Delete partitions that are unused still, now under their lock; return how many were."""
        conditions = [*self.own_rows(), with_keys(self.shape, list(keys)), _is_unused(before)]
        return await self._execute_on_many(delete(OutboxSequence).where(*conditions))


class OutboxRepository(BaseRepository[UniversalOutboxEvent]):
    """Numbered events, in a session that the caller ends."""

    max_limit = (1 << 31) - 1

    async def pending(self, domain: str, *, limit: int | None) -> Sequence[UniversalOutboxEvent]:
        """Return events of a domain that are to be delivered, by partition and number.

        In a session that is pinned to an account those of the account, else those of the whole shard.
        Nothing is claimed or locked.

        Args:
            domain: the domain.
            limit: events at most, 1 or more; None = all.
        """
        event = UniversalOutboxEvent
        filters = [
            event.domain == domain,
            event.status == UniversalOutboxStatus.PENDING,
            event.retry_count < event.max_retries,
        ]
        order = (event.partition_key, event.sequence_no, event.account_db_key)
        return await self.list(filters, order_by=order, limit=limit)

    async def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store new events, whose values have been checked, in one executemany."""
        with self.translated():
            await self.session.execute(insert(_EVENTS), rows)

    async def find(self, event_id: str) -> UniversalOutboxEvent | None:
        """Return an event as it is now, locked until the transaction ends."""
        statement = self.query({"id": event_id}).with_for_update()
        with self.translated():
            event: UniversalOutboxEvent | None = await self.session.scalar(
                statement, execution_options={"populate_existing": True}
            )
        return event

    async def oldest(
        self, *conditions: ColumnElement[bool], by: Moment, limit: int
    ) -> Sequence[tuple[str, datetime]]:
        """Return ids of events with some properties, and their moments, earliest first."""
        statement = select(UniversalOutboxEvent.id, by).where(*self.own_rows(), *conditions, by.is_not(None))
        with self.translated():
            rows: Any = await self.session.execute(statement.order_by(by).limit(limit))
        return [tuple(row) for row in rows]


class UnorderedRepository(BaseRepository[OutboxEvent]):
    """Events of the older outbox, in a session that the caller ends."""


def _is_behind(columns: Sequence[Any], key: PartitionKey) -> ColumnElement[bool]:
    """Return the condition that a row's key comes after another one, as servers find it along an index."""
    column, value = columns[0], key[0]
    above: ColumnElement[bool] = column > value
    return or_(above, and_(column == value, _is_behind(columns[1:], key[1:]))) if key[1:] else above


def _is_unused(before: datetime) -> ColumnElement[bool]:
    event = UniversalOutboxEvent
    same = (getattr(event, name) == getattr(OutboxSequence, name) for name in _PARTITION)
    return and_(OutboxSequence.updated_at < before, ~exists().where(*same))


def _step_mysql() -> Insert:
    # LAST_INSERT_ID(x) also makes x the insert id of the statement, which comes back without a second one.
    values = {"next_sequence": func.last_insert_id(bindparam("first"))}
    statement = mysql.insert(_SEQUENCES).values(values)
    more = func.last_insert_id(_SEQUENCES.c.next_sequence + bindparam("count"))
    return statement.on_duplicate_key_update(next_sequence=more, updated_at=statement.inserted.updated_at)


def _step_sqlite() -> Any:
    statement = sqlite.insert(_SEQUENCES).values({"next_sequence": bindparam("first")})
    more = {
        "next_sequence": _SEQUENCES.c.next_sequence + bindparam("count"),
        "updated_at": statement.excluded.updated_at,
    }
    upsert = statement.on_conflict_do_update(index_elements=list(_PARTITION), set_=more)
    return upsert.returning(_SEQUENCES.c.next_sequence)


_STEP_MYSQL, _STEP_SQLITE = _step_mysql(), _step_sqlite()
