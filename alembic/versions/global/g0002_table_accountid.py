"""table_accountid: flags as booleans, times with microseconds, one e-mail address a platform.

The index on the primary key's own column goes.

Two accounts of one platform with the same e-mail address stop the upgrade: change one of them first.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Boolean, Column, Index, Integer, String, UniqueConstraint, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import caseless, choice, frozen, tiny_integer
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoUnsignedBigInt, UtcDateTime

revision = "g0002"
down_revision = "g0001"
branch_labels = None
depends_on = None

BEFORE = global_database.table_accountid
AFTER = frozen(
    "table_accountid",
    Column("account_db_key", AutoUnsignedBigInt(), primary_key=True),
    Column("platform_type", tiny_integer(), nullable=False, server_default=text("1")),
    Column("account_id", caseless(100), nullable=False),
    Column("account_status", String(15), nullable=False, server_default=text("'Normal'")),
    Column("block_endtime", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("is_withdraw", Boolean, nullable=False, server_default=text("0")),
    Column("withdraw_cancel_count", tiny_integer(), nullable=False, server_default=text("0")),
    Column("withdraw_time", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("login_time", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("logout_time", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("create_time", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("password_hash", String(255), nullable=False),
    Column("nickname", String(50), nullable=False),
    Column("email", caseless(100)),
    Column("phone_number", String(20)),
    Column("email_verified", Boolean, nullable=False, server_default=text("0")),
    Column("phone_verified", Boolean, nullable=False, server_default=text("0")),
    Column(
        "payment_plan",
        choice("payment_plan", "FREE", "BASIC", "PREMIUM", "ENTERPRISE"),
        nullable=False,
        server_default=text("'FREE'"),
    ),
    Column("plan_expires_at", UtcDateTime()),
    Column("account_level", Integer, nullable=False, server_default=text("1")),
    Column("login_count", Integer, nullable=False, server_default=text("0")),
    Column("birth_year", Integer),
    Column("birth_month", Integer),
    Column("birth_day", Integer),
    Column("gender", choice("gender", "M", "F", "OTHER")),
    UniqueConstraint("platform_type", "account_id", name="ix_accountid_platform_accountid"),
    UniqueConstraint("platform_type", "email", name="uk_platform_email"),
    Index("idx_email", "email"),
    Index("idx_payment_plan", "payment_plan"),
    Index("idx_phone_number", "phone_number"),
    mysql_auto_increment="1000",
    mariadb_auto_increment="1000",
    sqlite_autoincrement=True,
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
