"""Conversations with the assistant."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Date, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import count_column, flag_column
from shardwise.kit.ids import new_id, new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import Choice, UnsignedBigInt, UtcDateTime


class MessageType(StrEnum):
    """Who speaks."""

    USER = "USER"
    AI = "AI"
    SYSTEM = "SYSTEM"


class ChatRoom(ShardBase):
    """One conversation of an account."""

    __tablename__ = "table_chat_rooms"

    account_db_key: Mapped[int] = account_key_column()
    room_id: Mapped[str] = mapped_column(String(128), primary_key=True, default=new_text_id)
    title: Mapped[str] = mapped_column(String(200))
    ai_persona: Mapped[str] = mapped_column(String(100))
    last_message_id: Mapped[str | None] = mapped_column(String(128))
    last_message_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    message_count: Mapped[int] = count_column()
    is_active: Mapped[bool] = flag_column(default=True)
    created_at: Mapped[dt.datetime] = created_at_column()
    updated_at: Mapped[dt.datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("room_id", name="uk_room_id"),
        Index("idx_account_rooms", "account_db_key", "is_active", "last_message_at", "created_at"),
        Index("idx_ai_persona", "ai_persona"),
        Index("idx_is_active_updated", "is_active", "updated_at"),
        Index("idx_last_message_at", "last_message_at"),
    )


class ChatMessage(ShardBase):
    """One message. The column `metadata` is the attribute `message_metadata`: the base owns the name."""

    __tablename__ = "table_chat_messages"

    account_db_key: Mapped[int] = account_key_column()
    idx: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False, default=new_id)
    message_id: Mapped[str] = mapped_column(String(128), default=new_text_id)
    room_id: Mapped[str] = mapped_column(String(128))
    message_type: Mapped[MessageType] = mapped_column(
        Choice(MessageType, "message_type"), default=MessageType.USER, server_default=text("'USER'")
    )
    content: Mapped[str] = mapped_column(Text)
    message_metadata: Mapped[Any | None] = mapped_column("metadata", JSON(none_as_null=True))
    parent_message_id: Mapped[str | None] = mapped_column(String(128))
    is_deleted: Mapped[bool] = flag_column()
    created_at: Mapped[dt.datetime] = created_at_column()
    updated_at: Mapped[dt.datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("message_id", name="uk_message_id"),
        Index("idx_account_room_created", "account_db_key", "room_id", "created_at"),
        Index("idx_message_deleted", "is_deleted"),
        Index("idx_message_type", "message_type"),
        Index("idx_parent_message_id", "parent_message_id"),
        Index("idx_room_id_created", "room_id", "created_at"),
    )


class ChatStatistics(ShardBase):
    """An account's messages of one day."""

    __tablename__ = "table_chat_statistics"

    account_db_key: Mapped[int] = account_key_column()
    date: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    idx: Mapped[int] = mapped_column(UnsignedBigInt(), default=new_id)
    total_messages: Mapped[int] = count_column()
    user_messages: Mapped[int] = count_column()
    ai_messages: Mapped[int] = count_column()
    total_tokens: Mapped[int] = count_column()
    active_rooms: Mapped[int] = count_column()
    created_at: Mapped[dt.datetime] = created_at_column()
    updated_at: Mapped[dt.datetime] = updated_at_column()

    __table_args__ = (
        Index("idx_chat_stats_date", "date"),
        Index("idx_chat_stats_updated", "updated_at"),
    )
