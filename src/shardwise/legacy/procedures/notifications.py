"""The old procedures of the notifications, all of the shards."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import TypeVar

from shardwise.errors import InvalidValueError
from shardwise.finance.documents import check_document
from shardwise.finance.notifications import creating, deleting, expiry, marking, statistics
from shardwise.finance.notifications.models import DEFAULT_PRIORITY
from shardwise.finance.notifications.reading import Listing, read_part
from shardwise.finance.notifications.values import DayCounts, InAppNotification, NewNotification
from shardwise.kit.clock import utc_now
from shardwise.legacy.parameters import day, i32, json_document, moment, text, u8, u64
from shardwise.legacy.procedure import Call, Procedure, Row, Rows, Scope, Signature, alias
from shardwise.legacy.rows import json_text, status

T = TypeVar("T")

_STATUS = ("result", "message")
_COLUMNS = tuple(name for name in InAppNotification.__dataclass_fields__ if name != "account_db_key")
_COUNTS = tuple(DayCounts.__dataclass_fields__)
_NOT_FOUND = "Notification not found"


async def _create(
    call: Call,
    *,
    notification_id: str | None,
    account_db_key: int,
    type_id: str | None,
    title: str | None,
    message: str | None,
    data: object,
    priority: int | None,
    expires_at: datetime | None,
) -> Rows:
    new = NewNotification(
        account_db_key=account_db_key,
        notification_id=_given("p_notification_id", notification_id),
        type_id=_given("p_type_id", type_id),
        title=_given("p_title", title),
        message=_given("p_message", message),
        data=check_document("p_data", data),
        priority=DEFAULT_PRIORITY if priority is None else priority,
        expires_at=expires_at,
    )
    created = await creating.create(call.session, new, utc_now())
    if created.repeated:
        return [status("EXISTS", "Notification already exists", notification_id=notification_id)]
    return [
        status(
            "SUCCESS",
            "Notification created successfully",
            notification_id=notification_id,
            idx=created.notification.idx,
        )
    ]


async def _get_unread(
    call: Call, *, account_db_key: int, type_id: str | None, limit: int | None, offset: int | None
) -> Rows:
    listing = Listing(account_db_key=account_db_key, now=utc_now(), type_id=type_id, unread_only=True)
    found = await read_part(call.session, listing, skip=_skip(offset), limit=_limit(limit))
    return [*map(_row, found)]


async def _get_all(
    call: Call, *, account_db_key: int, type_id: str | None, limit: int | None, offset: int | None
) -> Rows:
    listing = Listing(account_db_key=account_db_key, now=utc_now(), type_id=type_id)
    found = await read_part(call.session, listing, skip=_skip(offset), limit=_limit(limit))
    return [*map(_row, found)]


async def _get_read_and_delete(
    call: Call, *, account_db_key: int, type_id: str | None, limit: int | None, offset: int | None
) -> Rows:
    now = utc_now()
    keys = await deleting.find_read(
        call.session, account_db_key, type_id=type_id, skip=_skip(offset), limit=_limit(limit), now=now
    )
    return [*map(_row, await deleting.consume(call.session, keys, now))]


async def _mark_read(call: Call, *, notification_id: str, account_db_key: int) -> Rows:
    marked = await marking.mark_read(call.session, account_db_key, notification_id, utc_now())
    if marked is marking.Marked.NOT_FOUND:
        return [status("FAILED", _NOT_FOUND)]
    if marked is marking.Marked.ALREADY_READ:
        return [status("ALREADY_READ", "Notification already read")]
    return [status("SUCCESS", "Notification marked as read")]


async def _mark_all_read(call: Call, *, account_db_key: int, type_id: str | None) -> Rows:
    now = utc_now()
    keys = await marking.find_unread(call.session, account_db_key, type_id=type_id, now=now)
    count = await marking.mark_all_read(call.session, keys, now)
    return [status("SUCCESS", f"{count} notifications marked as read", updated_count=count)]


async def _soft_delete(call: Call, *, notification_id: str, account_db_key: int) -> Rows:
    if await deleting.delete(call.session, account_db_key, notification_id, utc_now()):
        return [status("SUCCESS", "Notification soft deleted successfully")]
    return [status("FAILED", _NOT_FOUND)]


async def _get_stats(call: Call, *, account_db_key: int, days: int | None) -> Rows:
    found = await statistics.statistics_of(call.session, account_db_key, days=days, now=utc_now())
    counts: Rows = [{name: getattr(each, name) for name in _COUNTS} for each in found.days]
    return [*counts, {"current_unread_count": found.unread_now}]


async def _cleanup_expired(call: Call) -> Rows:
    count = await expiry.clean_up(call.session, utc_now())
    return [status("SUCCESS", f"{count} expired notifications cleaned up", deleted_count=count)]


async def _update_stats(call: Call, *, account_db_key: int | None, date: date | None = None) -> Rows:
    key = _given("p_account_db_key", account_db_key)
    days = await statistics.recount(call.session, key, day=date, now=utc_now())
    return [status("SUCCESS", f"{days} days recounted", day_count=days)]


def _row(notification: InAppNotification) -> Row:
    row = {name: getattr(notification, name) for name in _COLUMNS}
    return row | {"data": json_text(notification.data)}


def _given(name: str, value: T | None) -> T:
    if value is None:
        raise InvalidValueError(name, "it must not be NULL")
    return value


def _limit(limit: int | None) -> int | None:
    return None if limit is None or limit < 0 else limit


def _skip(offset: int | None) -> int:
    return max(offset or 0, 0)


def _procedure(
    name: str, parameters: Signature, columns: tuple[str, ...], run: Callable[..., Awaitable[Rows]]
) -> Procedure:
    return Procedure(name=name, scope=Scope.SHARD, signatures=(parameters,), results=(columns,), run=run)


_ID = text("notification_id", 128)
_ACCOUNT = u64("account_db_key")
_TYPE = text("type_id", 64)
_PART: Signature = (_ACCOUNT, _TYPE, i32("limit"), i32("offset"))

_GET_UNREAD = replace(
    _procedure("fp_inapp_notifications_get_unread", _PART, _COLUMNS, _get_unread), writes=False
)

PROCEDURES: tuple[Procedure, ...] = (
    _procedure(
        "fp_inapp_notification_create",
        (
            _ID,
            _ACCOUNT,
            _TYPE,
            text("title", 255, secret=True),
            text("message", 65_535, secret=True),
            replace(json_document("data"), secret=True),
            u8("priority"),
            moment("expires_at"),
        ),
        (*_STATUS, "notification_id", "idx"),
        _create,
    ),
    _GET_UNREAD,
    alias("fp_inapp_notification_get_unread", _GET_UNREAD),
    _procedure("fp_inapp_notifications_get_read_and_delete", _PART, _COLUMNS, _get_read_and_delete),
    replace(_procedure("fp_inapp_notifications_get_all", _PART, _COLUMNS, _get_all), writes=False),
    _procedure("fp_inapp_notification_mark_read", (_ID, _ACCOUNT), _STATUS, _mark_read),
    _procedure(
        "fp_inapp_notifications_mark_all_read",
        (_ACCOUNT, _TYPE),
        (*_STATUS, "updated_count"),
        _mark_all_read,
    ),
    _procedure("fp_inapp_notification_soft_delete", (_ID, _ACCOUNT), _STATUS, _soft_delete),
    Procedure(
        name="fp_inapp_notification_stats_get",
        scope=Scope.SHARD,
        signatures=((_ACCOUNT, i32("days")),),
        results=(_COUNTS, ("current_unread_count",)),
        run=_get_stats,
        writes=False,
    ),
    _procedure("fp_inapp_notifications_cleanup_expired", (), (*_STATUS, "deleted_count"), _cleanup_expired),
    Procedure(
        name="fp_inapp_notification_stats_update",
        scope=Scope.SHARD,
        signatures=((_ACCOUNT,), (_ACCOUNT, day("date"))),
        results=((*_STATUS, "day_count"),),
        run=_update_stats,
    ),
)
