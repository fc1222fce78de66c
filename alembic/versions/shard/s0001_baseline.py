"""The tables of the first installations, and `table_transactions`, which some of them lacked.

Downgrading drops them, with every row.
"""

from alembic import op

from shardwise.migrations.baseline import SHARD
from shardwise.migrations.reshape import create_all, drop_all

revision = "s0001"
down_revision = None
branch_labels = ("shard",)
depends_on = None


def upgrade() -> None:
    create_all(op, SHARD)


def downgrade() -> None:
    drop_all(op, SHARD)
