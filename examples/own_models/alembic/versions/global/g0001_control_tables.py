"""What shardwise itself reads in the global database: shards, the account directory, statistics, errors."""

import sqlalchemy as sa
from alembic import op

from shardwise.migrations.columns import choice
from shardwise.migrations.reshape import create_all, drop_all
from shardwise.schema.base import NAMING_CONVENTION
from shardwise.schema.columns import current_moment
from shardwise.schema.types import AutoBigInt, UnsignedBigInt, UtcDateTime

revision = "g0001"
down_revision = None
branch_labels = ("global",)
depends_on = None

TABLES = sa.MetaData(naming_convention=NAMING_CONVENTION)


def moment(name: str, *, on_update: bool = False) -> sa.Column:
    return sa.Column(name, UtcDateTime(), server_default=current_moment(on_update=on_update), nullable=False)


sa.Table(
    "table_shard_config",
    TABLES,
    sa.Column("shard_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("shard_name", sa.String(50), nullable=False),
    sa.Column("driver", sa.String(50), server_default=sa.text("'mysql+asyncmy'"), nullable=False),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("port", sa.Integer, server_default=sa.text("3306"), nullable=False),
    sa.Column("database_name", sa.String(512), nullable=False),
    sa.Column("username", sa.String(100), nullable=False),
    sa.Column("password", sa.String(1024), nullable=False),
    sa.Column("max_connections", sa.Integer, server_default=sa.text("100"), nullable=False),
    sa.Column(
        "status",
        choice("status", "active", "maintenance", "disabled"),
        server_default=sa.text("'active'"),
        nullable=False,
    ),
    sa.Column("weight", sa.Integer, server_default=sa.text("1"), nullable=False),
    sa.Column("region", sa.String(50)),
    sa.Column("replicas", sa.JSON(none_as_null=True)),
    sa.Column("pool_size", sa.Integer),
    sa.Column("max_overflow", sa.Integer),
    moment("created_at"),
    moment("updated_at", on_update=True),
    sa.UniqueConstraint("shard_name", name="uk_shard_name"),
    sa.Index("idx_status", "status"),
)

sa.Table(
    "table_user_shard_mapping",
    TABLES,
    sa.Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    sa.Column("shard_id", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, server_default=sa.text("1"), nullable=False),
    sa.Column(
        "state",
        choice("state", "provisioning", "active", "moving"),
        server_default=sa.text("'active'"),
        nullable=False,
    ),
    moment("assigned_at"),
    moment("updated_at", on_update=True),
    sa.Index("idx_shard_id", "shard_id"),
)

sa.Table(
    "table_shard_stats",
    TABLES,
    sa.Column("shard_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_count", sa.Integer, server_default=sa.text("0"), nullable=False),
    sa.Column("active_users", sa.Integer, server_default=sa.text("0"), nullable=False),
    moment("last_updated", on_update=True),
)

sa.Table(
    "table_errorlog",
    TABLES,
    sa.Column("idx", AutoBigInt(), primary_key=True, autoincrement=True),
    sa.Column("procedure_name", sa.String(128)),
    sa.Column("error_state", sa.String(10)),
    sa.Column("error_no", sa.String(10)),
    sa.Column("error_message", sa.String(2048)),
    sa.Column("param", sa.String(4000)),
    moment("create_time"),
    sa.Index("idx_create_time", "create_time"),
)


def upgrade() -> None:
    create_all(op, TABLES)


def downgrade() -> None:
    drop_all(op, TABLES)
