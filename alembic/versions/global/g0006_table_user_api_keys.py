"""table_user_api_keys: room for encrypted keys.

Downgrading cuts times to whole seconds, and fails as long as a key is longer than 255 characters.
"""

from alembic import op
from sqlalchemy import Column, ForeignKey, Index, String, UniqueConstraint

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, UnsignedBigInt, UtcDateTime

revision = "g0006"
down_revision = "g0005"
branch_labels = None
depends_on = None

BEFORE = global_database.table_user_api_keys
AFTER = frozen(
    "table_user_api_keys",
    Column("id", AutoBigInt(), primary_key=True),
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("korea_investment_app_key", String(1024)),
    Column("korea_investment_app_secret", String(1024)),
    Column("alpha_vantage_key", String(1024)),
    Column("polygon_key", String(1024)),
    Column("finnhub_key", String(1024)),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("account_db_key", name="uk_account_db_key"),
    Index("idx_created_at", "created_at"),
    Index("idx_updated_at", "updated_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
