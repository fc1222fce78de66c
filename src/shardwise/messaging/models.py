"""The outbox: events written in the transaction that they tell about, and the order of their partitions.

`account_db_key` 0 stands for an event that belongs to no account and stays on its shard.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.kit.ids import new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import Choice, UtcDateTime

NO_ACCOUNT = 0


class OutboxStatus(StrEnum):
    """How far an event of the older outbox is."""

    PENDING = "pending"
    PUBLISHED = "published"
    FAILED = "failed"
    RETRY = "retry"


class UniversalOutboxStatus(StrEnum):
    """How far an event is."""

    PENDING = "pending"
    PUBLISHED = "published"
    FAILED = "failed"
    DEAD_LETTER = "dead_letter"


def _account_or_none_column() -> Mapped[int]:
    return account_key_column(default=NO_ACCOUNT, server_default=text("0"))


def _retries_column(default: int) -> Mapped[int]:
    return mapped_column(Integer, default=default, server_default=text(str(default)))


class OutboxEvent(ShardBase):
    """An event of the older outbox, which knows no partitions."""

    __tablename__ = "outbox_events"

    account_db_key: Mapped[int] = _account_or_none_column()
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_text_id)
    event_type: Mapped[str] = mapped_column(String(100))
    aggregate_id: Mapped[str] = mapped_column(String(100))
    aggregate_type: Mapped[str] = mapped_column(String(50))
    event_data: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=False)
    status: Mapped[OutboxStatus] = mapped_column(
        Choice(OutboxStatus, "status"), default=OutboxStatus.PENDING, server_default=text("'pending'")
    )
    retry_count: Mapped[int] = _retries_column(0)
    max_retries: Mapped[int] = _retries_column(3)
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("id", name="uk_outbox_event_id"),
        Index("idx_aggregate", "aggregate_type", "aggregate_id"),
        Index("idx_event_type", "event_type"),
        Index("idx_published_at", "published_at"),
        Index("idx_outbox_status_created", "status", "created_at"),
    )


class UniversalOutboxEvent(ShardBase):
    """An event, numbered within its partition so that it is published in order."""

    __tablename__ = "universal_outbox"

    account_db_key: Mapped[int] = _account_or_none_column()
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_text_id)
    domain: Mapped[str] = mapped_column(String(50))
    partition_key: Mapped[str] = mapped_column(String(128))
    sequence_no: Mapped[int] = mapped_column(BigInteger)
    event_type: Mapped[str] = mapped_column(String(100))
    aggregate_id: Mapped[str] = mapped_column(String(128))
    event_data: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=False)
    status: Mapped[UniversalOutboxStatus] = mapped_column(
        Choice(UniversalOutboxStatus, "status"),
        default=UniversalOutboxStatus.PENDING,
        server_default=text("'pending'"),
    )
    retry_count: Mapped[int] = _retries_column(0)
    max_retries: Mapped[int] = _retries_column(3)
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    error_message: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("id", name="uk_universal_outbox_id"),
        UniqueConstraint(
            "account_db_key",
            "domain",
            "partition_key",
            "sequence_no",
            name="uk_domain_partition_sequence",
        ),
        Index("idx_domain_pending", "domain", "status", "partition_key", "sequence_no"),
        Index("idx_published_cleanup", "status", "published_at"),
        Index("idx_universal_status_created", "status", "created_at"),
    )


class OutboxSequence(ShardBase):
    """The next number of one partition."""

    __tablename__ = "outbox_sequences"

    account_db_key: Mapped[int] = _account_or_none_column()
    domain: Mapped[str] = mapped_column(String(50), primary_key=True)
    partition_key: Mapped[str] = mapped_column(String(128), primary_key=True)
    next_sequence: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    updated_at: Mapped[datetime] = updated_at_column()
