"""How far an account is with each tutorial."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import Caseless, count_column
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column


class TutorialProgress(ShardBase):
    """The furthest step that an account has done in one tutorial."""

    __tablename__ = "table_tutorial_progress"

    account_db_key: Mapped[int] = account_key_column()
    tutorial_type: Mapped[str] = mapped_column(Caseless(50), primary_key=True)
    completed_step: Mapped[int] = count_column()
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        Index("idx_tutorial_type", "tutorial_type"),
        Index("idx_tutorial_updated", "updated_at"),
    )
