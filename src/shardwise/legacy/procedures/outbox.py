"""The old procedures of the outbox."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.kit.ids import new_text_id
from shardwise.legacy.parameters import Parameter, i32, json_document, text, word
from shardwise.legacy.procedure import Call, Procedure, Rows, Scope
from shardwise.legacy.rows import json_text
from shardwise.legacy.rows import status as status_row
from shardwise.messaging import cleanup
from shardwise.messaging.models import UniversalOutboxEvent, UniversalOutboxStatus
from shardwise.messaging.publishing import next_number, publish
from shardwise.messaging.repository import OutboxRepository
from shardwise.messaging.status import set_status
from shardwise.messaging.values import NewEvent

_PENDING_COLUMNS = (
    "id",
    "domain",
    "partition_key",
    "sequence_no",
    "event_type",
    "aggregate_id",
    "event_data",
    "retry_count",
    "max_retries",
    "created_at",
)
_CLEANUP_COLUMNS = ("result", "deleted_count", "retention_period")
_BATCH = 10
_LONGEST_DAYS = 36_500
_TEXT_BYTES = 65_535


async def _get_next_sequence(call: Call, *, domain: str, partition_key: str) -> Rows:
    return [{"fn_get_next_sequence": await next_number(call.session, domain, partition_key)}]


async def _publish(call: Call, **values: Any) -> Rows:
    event_id = str(uuid.UUID(new_text_id()))  # with dashes, as the old ids
    published = await publish(call.session, NewEvent(event_id=event_id, **values))
    return [status_row("SUCCESS", event_id=published.event_id, sequence_no=published.sequence_no)]


async def _get_pending(call: Call, *, domain: str | None, batch_size: int | None) -> Rows:
    if domain is None:
        raise InvalidValueError("p_domain", "it must not be NULL")
    limit = _BATCH if batch_size is None else batch_size
    if limit < 0:
        raise InvalidValueError("p_batch_size", f"{limit} is below 0")
    events = await OutboxRepository(call.session).pending(domain, limit=limit) if limit else []
    return [_pending_row(event) for event in events]


def _pending_row(event: UniversalOutboxEvent) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in _PENDING_COLUMNS}
    return row | {"event_data": json_text(event.event_data)}


async def _update_status(
    call: Call, *, event_id: str | None, status: str | None, error_message: str | None
) -> Rows:
    if status is None:
        raise InvalidValueError("p_status", "it must not be NULL")
    wanted = UniversalOutboxStatus(status)
    try:
        await set_status(call.session, event_id or "", wanted, error_message=error_message)
    except EntityNotFoundError:
        return [status_row("NOT_FOUND", "Event not found")]
    return [status_row("SUCCESS", "Event status updated")]


async def _mark_published(call: Call, *, event_id: str | None) -> Rows:
    return await _update_status(call, event_id=event_id, status="published", error_message=None)


async def _mark_failed(call: Call, *, event_id: str | None, error_message: str | None) -> Rows:
    return await _update_status(call, event_id=event_id, status="failed", error_message=error_message)


_Delete = Callable[..., Awaitable[int]]


async def _clean(
    session: AsyncSession, delete: _Delete, retention_days: int | None, *, default: int, least: int = 1
) -> dict[str, Any]:
    days = default if retention_days is None or retention_days < least else retention_days
    deleted = await delete(session, retention_days=min(days, _LONGEST_DAYS))
    return status_row("SUCCESS", deleted_count=deleted, retention_period=f"{days} days")


async def _cleanup_published(call: Call, *, retention_days: int | None) -> Rows:
    return [
        await _clean(call.session, cleanup.delete_published, retention_days, default=cleanup.PUBLISHED_DAYS)
    ]


async def _cleanup_failed(call: Call, *, retention_days: int | None) -> Rows:
    return [await _clean(call.session, cleanup.delete_failed, retention_days, default=cleanup.FAILED_DAYS)]


async def _cleanup_sequences(call: Call, *, retention_days: int | None) -> Rows:
    delete, least = cleanup.delete_sequences, cleanup.LEAST_SEQUENCE_DAYS
    default = cleanup.SEQUENCE_DAYS
    return [await _clean(call.session, delete, retention_days, default=default, least=least)]


async def _cleanup(call: Call, *, retention_days: int | None = None) -> Rows:
    return [
        *await _cleanup_published(call, retention_days=retention_days),
        *await _cleanup_failed(call, retention_days=retention_days),
        *await _cleanup_sequences(call, retention_days=retention_days),
    ]


_PARTITION = (text("domain", 50), text("partition_key", 128))
_EVENT_ID = text("event_id", 36)
_ERROR = text("error_message", _TEXT_BYTES)
_DAYS = i32("retention_days")


def _made(
    name: str,
    run: Callable[..., Awaitable[Rows]],
    *signatures: tuple[Parameter, ...],
    results: tuple[tuple[str, ...], ...],
    writes: bool = True,
    alias_of: str | None = None,
) -> Procedure:
    return Procedure(
        name=name,
        scope=Scope.SHARD,
        signatures=signatures,
        results=results,
        run=run,
        writes=writes,
        alias_of=alias_of,
    )


_UPDATE_STATUS = "fp_universal_outbox_update_status"
_STATUS_RESULT = (("result", "message"),)
_CLEANUP_RESULT = (_CLEANUP_COLUMNS,)

PROCEDURES: tuple[Procedure, ...] = (
    _made("fn_get_next_sequence", _get_next_sequence, _PARTITION, results=(("fn_get_next_sequence",),)),
    _made(
        "fp_universal_outbox_publish",
        _publish,
        (*_PARTITION, text("event_type", 100), text("aggregate_id", 128), json_document("event_data")),
        results=(("result", "event_id", "sequence_no"),),
    ),
    _made(
        "fp_universal_outbox_get_pending",
        _get_pending,
        (text("domain", 50), i32("batch_size")),
        results=(_PENDING_COLUMNS,),
        writes=False,
    ),
    _made(
        _UPDATE_STATUS,
        _update_status,
        (_EVENT_ID, word("status", *UniversalOutboxStatus), _ERROR),
        results=_STATUS_RESULT,
    ),
    _made("fp_universal_outbox_cleanup_published", _cleanup_published, (_DAYS,), results=_CLEANUP_RESULT),
    _made("fp_universal_outbox_cleanup_failed", _cleanup_failed, (_DAYS,), results=_CLEANUP_RESULT),
    _made("fp_universal_outbox_cleanup_sequences", _cleanup_sequences, (_DAYS,), results=_CLEANUP_RESULT),
    _made(
        "fp_universal_outbox_mark_published",
        _mark_published,
        (_EVENT_ID,),
        results=_STATUS_RESULT,
        alias_of=_UPDATE_STATUS,
    ),
    _made(
        "fp_universal_outbox_mark_failed",
        _mark_failed,
        (_EVENT_ID, _ERROR),
        results=_STATUS_RESULT,
        alias_of=_UPDATE_STATUS,
    ),
    _made("fp_universal_outbox_cleanup", _cleanup, (), (_DAYS,), results=(_CLEANUP_COLUMNS,) * 3),
)
