"""table_transactions: an account's rows lie together, its history has an index.

A row without an account number gets the one of its account.

Downgrading cuts times to whole seconds, and fails if two accounts used the same transaction id.
"""

from alembic import op
from sqlalchemy import Column, Index, String, Text, text

from shardwise.migrations.baseline import shard_domains
from shardwise.migrations.columns import caseless, choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0003"
down_revision = "s0002"
branch_labels = None
depends_on = None

BEFORE = shard_domains.table_transactions
AFTER = frozen(
    "table_transactions",
    Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("transaction_id", caseless(32), primary_key=True),
    Column("account_number", String(20), nullable=False),
    Column("amount", ExactDecimal(15, 2), nullable=False),
    Column(
        "transaction_type",
        choice("transaction_type", "deposit", "withdrawal", "transfer_in", "transfer_out", "fee"),
        nullable=False,
    ),
    Column("description", Text),
    Column("reference_id", String(50)),
    Column(
        "status",
        choice("status", "pending", "completed", "failed", "cancelled"),
        nullable=False,
        server_default=text("'pending'"),
    ),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Index("idx_transaction_created", "created_at"),
    Index("idx_transaction_history", "account_db_key", "created_at", "transaction_id"),
)

_ACCOUNT_NUMBER = (
    "COALESCE((SELECT account.account_number FROM table_user_accounts AS account"
    " WHERE account.account_db_key = table_transactions.account_db_key), '')"
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"account_number": _ACCOUNT_NUMBER})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
