"""table_chat_rooms: an account's rooms lie together, their list has an index.

Downgrading keeps every row.
"""

from alembic import op
from sqlalchemy import Boolean, Column, Index, Integer, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0010"
down_revision = "s0009"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_chat_rooms
AFTER = frozen(
    "table_chat_rooms",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("room_id", String(128), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("ai_persona", String(100), nullable=False),
    Column("last_message_id", String(128)),
    Column("last_message_at", UtcDateTime()),
    Column("message_count", Integer, nullable=False, server_default=text("0")),
    Column("is_active", Boolean, nullable=False, server_default=text("1")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("room_id", name="uk_room_id"),
    Index("idx_account_rooms", "account_db_key", "is_active", "last_message_at", "created_at"),
    Index("idx_ai_persona", "ai_persona"),
    Index("idx_is_active_updated", "is_active", "updated_at"),
    Index("idx_last_message_at", "last_message_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
