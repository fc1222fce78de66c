"""table_user_shard_mapping: how often an account has moved, and how far its home is.

Every account that is there is taken to be at home.

Downgrading drops epoch and state.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, Integer, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "g0008"
down_revision = "g0007"
branch_labels = None
depends_on = None

BEFORE = global_database.table_user_shard_mapping
AFTER = frozen(
    "table_user_shard_mapping",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("shard_id", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False, server_default=text("1")),
    Column(
        "state",
        choice("state", "provisioning", "active", "moving"),
        nullable=False,
        server_default=text("'active'"),
    ),
    Column("assigned_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Index("idx_shard_id", "shard_id"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
