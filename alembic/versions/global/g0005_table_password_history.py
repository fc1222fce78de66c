"""table_password_history: no NULL where there is a default.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Column, ForeignKey, Index, String, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, UnsignedBigInt, UtcDateTime

revision = "g0005"
down_revision = "g0004"
branch_labels = None
depends_on = None

BEFORE = global_database.table_password_history
AFTER = frozen(
    "table_password_history",
    Column("id", AutoBigInt(), primary_key=True),
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("old_password_hash", String(255), nullable=False),
    Column("new_password_hash", String(255), nullable=False),
    Column("change_reason", String(100), nullable=False, server_default=text("'USER_REQUESTED'")),
    Column("changed_by_ip", String(45)),
    Column("changed_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Index("idx_account_changed_at", "account_db_key", "changed_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
