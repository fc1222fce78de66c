"""table_user_accounts: no NULL where there is a default.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Column, Index, String, UniqueConstraint, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0002"
down_revision = "s0001"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_user_accounts
AFTER = frozen(
    "table_user_accounts",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("account_number", String(20), nullable=False),
    Column("balance", ExactDecimal(15, 2), nullable=False, server_default=text("'0.00'")),
    Column(
        "account_type",
        choice("account_type", "checking", "savings", "investment"),
        nullable=False,
        server_default=text("'checking'"),
    ),
    Column(
        "account_status",
        choice("account_status", "active", "suspended", "closed"),
        nullable=False,
        server_default=text("'active'"),
    ),
    Column("currency_code", String(3), nullable=False, server_default=text("'USD'")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("account_number", name="uk_account_number"),
    Index("idx_account_status", "account_status"),
    Index("idx_ledger_updated", "updated_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
