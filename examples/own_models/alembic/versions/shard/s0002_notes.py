"""Notes and their tasks."""

import sqlalchemy as sa
from alembic import op

from shardwise.migrations.reshape import create_all, drop_all
from shardwise.schema.base import NAMING_CONVENTION
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0002"
down_revision = "s0001"
branch_labels = None
depends_on = None

TABLES = sa.MetaData(naming_convention=NAMING_CONVENTION)

sa.Table(
    "notes",
    TABLES,
    sa.Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    sa.Column("note_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("pinned", sa.Boolean, server_default=sa.false(), nullable=False),
    sa.Column("created_at", UtcDateTime(), server_default=current_moment(), nullable=False),
    sa.Column("updated_at", UtcDateTime(), server_default=current_moment(on_update=True), nullable=False),
    sa.Column("deleted_at", UtcDateTime()),
    sa.Index("ix_notes_created", "account_db_key", "created_at"),
)

sa.Table(
    "tasks",
    TABLES,
    sa.Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note_id", sa.BigInteger, nullable=False),
    sa.Column("text", sa.String(200), nullable=False),
    sa.Column("done", sa.Boolean, server_default=sa.false(), nullable=False),
    sa.ForeignKeyConstraint(
        ["account_db_key", "note_id"], ["notes.account_db_key", "notes.note_id"], ondelete="CASCADE"
    ),
)


def upgrade() -> None:
    create_all(op, TABLES)


def downgrade() -> None:
    drop_all(op, TABLES)
