"""Conditions that the statements of a chat share."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, false, literal, select, true

from shardwise.finance.chat.models import ChatMessage, ChatRoom


def active_room(account_db_key: int, room_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions of a room that isn't deleted."""
    return [
        ChatRoom.account_db_key == account_db_key,
        ChatRoom.room_id == room_id,
        ChatRoom.is_active == true(),
    ]


def has_room(account_db_key: int, room_id: str) -> ColumnElement[bool]:
    """Return the condition that there is such a room."""
    return select(literal(1)).where(*active_room(account_db_key, room_id)).exists()


def messages_of(account_db_key: int, room_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions of a room's messages, deleted ones too."""
    return [ChatMessage.account_db_key == account_db_key, ChatMessage.room_id == room_id]


def undeleted_messages_of(account_db_key: int, room_id: str) -> list[ColumnElement[bool]]:
    """Return the conditions of a room's messages that aren't deleted."""
    return [*messages_of(account_db_key, room_id), ChatMessage.is_deleted == false()]


def later(moment: datetime) -> ColumnElement[Any]:
    """Return a value for a room's `updated_at`, which never goes back, whatever the client's clock says."""
    return case((ChatRoom.updated_at > moment, ChatRoom.updated_at), else_=moment)
