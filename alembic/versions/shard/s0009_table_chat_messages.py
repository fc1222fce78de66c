"""table_chat_messages: an account's messages lie together, each room has an index by time.

A foreign key to the rooms, which some installations have, goes: a room's primary key changes.

Downgrading keeps every row, but not such a foreign key; it fails if two accounts have the same idx.
"""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Index, String, Text, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0009"
down_revision = "s0008"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_chat_messages
AFTER = frozen(
    "table_chat_messages",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("idx", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("message_id", String(128), nullable=False),
    Column("room_id", String(128), nullable=False),
    Column(
        "message_type",
        choice("message_type", "USER", "AI", "SYSTEM"),
        nullable=False,
        server_default=text("'USER'"),
    ),
    Column("content", Text, nullable=False),
    Column("metadata", JSON),
    Column("parent_message_id", String(128)),
    Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("message_id", name="uk_message_id"),
    Index("idx_account_room_created", "account_db_key", "room_id", "created_at"),
    Index("idx_message_deleted", "is_deleted"),
    Index("idx_message_type", "message_type"),
    Index("idx_parent_message_id", "parent_message_id"),
    Index("idx_room_id_created", "room_id", "created_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
