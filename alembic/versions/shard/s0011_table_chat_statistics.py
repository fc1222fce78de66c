"""table_chat_statistics: the account and the day are the key.

Downgrading cuts times to whole seconds, and fails if two rows have the same idx.
"""

from alembic import op
from sqlalchemy import Column, Date, Index, Integer, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0011"
down_revision = "s0010"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_chat_statistics
AFTER = frozen(
    "table_chat_statistics",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("date", Date, primary_key=True),
    Column("idx", UnsignedBigInt(), nullable=False),
    Column("total_messages", Integer, nullable=False, server_default=text("0")),
    Column("user_messages", Integer, nullable=False, server_default=text("0")),
    Column("ai_messages", Integer, nullable=False, server_default=text("0")),
    Column("total_tokens", Integer, nullable=False, server_default=text("0")),
    Column("active_rooms", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Index("idx_chat_stats_date", "date"),
    Index("idx_chat_stats_updated", "updated_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
