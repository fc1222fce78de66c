"""table_user_payments: flags as booleans, no NULL where there is a default.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, Index, String, UniqueConstraint, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "g0004"
down_revision = "g0003"
branch_labels = None
depends_on = None

BEFORE = global_database.table_user_payments
AFTER = frozen(
    "table_user_payments",
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
    Column(
        "billing_cycle",
        choice("billing_cycle", "MONTHLY", "YEARLY"),
        nullable=False,
        server_default=text("'MONTHLY'"),
    ),
    Column("starts_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("expires_at", UtcDateTime()),
    Column("auto_renewal", Boolean, nullable=False, server_default=text("0")),
    Column("payment_method", String(50)),
    Column(
        "payment_status",
        choice("payment_status", "ACTIVE", "EXPIRED", "CANCELLED", "PENDING"),
        nullable=False,
        server_default=text("'PENDING'"),
    ),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("account_db_key", name="uk_account_payment"),
    Index("idx_expires_at", "expires_at"),
    Index("idx_payment_status", "payment_status"),
    Index("idx_payments_plan", "payment_plan"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
