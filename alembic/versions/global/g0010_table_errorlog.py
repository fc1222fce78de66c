"""table_errorlog: room for longer messages, found by time.

Downgrading fails as long as a text is longer than the old column.
"""

from alembic import op
from sqlalchemy import Column, Index, String

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, UtcDateTime

revision = "g0010"
down_revision = "g0009"
branch_labels = None
depends_on = None

BEFORE = global_database.table_errorlog
AFTER = frozen(
    "table_errorlog",
    Column("idx", AutoBigInt(), primary_key=True),
    Column("procedure_name", String(128)),
    Column("error_state", String(10)),
    Column("error_no", String(10)),
    Column("error_message", String(2048)),
    Column("param", String(4000)),
    Column("create_time", UtcDateTime(), nullable=False, server_default=current_moment()),
    Index("idx_create_time", "create_time"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE, fill={"param": "''"})
