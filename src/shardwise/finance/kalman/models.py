"""States of the Kalman filters that follow prices."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import count_column
from shardwise.kit.ids import new_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column
from shardwise.schema.types import UnsignedBigInt, UtcDateTime


class KalmanState(ShardBase):
    """One state of the filter of one account for one ticker; rows are only added."""

    __tablename__ = "table_kalman_history"

    account_db_key: Mapped[int] = account_key_column()
    idx: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False, default=new_id)
    ticker: Mapped[str] = mapped_column(String(20))
    timestamp: Mapped[datetime] = mapped_column(UtcDateTime())
    state_vector_x: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=False)
    covariance_matrix_p: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=False)
    step_count: Mapped[int] = count_column()
    trading_signal: Mapped[str | None] = mapped_column(String(20))
    market_data: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    performance_metrics: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = created_at_column()

    __table_args__ = (
        Index("idx_kalman_latest", "account_db_key", "ticker", "timestamp", "created_at"),
        Index("idx_ticker_timestamp", "ticker", "timestamp"),
        Index("idx_kalman_created", "created_at"),
    )
