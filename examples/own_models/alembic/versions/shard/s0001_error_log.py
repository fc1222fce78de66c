"""What shardwise itself keeps on every shard: the errors of that shard."""

import sqlalchemy as sa
from alembic import op

from shardwise.migrations.reshape import create_all, drop_all
from shardwise.schema.base import NAMING_CONVENTION
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, UtcDateTime

revision = "s0001"
down_revision = None
branch_labels = ("shard",)
depends_on = None

TABLES = sa.MetaData(naming_convention=NAMING_CONVENTION)

sa.Table(
    "table_errorlog",
    TABLES,
    sa.Column("idx", AutoBigInt(), primary_key=True, autoincrement=True),
    sa.Column("procedure_name", sa.String(128)),
    sa.Column("error_state", sa.String(10)),
    sa.Column("error_no", sa.String(10)),
    sa.Column("error_message", sa.String(2048)),
    sa.Column("param", sa.String(4000)),
    sa.Column("create_time", UtcDateTime(), server_default=current_moment(), nullable=False),
    sa.Index("idx_create_time", "create_time"),
)


def upgrade() -> None:
    create_all(op, TABLES)


def downgrade() -> None:
    drop_all(op, TABLES)
