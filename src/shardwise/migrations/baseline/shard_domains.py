"""The domains' tables on a shard of the first installations, as MariaDB reports them.

`table_transactions` is among them, though some installations lacked it.

Frozen: revision s0001 is made of these tables, the following ones begin at them.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shardwise.migrations.baseline.metadata import SHARD
from shardwise.migrations.columns import choice, old_moment, small_flag, tiny_integer
from shardwise.schema.columns import current_moment
from shardwise.schema.types import (
    AutoBigInt,
    AutoUnsignedBigInt,
    ExactDecimal,
    UnsignedBigInt,
    UnsignedInt,
    UtcDateTime,
)

table_chat_messages = Table(
    "table_chat_messages",
    SHARD,
    Column("idx", AutoUnsignedBigInt(), primary_key=True),
    Column("message_id", String(128), nullable=False),
    Column("room_id", String(128), nullable=False),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column(
        "message_type",
        choice("message_type", "USER", "AI", "SYSTEM"),
        nullable=False,
        server_default=text("'USER'"),
    ),
    Column("content", Text, nullable=False),
    Column("metadata", JSON),
    Column("parent_message_id", String(128)),
    Column("is_deleted", small_flag(), server_default=text("0")),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True)),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_is_deleted", "is_deleted"),
    Index("idx_message_type", "message_type"),
    Index("idx_parent_message_id", "parent_message_id"),
    Index("idx_room_id_created", "room_id", "created_at"),
    UniqueConstraint("message_id", name="uk_message_id"),
)

table_chat_rooms = Table(
    "table_chat_rooms",
    SHARD,
    Column("room_id", String(128), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("title", String(200), nullable=False),
    Column("ai_persona", String(100), nullable=False),
    Column("last_message_id", String(128)),
    Column("last_message_at", UtcDateTime()),
    Column("message_count", Integer, server_default=text("0")),
    Column("is_active", small_flag(), server_default=text("1")),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True)),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_ai_persona", "ai_persona"),
    Index("idx_is_active_updated", "is_active", "updated_at"),
    Index("idx_last_message_at", "last_message_at"),
)

table_chat_statistics = Table(
    "table_chat_statistics",
    SHARD,
    Column("idx", AutoUnsignedBigInt(), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("date", Date, nullable=False),
    Column("total_messages", Integer, server_default=text("0")),
    Column("user_messages", Integer, server_default=text("0")),
    Column("ai_messages", Integer, server_default=text("0")),
    Column("total_tokens", Integer, server_default=text("0")),
    Column("active_rooms", Integer, server_default=text("0")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_date", "date"),
    Index("idx_updated_at", "updated_at"),
    UniqueConstraint("account_db_key", "date", name="uk_account_date"),
)

table_inapp_notification_stats = Table(
    "table_inapp_notification_stats",
    SHARD,
    Column("idx", AutoUnsignedBigInt(), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("date", Date, nullable=False),
    Column("total_count", UnsignedInt(), server_default=text("0")),
    Column("read_count", UnsignedInt(), server_default=text("0")),
    Column("unread_count", UnsignedInt(), server_default=text("0")),
    Column("priority_1_count", UnsignedInt(), server_default=text("0")),
    Column("priority_2_count", UnsignedInt(), server_default=text("0")),
    Column("priority_3_count", UnsignedInt(), server_default=text("0")),
    Column("auto_deleted_count", UnsignedInt(), server_default=text("0")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_date", "date"),
    Index("idx_updated_at", "updated_at"),
    UniqueConstraint("account_db_key", "date", name="uk_account_date"),
)

table_inapp_notifications = Table(
    "table_inapp_notifications",
    SHARD,
    Column("idx", AutoUnsignedBigInt(), primary_key=True),
    Column("notification_id", String(128), nullable=False),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("type_id", String(64), nullable=False),
    Column("title", String(255), nullable=False),
    Column("message", Text, nullable=False),
    Column("data", JSON),
    Column("priority", tiny_integer(unsigned=True), server_default=text("3")),
    Column("is_read", small_flag(), server_default=text("0")),
    Column("read_at", UtcDateTime()),
    Column("expires_at", UtcDateTime()),
    Column("is_deleted", small_flag(), server_default=text("0")),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True)),
    Index("idx_account_created", "account_db_key", "created_at"),
    Index("idx_account_unread", "account_db_key", "is_read", "is_deleted"),
    Index("idx_expires_at", "expires_at"),
    Index("idx_is_deleted", "is_deleted"),
    Index("idx_type_priority", "type_id", "priority"),
    UniqueConstraint("notification_id", name="uk_notification_id"),
)

table_kalman_history = Table(
    "table_kalman_history",
    SHARD,
    Column("idx", AutoUnsignedBigInt(), primary_key=True),
    Column("ticker", String(20), nullable=False),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("timestamp", UtcDateTime(), nullable=False),
    Column("state_vector_x", JSON, nullable=False),
    Column("covariance_matrix_p", JSON, nullable=False),
    Column("step_count", Integer, server_default=text("0")),
    Column("trading_signal", String(20)),
    Column("market_data", JSON),
    Column("performance_metrics", JSON),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_created_at", "created_at"),
    Index("idx_ticker_account", "ticker", "account_db_key"),
    Index("idx_ticker_timestamp", "ticker", "timestamp"),
)

table_signal_alarms = Table(
    "table_signal_alarms",
    SHARD,
    Column("alarm_id", String(128), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("symbol", String(50), nullable=False),
    Column("company_name", String(200)),
    Column("current_price", ExactDecimal(19, 6)),
    Column("exchange", String(50)),
    Column("currency", String(10)),
    Column("note", String(500)),
    Column("is_active", tiny_integer(), server_default=text("1")),
    Column("is_deleted", tiny_integer(), server_default=text("0")),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True)),
    Index("idx_account_symbol", "account_db_key", "symbol"),
    Index("idx_active", "is_active", "is_deleted"),
    Index("idx_created", "created_at"),
)

table_signal_history = Table(
    "table_signal_history",
    SHARD,
    Column("signal_id", String(128), primary_key=True),
    Column("alarm_id", String(128), nullable=False),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("symbol", String(50), nullable=False),
    Column("signal_type", String(10), nullable=False),
    Column("signal_price", ExactDecimal(19, 6)),
    Column("volume", BigInteger),
    Column("triggered_at", UtcDateTime()),
    Column("price_after_1d", ExactDecimal(19, 6)),
    Column("profit_rate", ExactDecimal(10, 6)),
    Column("is_win", tiny_integer()),
    Column("evaluated_at", UtcDateTime()),
    Column("is_deleted", tiny_integer(), server_default=text("0")),
    Column("created_at", UtcDateTime(), server_default=current_moment()),
    Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True)),
    Index("idx_account", "account_db_key"),
    Index("idx_alarm", "alarm_id"),
    Index("idx_created", "created_at"),
    Index("idx_evaluated", "evaluated_at"),
    Index("idx_symbol", "symbol"),
)

table_transactions = Table(
    "table_transactions",
    SHARD,
    Column("transaction_id", String(32), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("account_number", String(20)),
    Column("amount", ExactDecimal(15, 2), nullable=False),
    Column(
        "transaction_type",
        choice("transaction_type", "deposit", "withdrawal", "transfer_in", "transfer_out", "fee"),
        nullable=False,
    ),
    Column("description", Text),
    Column("reference_id", String(50)),
    Column(
        "status",
        choice("status", "pending", "completed", "failed", "cancelled"),
        server_default=text("'pending'"),
    ),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_created_at", "created_at"),
)

table_tutorial_progress = Table(
    "table_tutorial_progress",
    SHARD,
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("tutorial_type", String(50), primary_key=True),
    Column("completed_step", Integer, nullable=False, server_default=text("0")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_tutorial_type", "tutorial_type"),
    Index("idx_updated_at", "updated_at"),
)

table_user_accounts = Table(
    "table_user_accounts",
    SHARD,
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("account_number", String(20), nullable=False),
    Column("balance", ExactDecimal(15, 2), server_default=text("'0.00'")),
    Column(
        "account_type",
        choice("account_type", "checking", "savings", "investment"),
        server_default=text("'checking'"),
    ),
    Column(
        "account_status",
        choice("account_status", "active", "suspended", "closed"),
        server_default=text("'active'"),
    ),
    Column("currency_code", String(3), server_default=text("'USD'")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_account_status", "account_status"),
    Index("idx_updated_at", "updated_at"),
    UniqueConstraint("account_number", name="uk_account_number"),
)

table_user_portfolios = Table(
    "table_user_portfolios",
    SHARD,
    Column("portfolio_id", AutoBigInt(), primary_key=True),
    Column("account_db_key", UnsignedBigInt(), nullable=False),
    Column("asset_code", String(10), nullable=False),
    Column(
        "asset_type",
        choice("asset_type", "STOCK", "ETF", "FUND", "CASH", "CRYPTO"),
        server_default=text("'STOCK'"),
    ),
    Column("quantity", ExactDecimal(15, 6), server_default=text("'0.000000'")),
    Column("average_cost", ExactDecimal(15, 2), server_default=text("'0.00'")),
    Column("current_value", ExactDecimal(15, 2), server_default=text("'0.00'")),
    Column("last_updated", DateTime, server_default=old_moment()),
    Index("idx_account_db_key", "account_db_key"),
    Index("idx_asset_code", "asset_code"),
    UniqueConstraint("account_db_key", "asset_code", name="uk_user_asset"),
)
