"""Members."""

import sqlalchemy as sa
from alembic import op

from shardwise.migrations.reshape import create_all, drop_all
from shardwise.schema.base import NAMING_CONVENTION
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoUnsignedBigInt, UtcDateTime

revision = "g0002"
down_revision = "g0001"
branch_labels = None
depends_on = None

TABLES = sa.MetaData(naming_convention=NAMING_CONVENTION)

sa.Table(
    "members",
    TABLES,
    sa.Column("account_db_key", AutoUnsignedBigInt(), primary_key=True, autoincrement=True),
    sa.Column("email", sa.String(100), nullable=False),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("created_at", UtcDateTime(), server_default=current_moment(), nullable=False),
    sa.UniqueConstraint("email", name="uk_members_email"),
)


def upgrade() -> None:
    create_all(op, TABLES)


def downgrade() -> None:
    drop_all(op, TABLES)
