"""outbox_events: whose event it is, so that it can move with the account.

Events that are there belong to no account (0) and stay on their shard.

Downgrading drops the account.
"""

from alembic import op
from sqlalchemy import JSON, Column, Index, Integer, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_messaging
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0014"
down_revision = "s0013"
branch_labels = None
depends_on = None

BEFORE = shard_messaging.outbox_events
AFTER = frozen(
    "outbox_events",
    Column(
        "account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False, server_default=text("0")
    ),
    Column("id", String(36), primary_key=True),
    Column("event_type", String(100), nullable=False),
    Column("aggregate_id", String(100), nullable=False),
    Column("aggregate_type", String(50), nullable=False),
    Column("event_data", JSON, nullable=False),
    Column(
        "status",
        choice("status", "pending", "published", "failed", "retry"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    Column("max_retries", Integer, nullable=False, server_default=text("3")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Column("published_at", UtcDateTime()),
    UniqueConstraint("id", name="uk_outbox_event_id"),
    Index("idx_aggregate", "aggregate_type", "aggregate_id"),
    Index("idx_event_type", "event_type"),
    Index("idx_outbox_status_created", "status", "created_at"),
    Index("idx_published_at", "published_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
