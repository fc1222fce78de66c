"""table_inapp_notifications: what has expired and isn't deleted is found without looking through what is.

Deleted notifications stay in the table, so a clean-up that begins at the oldest one gets slower each time.
"""

from alembic import op
from sqlalchemy import JSON, Boolean, Column, Index, String, Table, Text, UniqueConstraint, text

from shardwise.migrations.columns import frozen, tiny_integer
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0022"
down_revision = "s0021"
branch_labels = None
depends_on = None


def _notifications(*indexes: Index) -> Table:
    return frozen(
        "table_inapp_notifications",
        Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
        Column("idx", UnsignedBigInt(), primary_key=True, autoincrement=False),
        Column("notification_id", String(128), nullable=False),
        Column("type_id", String(64), nullable=False),
        Column("title", String(255), nullable=False),
        Column("message", Text, nullable=False),
        Column("data", JSON),
        Column("priority", tiny_integer(unsigned=True), nullable=False, server_default=text("3")),
        Column("is_read", Boolean, nullable=False, server_default=text("0")),
        Column("read_at", UtcDateTime()),
        Column("expires_at", UtcDateTime()),
        Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
        Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
        Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
        UniqueConstraint("notification_id", name="uk_notification_id"),
        Index("idx_account_created", "account_db_key", "created_at"),
        Index("idx_account_list", "account_db_key", "is_deleted", "is_read", "priority", "created_at"),
        Index("idx_account_read", "account_db_key", "is_deleted", "is_read", "read_at", "created_at"),
        *indexes,
        Index("idx_type_priority", "type_id", "priority"),
    )


BEFORE = _notifications(
    Index("idx_expires_at", "expires_at"),
    Index("idx_notification_deleted", "is_deleted"),
)
AFTER = _notifications(Index("idx_notification_deleted", "is_deleted", "expires_at"))


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
