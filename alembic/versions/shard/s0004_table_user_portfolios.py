"""table_user_portfolios: an account's positions lie together, ids come from the client.

Downgrading cuts times to whole seconds, and fails if two accounts have the same id.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0004"
down_revision = "s0003"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_user_portfolios
AFTER = frozen(
    "table_user_portfolios",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("portfolio_id", BigInteger, primary_key=True, autoincrement=False),
    Column("asset_code", String(10), nullable=False),
    Column(
        "asset_type",
        choice("asset_type", "STOCK", "ETF", "FUND", "CASH", "CRYPTO"),
        nullable=False,
        server_default=text("'STOCK'"),
    ),
    Column("quantity", ExactDecimal(15, 6), nullable=False, server_default=text("'0.000000'")),
    Column("average_cost", ExactDecimal(15, 2), nullable=False, server_default=text("'0.00'")),
    Column("current_value", ExactDecimal(15, 2), nullable=False, server_default=text("'0.00'")),
    Column("last_updated", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("account_db_key", "asset_code", name="uk_user_asset"),
    Index("idx_asset_code", "asset_code"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
