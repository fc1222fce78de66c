"""Alarms that accounts set on symbols, and the signals that they brought."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Boolean, Column, Computed, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import Caseless, flag_column
from shardwise.kit.ids import new_text_id
from shardwise.schema.base import ShardBase
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import ExactDecimal, UtcDateTime

_LIVE = "CASE WHEN is_deleted = 0 THEN symbol END"


class SignalAlarm(ShardBase):
    """A symbol that an account wants to hear about; of those not deleted an account has one for a symbol."""

    __tablename__ = "table_signal_alarms"

    account_db_key: Mapped[int] = account_key_column()
    alarm_id: Mapped[str] = mapped_column(Caseless(128), primary_key=True, default=new_text_id)
    symbol: Mapped[str] = mapped_column(Caseless(50))
    company_name: Mapped[str | None] = mapped_column(String(200))
    current_price: Mapped[Decimal | None] = mapped_column(ExactDecimal(19, 6))
    exchange: Mapped[str | None] = mapped_column(String(50))
    currency: Mapped[str | None] = mapped_column(String(10))
    note: Mapped[str | None] = mapped_column(String(500))
    is_active: Mapped[bool] = flag_column(default=True)
    is_deleted: Mapped[bool] = flag_column()
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        # NULL, which is never taken, once the alarm is deleted. The database's own business: not mapped.
        Column(
            "live_symbol", Caseless(50), Computed("CASE WHEN is_deleted = 0 THEN symbol END", persisted=True)
        ),
        UniqueConstraint("alarm_id", name="uk_alarm_id"),
        UniqueConstraint("account_db_key", "live_symbol", name="uk_live_symbol"),
        Index("idx_account_symbol", "account_db_key", "symbol"),
        Index("idx_active", "is_active", "is_deleted", "symbol", "exchange"),
        Index("idx_active_symbol", "symbol", "is_active", "is_deleted"),
        Index("idx_alarm_created", "created_at"),
    )
    __mapper_args__ = {"exclude_properties": ["live_symbol"]}  # noqa: RUF012  # SQLAlchemy's own words


class Signal(ShardBase):
    """A signal of an alarm, and how it turned out; `is_win` is None until somebody has looked."""

    __tablename__ = "table_signal_history"

    account_db_key: Mapped[int] = account_key_column()
    signal_id: Mapped[str] = mapped_column(Caseless(128), primary_key=True, default=new_text_id)
    alarm_id: Mapped[str] = mapped_column(Caseless(128))
    symbol: Mapped[str] = mapped_column(Caseless(50))
    signal_type: Mapped[str] = mapped_column(Caseless(20))
    signal_price: Mapped[Decimal | None] = mapped_column(ExactDecimal(19, 6))
    volume: Mapped[int | None] = mapped_column(BigInteger)
    triggered_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    price_after_1d: Mapped[Decimal | None] = mapped_column(ExactDecimal(19, 6))
    profit_rate: Mapped[Decimal | None] = mapped_column(ExactDecimal(27, 6))
    is_win: Mapped[bool | None] = mapped_column(Boolean)
    evaluated_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    is_deleted: Mapped[bool] = flag_column()
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("signal_id", name="uk_signal_id"),
        Index("idx_account_triggered", "account_db_key", "triggered_at"),
        Index("idx_alarm_history", "account_db_key", "alarm_id", "triggered_at"),
        Index("idx_pending_evaluation", "evaluated_at", "triggered_at"),
        Index("idx_signal_created", "created_at"),
        Index("idx_symbol", "symbol"),
    )
