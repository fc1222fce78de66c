"""The global database of the first installations, as MariaDB reports it.

Frozen: revision g0001 is made of these tables, the following ones begin at them.
"""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from shardwise.migrations.baseline.metadata import GLOBAL
from shardwise.migrations.columns import bit, choice, old_moment, small_flag, tiny_integer
from shardwise.schema.types import AutoBigInt, AutoUnsignedBigInt, ExactDecimal, UnsignedBigInt

table_accountid = Table(
    "table_accountid",
    GLOBAL,
    Column("account_db_key", AutoUnsignedBigInt(), primary_key=True),
    Column("platform_type", tiny_integer(), nullable=False, server_default=text("1")),
    Column("account_id", String(100), nullable=False),
    Column("account_status", String(15), nullable=False, server_default=text("'Normal'")),
    Column("block_endtime", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("is_withdraw", bit(), nullable=False, server_default=text("0")),
    Column("withdraw_cancel_count", tiny_integer(), nullable=False, server_default=text("0")),
    Column("withdraw_time", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("login_time", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("logout_time", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("create_time", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("password_hash", String(255), nullable=False),
    Column("nickname", String(50), nullable=False),
    Column("email", String(100)),
    Column("phone_number", String(20)),
    Column("email_verified", bit(), nullable=False, server_default=text("0")),
    Column("phone_verified", bit(), nullable=False, server_default=text("0")),
    Column(
        "payment_plan",
        choice("payment_plan", "FREE", "BASIC", "PREMIUM", "ENTERPRISE"),
        server_default=text("'FREE'"),
    ),
    Column("plan_expires_at", DateTime),
    Column("account_level", Integer, server_default=text("1")),
    Column("login_count", Integer, server_default=text("0")),
    Column("birth_year", Integer),
    Column("birth_month", Integer),
    Column("birth_day", Integer),
    Column("gender", choice("gender", "M", "F", "OTHER")),
    Index("idx_email", "email"),
    Index("idx_payment_plan", "payment_plan"),
    Index("idx_phone_number", "phone_number"),
    Index("ix_accountid_accountdbkey", "account_db_key"),
    UniqueConstraint("platform_type", "account_id", name="ix_accountid_platform_accountid"),
    mysql_auto_increment="1000",
    mariadb_auto_increment="1000",
    sqlite_autoincrement=True,
)

table_errorlog = Table(
    "table_errorlog",
    GLOBAL,
    Column("idx", Integer, primary_key=True),
    Column("procedure_name", String(45)),
    Column("error_state", String(10)),
    Column("error_no", String(10)),
    Column("error_message", String(128)),
    Column("create_time", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("param", String(4000), nullable=False),
)

table_shard_config = Table(
    "table_shard_config",
    GLOBAL,
    Column("shard_id", Integer, primary_key=True, autoincrement=False),
    Column("shard_name", String(50), nullable=False),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False, server_default=text("3306")),
    Column("database_name", String(100), nullable=False),
    Column("username", String(100), nullable=False),
    Column("password", String(255), nullable=False),
    Column("max_connections", Integer, server_default=text("100")),
    Column("status", choice("status", "active", "maintenance", "disabled"), server_default=text("'active'")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_status", "status"),
)

table_shard_stats = Table(
    "table_shard_stats",
    GLOBAL,
    Column("shard_id", Integer, primary_key=True, autoincrement=False),
    Column("user_count", Integer, server_default=text("0")),
    Column("active_users", Integer, server_default=text("0")),
    Column("last_updated", DateTime, server_default=old_moment()),
)

table_user_shard_mapping = Table(
    "table_user_shard_mapping",
    GLOBAL,
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("shard_id", Integer, nullable=False),
    Column("assigned_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_shard_id", "shard_id"),
)

table_password_history = Table(
    "table_password_history",
    GLOBAL,
    Column("id", AutoBigInt(), primary_key=True),
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("old_password_hash", String(255), nullable=False),
    Column("new_password_hash", String(255), nullable=False),
    Column("change_reason", String(100), server_default=text("'USER_REQUESTED'")),
    Column("changed_by_ip", String(45)),
    Column("changed_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Index("idx_account_changed_at", "account_db_key", "changed_at"),
)

table_user_api_keys = Table(
    "table_user_api_keys",
    GLOBAL,
    Column("id", AutoBigInt(), primary_key=True),
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("korea_investment_app_key", String(255)),
    Column("korea_investment_app_secret", String(255)),
    Column("alpha_vantage_key", String(255)),
    Column("polygon_key", String(255)),
    Column("finnhub_key", String(255)),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_created_at", "created_at"),
    Index("idx_updated_at", "updated_at"),
    UniqueConstraint("account_db_key", name="uk_account_db_key"),
)

table_user_payments = Table(
    "table_user_payments",
    GLOBAL,
    Column("id", AutoBigInt(), primary_key=True),
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        nullable=False,
    ),
    Column(
        "payment_plan",
        choice("payment_plan", "FREE", "BASIC", "PREMIUM", "ENTERPRISE"),
        nullable=False,
        server_default=text("'FREE'"),
    ),
    Column("plan_name", String(50), nullable=False),
    Column("plan_price", ExactDecimal(10, 2), nullable=False, server_default=text("'0.00'")),
    Column("currency", String(3), nullable=False, server_default=text("'KRW'")),
    Column("billing_cycle", choice("billing_cycle", "MONTHLY", "YEARLY"), server_default=text("'MONTHLY'")),
    Column("starts_at", DateTime, nullable=False, server_default=text("CURRENT_TIMESTAMP")),
    Column("expires_at", DateTime),
    Column("auto_renewal", bit(), nullable=False, server_default=text("0")),
    Column("payment_method", String(50)),
    Column(
        "payment_status",
        choice("payment_status", "ACTIVE", "EXPIRED", "CANCELLED", "PENDING"),
        server_default=text("'PENDING'"),
    ),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
    Index("idx_expires_at", "expires_at"),
    Index("idx_payment_plan", "payment_plan"),
    Index("idx_payment_status", "payment_status"),
    UniqueConstraint("account_db_key", name="uk_account_payment"),
)

table_user_profiles = Table(
    "table_user_profiles",
    GLOBAL,
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "investment_experience",
        choice("investment_experience", "BEGINNER", "INTERMEDIATE", "EXPERT"),
        server_default=text("'BEGINNER'"),
    ),
    Column(
        "risk_tolerance",
        choice("risk_tolerance", "CONSERVATIVE", "MODERATE", "AGGRESSIVE"),
        server_default=text("'MODERATE'"),
    ),
    Column(
        "investment_goal",
        choice("investment_goal", "GROWTH", "INCOME", "PRESERVATION"),
        server_default=text("'GROWTH'"),
    ),
    Column("monthly_budget", ExactDecimal(15, 2), server_default=text("'0.00'")),
    Column("profile_completed", small_flag(), server_default=text("0")),
    Column("country", String(3), server_default=text("'KOR'")),
    Column("timezone", String(50), server_default=text("'Asia/Seoul'")),
    Column("email_notifications_enabled", bit(), nullable=False, server_default=text("0")),
    Column("sms_notifications_enabled", bit(), nullable=False, server_default=text("0")),
    Column("push_notifications_enabled", bit(), nullable=False, server_default=text("0")),
    Column("price_alert_enabled", bit(), nullable=False, server_default=text("0")),
    Column("news_alert_enabled", bit(), nullable=False, server_default=text("0")),
    Column("portfolio_alert_enabled", bit(), nullable=False, server_default=text("0")),
    Column("trade_alert_enabled", bit(), nullable=False, server_default=text("0")),
    Column("created_at", DateTime, server_default=text("CURRENT_TIMESTAMP")),
    Column("updated_at", DateTime, server_default=old_moment()),
)
