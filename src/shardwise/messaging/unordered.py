"""The older outbox: events without partitions, for callers who need no order."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.kit.ids import new_text_id
from shardwise.messaging.publishing import account_of
from shardwise.messaging.repository import UnorderedRepository
from shardwise.messaging.values import check_json, check_optional_id, check_word


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnorderedEvent:
    """An event to be published in no order; checked when it is made.

    Args:
        event_type: what happened, 1 to 100 characters.
        aggregate_type: the kind of thing that it happened to, 1 to 50 characters.
        aggregate_id: the thing, 1 to 100 characters.
        event_data: what JSON can hold, except null.
        account_db_key: whose event it is; None = the account that the session is pinned to, or nobody's.
        event_id: 1 to 36 characters, never used before; None for a new one.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    event_type: str
    aggregate_type: str
    aggregate_id: str
    event_data: Any
    account_db_key: int | None = None
    event_id: str | None = None

    def __post_init__(self) -> None:
        check_word("event_type", self.event_type)
        check_word("aggregate_type", self.aggregate_type)
        check_word("aggregate_id", self.aggregate_id, longest=100)
        check_optional_id(self.event_id)
        check_json("event_data", self.event_data)


async def publish_unordered(session: AsyncSession, event: NewUnorderedEvent) -> str:
    """Write an event in the caller's transaction, with one statement; return its id.

    Args:
        session: on the shard that the event belongs to; the caller ends it.
        event: the event.

    Raises:
        DuplicateEntityError: an event has this id already.
        CrossAccountAccessError: the session is pinned to another account.
    """
    event_id = event.event_id or new_text_id()
    row = {
        "account_db_key": account_of(session, event.account_db_key),
        "id": event_id,
        "event_type": event.event_type,
        "aggregate_type": event.aggregate_type,
        "aggregate_id": event.aggregate_id,
        "event_data": event.event_data,
    }
    await UnorderedRepository(session).create_many([row])
    return event_id
