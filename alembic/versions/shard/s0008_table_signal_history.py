"""table_signal_history: an account's signals lie together, those to be evaluated have an index.

Downgrading keeps every row.
"""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0008"
down_revision = "s0007"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_signal_history
AFTER = frozen(
    "table_signal_history",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("signal_id", String(128), primary_key=True),
    Column("alarm_id", String(128), nullable=False),
    Column("symbol", String(50), nullable=False),
    Column("signal_type", String(10), nullable=False),
    Column("signal_price", ExactDecimal(19, 6)),
    Column("volume", BigInteger),
    Column("triggered_at", UtcDateTime()),
    Column("price_after_1d", ExactDecimal(19, 6)),
    Column("profit_rate", ExactDecimal(10, 6)),
    Column("is_win", Boolean),
    Column("evaluated_at", UtcDateTime()),
    Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("signal_id", name="uk_signal_id"),
    Index("idx_account_triggered", "account_db_key", "triggered_at"),
    Index("idx_alarm", "alarm_id"),
    Index("idx_pending_evaluation", "evaluated_at", "triggered_at"),
    Index("idx_signal_created", "created_at"),
    Index("idx_symbol", "symbol"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
