"""table_signal_alarms: of the alarms that are not deleted, an account has one for a symbol.

`live_symbol` is computed by the database, so that programs go on inserting as before. Accounts that have
several such alarms stop the upgrade before this table is changed. Downgrading keeps every row.
"""

from collections.abc import Callable

from alembic import op
from sqlalchemy import Boolean, Column, Computed, Index, String, Table, UniqueConstraint, text
from sqlalchemy.types import TypeEngine

from shardwise.migrations.columns import caseless, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0020"
down_revision = "s0019"
branch_labels = None
depends_on = None


def _alarms(
    name: Callable[[int], TypeEngine[str]], *items: "Column[str] | UniqueConstraint | Index"
) -> Table:
    return frozen(
        "table_signal_alarms",
        Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
        Column("alarm_id", name(128), primary_key=True),
        Column("symbol", name(50), nullable=False),
        Column("company_name", String(200)),
        Column("current_price", ExactDecimal(19, 6)),
        Column("exchange", String(50)),
        Column("currency", String(10)),
        Column("note", String(500)),
        Column("is_active", Boolean, nullable=False, server_default=text("1")),
        Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
        Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
        Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
        *items,
        UniqueConstraint("alarm_id", name="uk_alarm_id"),
        Index("idx_account_symbol", "account_db_key", "symbol"),
        Index("idx_active_symbol", "symbol", "is_active", "is_deleted"),
        Index("idx_alarm_created", "created_at"),
    )


BEFORE = _alarms(
    String,
    Index("idx_active", "is_active", "is_deleted"),
)
AFTER = _alarms(
    caseless,
    Column("live_symbol", caseless(50), Computed("CASE WHEN is_deleted = 0 THEN symbol END", persisted=True)),
    UniqueConstraint("account_db_key", "live_symbol", name="uk_live_symbol"),
    Index("idx_active", "is_active", "is_deleted", "symbol", "exchange"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
