"""The old procedures of the chat."""

from dataclasses import replace
from datetime import date
from typing import Any

from shardwise.errors import DuplicateEntityError, EntityNotFoundError, InvalidValueError
from shardwise.finance.chat.drafts import Draft
from shardwise.finance.chat.messages import delete_message, save_message
from shardwise.finance.chat.models import ChatRoom, MessageType
from shardwise.finance.chat.repository import MessageRepository, RoomRepository
from shardwise.finance.chat.rooms import create_room, delete_room, rename_room
from shardwise.finance.chat.statistics import recount_day
from shardwise.finance.chat.values import Json, NewRoom
from shardwise.kit.clock import utc_now
from shardwise.kit.ids import new_text_id
from shardwise.legacy.parameters import day, i32, json_document, text, u64, word
from shardwise.legacy.procedure import Call, Procedure, Row, Rows, Scope, alias
from shardwise.legacy.rows import json_text, status
from shardwise.transactions import TransactionManager

_NO_ROOM = "Room not found or access denied"
_MESSAGE_COLUMNS = (
    "idx",
    "message_id",
    "room_id",
    "account_db_key",
    "message_type",
    "content",
    "metadata",
    "parent_message_id",
    "created_at",
    "updated_at",
)
_ROOM_COLUMNS = (
    "room_id",
    "title",
    "ai_persona",
    "last_message_id",
    "last_message_at",
    "message_count",
    "created_at",
    "updated_at",
)
_STATISTICS_COLUMNS = (
    "total_messages",
    "user_messages",
    "ai_messages",
    "total_tokens",
    "active_rooms",
)


async def _create_room(
    call: Call, *, room_id: str | None, account_db_key: int, title: str | None, ai_persona: str | None
) -> Rows:
    new = NewRoom(
        account_db_key=account_db_key,
        room_id=_given("p_room_id", room_id),
        title=_given("p_title", title),
        ai_persona=_given("p_ai_persona", ai_persona),
    )
    await call.session.connection()  # so that the block is a savepoint in the caller's transaction
    try:
        async with TransactionManager(call.session).transaction() as session:
            await create_room(session, new)
    except DuplicateEntityError:
        return [status("EXISTS", "Chatbot session already exists", room_id=room_id)]
    return [status("SUCCESS", "Chatbot session created successfully", room_id=room_id)]


async def _save_message(
    call: Call,
    *,
    message_id: str | None,
    room_id: str | None,
    account_db_key: int,
    message_type: str | None,
    content: str | None,
    metadata: Json,
    parent_message_id: str | None,
) -> Rows:
    draft = Draft(
        account_db_key=account_db_key,
        room_id=_given("p_room_id", room_id),
        message_type=MessageType(_given("p_message_type", message_type)),
        content=_given("p_content", content),
        message_id=new_text_id() if message_id is None else message_id,
        metadata=metadata,
        parent_message_id=parent_message_id,
        parent_must_exist=False,
    )
    message = await save_message(call.session, draft)
    return [{"result": "SUCCESS", "idx": message.idx, "message_id": message.message_id}]


async def _get_messages(
    call: Call, *, room_id: str | None, account_db_key: int, limit: int | None, offset: int | None
) -> Rows:
    if room_id is None or (offset or 0) < 0:  # the old server took a negative offset for a huge one
        return []
    messages = await MessageRepository(call.session).slice_of(
        account_db_key,
        room_id,
        limit=None if limit is None or limit < 0 else limit,
        offset=offset or 0,
    )
    return [
        _columns(message, _MESSAGE_COLUMNS) | {"metadata": json_text(message.metadata)}
        for message in messages
    ]


async def _get_rooms(call: Call, *, account_db_key: int) -> Rows:
    rooms = await RoomRepository(call.session).all_of(account_db_key)
    return [_columns(room, _ROOM_COLUMNS) for room in rooms]


async def _delete_room(call: Call, *, room_id: str, account_db_key: int) -> Rows:
    try:
        await delete_room(call.session, account_db_key, room_id)
    except EntityNotFoundError:
        return [status("FAILED", "Room not found or already deleted")]
    return [status("SUCCESS", "Chat room soft deleted successfully")]


