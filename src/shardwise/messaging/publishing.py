"""Publishing: events are rows of the caller's own transaction, numbered in their partition.

A partition's counter stays locked from here to the end of the transaction: publish late in it. A unit of work
that publishes in several partitions does so by one `publish_many`, which takes the locks in one order.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.kit.ids import new_text_id
from shardwise.messaging.models import NO_ACCOUNT
from shardwise.messaging.repository import OutboxRepository, SequenceRepository
from shardwise.messaging.values import NewEvent, Published, check_word
from shardwise.routing.directory import check_key

_Partition = tuple[int, str, str]


async def publish(session: AsyncSession, event: NewEvent) -> Published:
    """Write an event in the caller's transaction, with the next number of its partition; two statements.

    It is delivered if the transaction commits; a rollback leaves neither the event nor a gap. After an
    error leave the session's block with it: a commit would keep the number without the event.

    Args:
        session: on the shard that the event belongs to; the caller ends it.
        event: the event.

    Raises:
        DuplicateEntityError: an event has this id already.
        CrossAccountAccessError: the session is pinned to another account.
        TransientDatabaseError: the database gave the transaction up; run the whole unit of work again.
    """
    return (await publish_many(session, [event]))[0]


async def publish_many(session: AsyncSession, events: Sequence[NewEvent]) -> Sequence[Published]:
    """Write several events as `publish` does: one statement a partition, and one for all events.

    Events of one partition are numbered in the order given.

    Returns:
        What was published, in the order given.
    """
    if not events:
        return []
    partitions = [_partition(session, event) for event in events]
    counts = Counter(partitions)
    sequences = SequenceRepository(session)
    # Two transactions that publish in the same partitions meet at the first one, not crosswise.
    numbers = {
        partition: iter(range(first, first + count))
        for partition, count in sorted(counts.items())
        for first in [await sequences.take(*partition, count=count)]
    }
    rows = [
        {
            "account_db_key": partition[0],
            "id": event.event_id or new_text_id(),
            "domain": event.domain,
            "partition_key": event.partition_key,
            "sequence_no": next(numbers[partition]),
            "event_type": event.event_type,
            "aggregate_id": event.aggregate_id,
            "event_data": event.event_data,
        }
        for event, partition in zip(events, partitions, strict=True)
    ]
    await OutboxRepository(session).add(rows)
    return [Published(event_id=row["id"], sequence_no=row["sequence_no"]) for row in rows]


async def next_number(session: AsyncSession, domain: str, partition_key: str) -> int:
    """Take the next number of a partition for an event that the caller writes himself.

    For callers of the old function: a number that is taken without an event is a gap.
    """
    check_word("domain", domain)
    check_word("partition_key", partition_key)
    return await SequenceRepository(session).take(account_of(session, None), domain, partition_key)


def account_of(session: AsyncSession, account_db_key: int | None) -> int:
    """Return whose event it is: as said, else the account of a pinned session, else nobody's.

    Raises:
        InvalidValueError: it is no account key.
    """
    if account_db_key is None:
        account_db_key = getattr(session, "account_db_key", None)
    return NO_ACCOUNT if account_db_key is None else check_key(account_db_key)


def _partition(session: AsyncSession, event: NewEvent) -> _Partition:
    return account_of(session, event.account_db_key), event.domain, event.partition_key
