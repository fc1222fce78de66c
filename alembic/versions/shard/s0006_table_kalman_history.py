"""table_kalman_history: an account's states lie together, the latest one has an index.

Downgrading fails if two accounts have the same idx.
"""

from alembic import op
from sqlalchemy import JSON, Column, Index, Integer, String, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0006"
down_revision = "s0005"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_kalman_history
AFTER = frozen(
    "table_kalman_history",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("idx", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("ticker", String(20), nullable=False),
    Column("timestamp", UtcDateTime(), nullable=False),
    Column("state_vector_x", JSON, nullable=False),
    Column("covariance_matrix_p", JSON, nullable=False),
    Column("step_count", Integer, nullable=False, server_default=text("0")),
    Column("trading_signal", String(20)),
    Column("market_data", JSON),
    Column("performance_metrics", JSON),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Index("idx_kalman_created", "created_at"),
    Index("idx_kalman_latest", "account_db_key", "ticker", "timestamp", "created_at"),
    Index("idx_ticker_timestamp", "ticker", "timestamp"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
