"""Sagas: work in steps that are undone one by one if a later step fails.

`account_db_key` 0 stands for a saga that belongs to no account and stays on its shard.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.kit.ids import new_id, new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import Choice, UnsignedBigInt, UtcDateTime

NO_ACCOUNT = 0


class SagaStatus(StrEnum):
    """How far a saga is."""

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"


class SagaStepStatus(StrEnum):
    """How far one step is."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    COMPENSATED = "compensated"


class SagaInstance(ShardBase):
    """One run of a saga."""

    __tablename__ = "saga_instances"

    account_db_key: Mapped[int] = account_key_column(default=NO_ACCOUNT, server_default=text("0"))
    saga_id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_text_id)
    saga_type: Mapped[str] = mapped_column(String(100))
    initiator_id: Mapped[str] = mapped_column(String(100))
    status: Mapped[SagaStatus] = mapped_column(
        Choice(SagaStatus, "status"), default=SagaStatus.STARTED, server_default=text("'started'")
    )
    current_step: Mapped[int] = mapped_column(Integer, default=0, server_default=text("0"))
    total_steps: Mapped[int] = mapped_column(Integer)
    saga_data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("saga_id", name="uk_saga_id"),
        Index("idx_saga_created", "created_at"),
        Index("idx_initiator_id", "initiator_id"),
        Index("idx_saga_type_status", "saga_type", "status"),
    )


class SagaStep(ShardBase):
    """One step of a run."""

    __tablename__ = "saga_steps"

    account_db_key: Mapped[int] = account_key_column(default=NO_ACCOUNT, server_default=text("0"))
    id: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False, default=new_id)
    saga_id: Mapped[str] = mapped_column(String(36), ForeignKey("saga_instances.saga_id", ondelete="CASCADE"))
    step_number: Mapped[int] = mapped_column(Integer)
    step_name: Mapped[str] = mapped_column(String(100))
    status: Mapped[SagaStepStatus] = mapped_column(
        Choice(SagaStepStatus, "status"), default=SagaStepStatus.PENDING, server_default=text("'pending'")
    )
    request_data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    response_data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    error_message: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())

    __table_args__ = (
        UniqueConstraint("saga_id", "step_number", name="uk_saga_step"),
        Index("idx_status", "status"),
    )
