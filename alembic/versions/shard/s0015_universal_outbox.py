"""universal_outbox: whose event it is, so that it can move with the account, and what is pending.

Events that are there belong to no account (0) and stay on their shard.

Downgrading drops the account, and fails if two accounts numbered the same partition.
"""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Text, UniqueConstraint, text

from shardwise.migrations.baseline import shard_messaging
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0015"
down_revision = "s0014"
branch_labels = None
depends_on = None

BEFORE = shard_messaging.universal_outbox
AFTER = frozen(
    "universal_outbox",
    Column(
        "account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False, server_default=text("0")
    ),
    Column("id", String(36), primary_key=True),
    Column("domain", String(50), nullable=False),
    Column("partition_key", String(128), nullable=False),
    Column("sequence_no", BigInteger, nullable=False),
    Column("event_type", String(100), nullable=False),
    Column("aggregate_id", String(128), nullable=False),
    Column("event_data", JSON, nullable=False),
    Column(
        "status",
        choice("status", "pending", "published", "failed", "dead_letter"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("retry_count", Integer, nullable=False, server_default=text("0")),
    Column("max_retries", Integer, nullable=False, server_default=text("3")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Column("published_at", UtcDateTime()),
    Column("error_message", Text),
    UniqueConstraint(
        "account_db_key", "domain", "partition_key", "sequence_no", name="uk_domain_partition_sequence"
    ),
    UniqueConstraint("id", name="uk_universal_outbox_id"),
    Index("idx_domain_pending", "domain", "status", "partition_key", "sequence_no"),
    Index("idx_published_cleanup", "status", "published_at"),
    Index("idx_universal_status_created", "status", "created_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
