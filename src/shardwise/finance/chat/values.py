"""What goes into a chat and what comes out of it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shardwise.finance.chat.models import ChatMessage, ChatRoom, ChatStatistics, MessageType
from shardwise.kit.ids import new_text_id

Json = dict[str, Any] | list[Any] | str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRoom:
    """A room to be made.

    Args:
        account_db_key: whose room.
        title: up to 200 characters.
        ai_persona: up to 100 characters.
        room_id: up to 128 characters.
    """

    account_db_key: int
    title: str
    ai_persona: str
    room_id: str = field(default_factory=new_text_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A conversation.

    Attributes:
        last_message_id: the newest message that isn't deleted.
        last_message_at: when that was saved.
        message_count: messages that aren't deleted.
    """

    account_db_key: int
    room_id: str
    title: str
    ai_persona: str
    created_at: datetime
    updated_at: datetime
    last_message_id: str | None = None
    last_message_at: datetime | None = None
    message_count: int = 0

    @classmethod
    def of(cls, row: ChatRoom) -> "Room":
        """Return the room that a row holds."""
        return cls(
            account_db_key=row.account_db_key,
            room_id=row.room_id,
            title=row.title,
            ai_persona=row.ai_persona,
            created_at=row.created_at,
            updated_at=row.updated_at,
            last_message_id=row.last_message_id,
            last_message_at=row.last_message_at,
            message_count=row.message_count,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRoom:
    """What came of making a room.

    Attributes:
        room: as it is stored.
        repeated: the account had it before; nothing was written now.
    """

    room: Room
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it is stored.

    Attributes:
        idx: orders messages of the same moment.
        created_at: rises from message to message of a room, in the order of saving.
    """

    account_db_key: int
    idx: int
    message_id: str
    room_id: str
    message_type: MessageType
    content: str
    metadata: Json
    parent_message_id: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: ChatMessage) -> "Message":
        """Return the message that a row holds."""
        return cls(
            account_db_key=row.account_db_key,
            idx=row.idx,
            message_id=row.message_id,
            room_id=row.room_id,
            message_type=row.message_type,
            content=row.content,
            metadata=row.message_metadata,
            parent_message_id=row.parent_message_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedMessage:
    """What came of saving a message.

    Attributes:
        message: as it is stored.
        repeated: it was there before; nothing was written or counted now.
    """

    message: Message
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyStatistics:
    """What an account's rooms heard on one day in UTC; messages that were deleted later stay counted.

    Attributes:
        total_messages: those of the system too.
        total_tokens: at most 2**31 - 1.
        active_rooms: rooms in which a message was saved on that day.
    """

    day: date
    total_messages: int = 0
    user_messages: int = 0
    ai_messages: int = 0
    total_tokens: int = 0
    active_rooms: int = 0

    @classmethod
    def of(cls, row: ChatStatistics) -> "DailyStatistics":
        """Return what a row holds."""
        return cls(
            day=row.date,
            total_messages=row.total_messages,
            user_messages=row.user_messages,
            ai_messages=row.ai_messages,
            total_tokens=row.total_tokens,
            active_rooms=row.active_rooms,
        )
