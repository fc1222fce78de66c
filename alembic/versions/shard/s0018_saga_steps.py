"""saga_steps: whose saga it is; ids come from the client.

Downgrading drops the account, and fails if two accounts have the same id.
"""

from alembic import op
from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text

from shardwise.migrations.baseline import shard_messaging
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0018"
down_revision = "s0017"
branch_labels = None
depends_on = None

BEFORE = shard_messaging.saga_steps
AFTER = frozen(
    "saga_steps",
    Column(
        "account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False, server_default=text("0")
    ),
    Column("id", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("saga_id", String(36), ForeignKey("saga_instances.saga_id", ondelete="CASCADE"), nullable=False),
    Column("step_number", Integer, nullable=False),
    Column("step_name", String(100), nullable=False),
    Column(
        "status",
        choice("status", "pending", "completed", "failed", "compensated"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("request_data", JSON),
    Column("response_data", JSON),
    Column("error_message", Text),
    Column("started_at", UtcDateTime()),
    Column("completed_at", UtcDateTime()),
    UniqueConstraint("saga_id", "step_number", name="uk_saga_step"),
    Index("idx_status", "status"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
