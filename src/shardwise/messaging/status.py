"""What became of an event, as whoever delivers it reports."""

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError
from shardwise.kit.clock import utc_now
from shardwise.messaging.models import UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.repository import OutboxRepository

_S = UniversalOutboxStatus


async def set_status(
    session: AsyncSession,
    event_id: str,
    status: UniversalOutboxStatus,
    *,
    error_message: str | None = None,
) -> UniversalOutboxEvent:
    """Change an event's status from any to any; two statements.

    `failed` counts one more try, `published` notes the moment. An event that has used up its tries is never
    delivered again, so `pending` makes it a dead letter, which the clean-ups know.

    Args:
        session: on the event's shard; the caller ends it.
        event_id: the event.
        status: its new status.
        error_message: what went wrong; None takes away what an earlier try has left.

    Returns:
        The event as it is now.

    Raises:
        EntityNotFoundError: there is no such event, or it belongs to another account than the session.
    """
    events = OutboxRepository(session)
    event = await events.find(event_id)
    if event is None:
        raise EntityNotFoundError(UniversalOutboxEvent.__name__, event_id)
    now = utc_now()
    if status is _S.PENDING and event.retry_count >= event.max_retries:
        status = _S.DEAD_LETTER
    event.status, event.error_message, event.updated_at = status, error_message, now
    if status is _S.PUBLISHED:
        event.published_at = now
    if status is _S.FAILED:
        event.retry_count += 1
    with events.translated():
        await session.flush()
    return event
