"""Notifications shown inside the application."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, Date, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import TinyInt, flag_column, unsigned_count_column
from shardwise.kit.ids import new_id, new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

DEFAULT_PRIORITY = 3


class Notification(ShardBase):
    """One notification; priority 1 is the most urgent."""

    __tablename__ = "table_inapp_notifications"

    account_db_key: Mapped[int] = account_key_column()
    idx: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False, default=new_id)
    notification_id: Mapped[str] = mapped_column(String(128), default=new_text_id)
    type_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(255))
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    priority: Mapped[int] = mapped_column(
        TinyInt(unsigned=True), default=DEFAULT_PRIORITY, server_default=text("3")
    )
    is_read: Mapped[bool] = flag_column()
    read_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    is_deleted: Mapped[bool] = flag_column()
    created_at: Mapped[dt.datetime] = created_at_column()
    updated_at: Mapped[dt.datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("notification_id", name="uk_notification_id"),
        Index("idx_account_created", "account_db_key", "created_at"),
        Index("idx_account_list", "account_db_key", "is_deleted", "is_read", "priority", "created_at"),
        Index("idx_account_read", "account_db_key", "is_deleted", "is_read", "read_at", "created_at"),
        Index("idx_notification_deleted", "is_deleted", "expires_at"),
        Index("idx_type_priority", "type_id", "priority"),
    )


class NotificationStats(ShardBase):
    """An account's notifications of one day, counted."""

    __tablename__ = "table_inapp_notification_stats"

    account_db_key: Mapped[int] = account_key_column()
    date: Mapped[dt.date] = mapped_column(Date, primary_key=True)
    idx: Mapped[int] = mapped_column(UnsignedBigInt(), default=new_id)
    total_count: Mapped[int] = unsigned_count_column()
    read_count: Mapped[int] = unsigned_count_column()
    unread_count: Mapped[int] = unsigned_count_column()
    priority_1_count: Mapped[int] = unsigned_count_column()
    priority_2_count: Mapped[int] = unsigned_count_column()
    priority_3_count: Mapped[int] = unsigned_count_column()
    auto_deleted_count: Mapped[int] = unsigned_count_column()
    created_at: Mapped[dt.datetime] = created_at_column()
    updated_at: Mapped[dt.datetime] = updated_at_column()

    __table_args__ = (
        Index("idx_notification_stats_date", "date"),
        Index("idx_notification_stats_updated", "updated_at"),
    )
