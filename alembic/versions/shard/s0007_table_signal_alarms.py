"""table_signal_alarms: an account's alarms lie together, flags as booleans.

Downgrading keeps every row.
"""

from alembic import op
from sqlalchemy import Boolean, Column, Index, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0007"
down_revision = "s0006"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_signal_alarms
AFTER = frozen(
    "table_signal_alarms",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("alarm_id", String(128), primary_key=True),
    Column("symbol", String(50), nullable=False),
    Column("company_name", String(200)),
    Column("current_price", ExactDecimal(19, 6)),
    Column("exchange", String(50)),
    Column("currency", String(10)),
    Column("note", String(500)),
    Column("is_active", Boolean, nullable=False, server_default=text("1")),
    Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("alarm_id", name="uk_alarm_id"),
    Index("idx_account_symbol", "account_db_key", "symbol"),
    Index("idx_active", "is_active", "is_deleted"),
    Index("idx_active_symbol", "symbol", "is_active", "is_deleted"),
    Index("idx_alarm_created", "created_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
