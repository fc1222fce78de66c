"""table_shard_config: driver, weight, region, replicas and pool; room for an encrypted password.

Two shards of the same name stop the upgrade: rename one of them first.

Downgrading drops the new columns, and fails as long as a value is longer than the old column.
"""

from alembic import op
from sqlalchemy import JSON, Column, Index, Integer, String, UniqueConstraint, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UtcDateTime

revision = "g0007"
down_revision = "g0006"
branch_labels = None
depends_on = None

BEFORE = global_database.table_shard_config
AFTER = frozen(
    "table_shard_config",
    Column("shard_id", Integer, primary_key=True, autoincrement=False),
    Column("shard_name", String(50), nullable=False),
    Column("driver", String(50), nullable=False, server_default=text("'mysql+asyncmy'")),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False, server_default=text("3306")),
    Column("database_name", String(512), nullable=False),
    Column("username", String(100), nullable=False),
    Column("password", String(1024), nullable=False),
    Column("max_connections", Integer, nullable=False, server_default=text("100")),
    Column(
        "status",
        choice("status", "active", "maintenance", "disabled"),
        nullable=False,
        server_default=text("'active'"),
    ),
    Column("weight", Integer, nullable=False, server_default=text("1")),
    Column("region", String(50)),
    Column("replicas", JSON),
    Column("pool_size", Integer),
    Column("max_overflow", Integer),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    UniqueConstraint("shard_name", name="uk_shard_name"),
    Index("idx_status", "status"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
