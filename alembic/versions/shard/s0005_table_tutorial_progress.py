"""table_tutorial_progress: no NULL in a time, no index that the primary key makes redundant.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Column, Index, Integer, String, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0005"
down_revision = "s0004"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_tutorial_progress
AFTER = frozen(
    "table_tutorial_progress",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("tutorial_type", String(50), primary_key=True),
    Column("completed_step", Integer, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    Index("idx_tutorial_type", "tutorial_type"),
    Index("idx_tutorial_updated", "updated_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
