"""The tables of the first installations.

Downgrading drops them, with every row.
"""

from alembic import op

from shardwise.migrations.baseline import GLOBAL
from shardwise.migrations.reshape import create_all, drop_all

revision = "g0001"
down_revision = None
branch_labels = ("global",)
depends_on = None

_BEFORE_FIRST_ACCOUNT = "INSERT INTO sqlite_sequence (name, seq) VALUES ('table_accountid', 999)"


def upgrade() -> None:
    create_all(op, GLOBAL)
    if op.get_context().dialect.name == "sqlite":
        op.execute(_BEFORE_FIRST_ACCOUNT)


def downgrade() -> None:
    drop_all(op, GLOBAL)
