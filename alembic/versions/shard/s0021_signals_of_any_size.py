"""table_signal_history: room for STRONG_SELL and for any move, an alarm's signals in their order.

Downgrading fails as long as a word or a number is longer than the old column.
"""

from collections.abc import Callable

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, UniqueConstraint, text
from sqlalchemy.types import TypeEngine

from shardwise.migrations.columns import caseless, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "s0021"
down_revision = "s0020"
branch_labels = None
depends_on = None


def _history(
    *, name: Callable[[int], TypeEngine[str]], longest_type: int, profit_digits: int, of_alarm: Index
) -> Table:
    return frozen(
        "table_signal_history",
        Column("account_db_key", UnsignedBigInt(), primary_key=True, autoincrement=False),
        Column("signal_id", name(128), primary_key=True),
        Column("alarm_id", name(128), nullable=False),
        Column("symbol", name(50), nullable=False),
        Column("signal_type", name(longest_type), nullable=False),
        Column("signal_price", ExactDecimal(19, 6)),
        Column("volume", BigInteger),
        Column("triggered_at", UtcDateTime()),
        Column("price_after_1d", ExactDecimal(19, 6)),
        Column("profit_rate", ExactDecimal(profit_digits, 6)),
        Column("is_win", Boolean),
        Column("evaluated_at", UtcDateTime()),
        Column("is_deleted", Boolean, nullable=False, server_default=text("0")),
        Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
        Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
        UniqueConstraint("signal_id", name="uk_signal_id"),
        Index("idx_account_triggered", "account_db_key", "triggered_at"),
        of_alarm,
        Index("idx_pending_evaluation", "evaluated_at", "triggered_at"),
        Index("idx_signal_created", "created_at"),
        Index("idx_symbol", "symbol"),
    )


BEFORE = _history(name=String, longest_type=10, profit_digits=10, of_alarm=Index("idx_alarm", "alarm_id"))
AFTER = _history(
    name=caseless,
    longest_type=20,
    profit_digits=27,  # from the lowest price to the highest is a gain of 21 digits before the point
    of_alarm=Index("idx_alarm_history", "account_db_key", "alarm_id", "triggered_at"),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER)


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