async def _update_title(call: Call, *, room_id: str, account_db_key: int, new_title: str | None) -> Rows:
    if new_title == "":
        return [status("FAILED", "Invalid title length (1-200 characters required)")]
    if new_title is None and await RoomRepository(call.session).find(account_db_key, room_id) is None:
        return [status("FAILED", _NO_ROOM)]
    title = _given("p_new_title", new_title)
    try:
        await rename_room(call.session, account_db_key, room_id, title=title)
    except EntityNotFoundError:
        return [status("FAILED", _NO_ROOM)]
    return [status("SUCCESS", "Room title updated successfully", new_title=title)]


async def _delete_message(call: Call, *, message_id: str, room_id: str, account_db_key: int) -> Rows:
    try:
        await delete_message(call.session, account_db_key, room_id, message_id=message_id)
    except EntityNotFoundError as error:
        no_room = error.entity == ChatRoom.__name__
        return [status("FAILED", _NO_ROOM if no_room else "Message not found or already deleted")]
    return [status("SUCCESS", "Message soft deleted successfully")]


async def _update_statistics(call: Call, *, account_db_key: int, date: date | None = None) -> Rows:
    counted = await recount_day(call.session, account_db_key, date or utc_now().date())
    done = status("SUCCESS", "Chat statistics updated successfully", date=counted.day)
    return [done | _columns(counted, _STATISTICS_COLUMNS)]


def _columns(item: object, names: tuple[str, ...]) -> Row:
    return {name: getattr(item, name) for name in names}


def _given(name: str, value: str | None) -> str:
    if value is None:
        raise InvalidValueError(name, "it must not be NULL")
    return value


def _procedure(name: str, parameters: tuple[Any, ...], columns: tuple[str, ...], run: Any) -> Procedure:
    return Procedure(name=name, scope=Scope.SHARD, signatures=(parameters,), results=(columns,), run=run)


_ROOM_ID = text("room_id", 128)
_MESSAGE_ID = text("message_id", 128)
_ACCOUNT = u64("account_db_key")
_STATUS = ("result", "message")

_SAVE_MESSAGE = _procedure(
    "fp_chat_message_batch_save",
    (
        _MESSAGE_ID,
        _ROOM_ID,
        _ACCOUNT,
        word("message_type", *MessageType),
        text("content", 65_535, secret=True),
        replace(json_document("metadata"), secret=True),  # it holds addresses
        text("parent_message_id", 128),
    ),
    ("result", "idx", "message_id"),
    _save_message,
)
_GET_MESSAGES = replace(
    _procedure(
        "fp_chat_messages_get",
        (_ROOM_ID, _ACCOUNT, i32("limit"), i32("offset")),
        _MESSAGE_COLUMNS,
        _get_messages,
    ),
    writes=False,
)
_GET_ROOMS = replace(_procedure("fp_chat_rooms_get", (_ACCOUNT,), _ROOM_COLUMNS, _get_rooms), writes=False)

PROCEDURES: tuple[Procedure, ...] = (
    _procedure(
        "fp_chat_room_create",
        (_ROOM_ID, _ACCOUNT, text("title", 200), text("ai_persona", 100)),
        (*_STATUS, "room_id"),
        _create_room,
    ),
    _SAVE_MESSAGE,
    _GET_MESSAGES,
    _GET_ROOMS,
    _procedure("fp_chat_room_soft_delete", (_ROOM_ID, _ACCOUNT), _STATUS, _delete_room),
    _procedure(
        "fp_chat_room_update_title",
        (_ROOM_ID, _ACCOUNT, text("new_title", 200)),
        (*_STATUS, "new_title"),
        _update_title,
    ),
    _procedure("fp_chat_message_soft_delete", (_MESSAGE_ID, _ROOM_ID, _ACCOUNT), _STATUS, _delete_message),
    alias("fp_chat_message_insert", _SAVE_MESSAGE),
    alias("fp_chat_message_list", _GET_MESSAGES),
    alias("fp_chat_room_list", _GET_ROOMS),
    Procedure(
        name="fp_chat_statistics_update",
        scope=Scope.SHARD,
        signatures=((_ACCOUNT,), (_ACCOUNT, day("date"))),
        results=((*_STATUS, "date", *_STATISTICS_COLUMNS),),
        run=_update_statistics,
    ),
)
