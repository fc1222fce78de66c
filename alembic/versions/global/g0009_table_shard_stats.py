"""table_shard_stats: no NULL in a count.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Column, Integer, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UtcDateTime

revision = "g0009"
down_revision = "g0008"
branch_labels = None
depends_on = None

BEFORE = global_database.table_shard_stats
AFTER = frozen(
    "table_shard_stats",
    Column("shard_id", Integer, primary_key=True, autoincrement=False),
    Column("user_count", Integer, nullable=False, server_default=text("0")),
    Column("active_users", Integer, nullable=False, server_default=text("0")),
    Column("last_updated", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
