"""saga_instances: whose saga it is, so that it can move with the account.

Sagas that are there belong to no account (0) and stay on their shard.

Downgrading drops the account.
"""

from alembic import op
from sqlalchemy import JSON, Column, Index, Integer, String, Text, UniqueConstraint, text

from shardwise.migrations.baseline import shard_messaging
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0017"
down_revision = "s0016"
branch_labels = None
depends_on = None

BEFORE = shard_messaging.saga_instances
AFTER = frozen(
    "saga_instances",
    Column(
        "account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False, server_default=text("0")
    ),
    Column("saga_id", String(36), primary_key=True),
    Column("saga_type", String(100), nullable=False),
    Column("initiator_id", String(100), nullable=False),
    Column(
        "status",
        choice("status", "started", "completed", "failed", "compensating", "compensated"),
        nullable=False,
        server_default=text("'started'"),
    ),
    Column("current_step", Integer, nullable=False, server_default=text("0")),
    Column("total_steps", Integer, nullable=False),
    Column("saga_data", JSON),
    Column("error_message", Text),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Column("completed_at", UtcDateTime()),
    UniqueConstraint("saga_id", name="uk_saga_id"),
    Index("idx_initiator_id", "initiator_id"),
    Index("idx_saga_created", "created_at"),
    Index("idx_saga_type_status", "saga_type", "status"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
