"""table_tutorial_progress on SQLite: a tutorial is one in any case of its letters, as it is on the servers.

Of several spellings that an account has, the one with the furthest step is kept. Servers have nothing to do.
"""

from collections.abc import Callable

from alembic import op
from sqlalchemy import Column, Index, Integer, String, Table, text
from sqlalchemy.types import TypeEngine

from shardwise.migrations.columns import caseless, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UnsignedBigInt, UtcDateTime

revision = "s0023"
down_revision = "s0022"
branch_labels = None
depends_on = None

_DELETE_NEARER = """
    DELETE FROM table_tutorial_progress AS nearer WHERE EXISTS (
        SELECT 1 FROM table_tutorial_progress AS further
        WHERE further.account_db_key = nearer.account_db_key
            AND further.tutorial_type = nearer.tutorial_type COLLATE NOCASE
            AND (further.completed_step > nearer.completed_step
                OR (further.completed_step = nearer.completed_step
                    AND further.tutorial_type < nearer.tutorial_type))
    )
"""


def _progress(name: Callable[[int], TypeEngine[str]]) -> Table:
    return frozen(
        "table_tutorial_progress",
        Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
        Column("tutorial_type", name(50), primary_key=True),
        Column("completed_step", Integer, nullable=False, server_default=text("0")),
        Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
        Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
        Index("idx_tutorial_type", "tutorial_type"),
        Index("idx_tutorial_updated", "updated_at"),
    )


BEFORE = _progress(String)
AFTER = _progress(caseless)


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        op.execute(text(_DELETE_NEARER))
        reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        reshape(op, AFTER, BEFORE)
