"""table_inapp_notification_stats: the account and the day are the key.

Downgrading cuts times to whole seconds, and fails if two rows have the same idx.
"""

from alembic import op
from sqlalchemy import Column, Date, Index, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UnsignedInt, UtcDateTime

revision = "s0013"
down_revision = "s0012"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_inapp_notification_stats
AFTER = frozen(
    "table_inapp_notification_stats",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("date", Date, primary_key=True),
    Column("idx", UnsignedBigInt(), nullable=False),
    Column("total_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("read_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("unread_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("priority_1_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("priority_2_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("priority_3_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("auto_deleted_count", UnsignedInt(), nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Index("idx_notification_stats_date", "date"),
    Index("idx_notification_stats_updated", "updated_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
