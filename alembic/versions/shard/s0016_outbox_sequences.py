"""outbox_sequences: numbers are counted for each account.

Sequences that are there belong to no account (0).

Downgrading drops the account, and fails if two accounts have the same partition.
"""

from alembic import op
from sqlalchemy import BigInteger, Column, String, text

from shardwise.migrations.baseline import shard_messaging
from shardwise.migrations.columns import frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0016"
down_revision = "s0015"
branch_labels = None
depends_on = None

BEFORE = shard_messaging.outbox_sequences
AFTER = frozen(
    "outbox_sequences",
    Column(
        "account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False, server_default=text("0")
    ),
    Column("domain", String(50), primary_key=True),
    Column("partition_key", String(128), primary_key=True),
    Column("next_sequence", BigInteger, nullable=False, server_default=text("1")),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
