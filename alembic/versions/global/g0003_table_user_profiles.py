"""table_user_profiles: flags as booleans, no NULL where there is a default.

Downgrading cuts times to whole seconds.
"""

from alembic import op
from sqlalchemy import Boolean, Column, ForeignKey, String, text

from shardwise.migrations.baseline import global_database
from shardwise.migrations.columns import choice, frozen
from shardwise.migrations.reshape import reshape
from shardwise.schema.columns import current_moment
from shardwise.schema.types import ExactDecimal, UnsignedBigInt, UtcDateTime

revision = "g0003"
down_revision = "g0002"
branch_labels = None
depends_on = None

BEFORE = global_database.table_user_profiles
AFTER = frozen(
    "table_user_profiles",
    Column(
        "account_db_key",
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "investment_experience",
        choice("investment_experience", "BEGINNER", "INTERMEDIATE", "EXPERT"),
        nullable=False,
        server_default=text("'BEGINNER'"),
    ),
    Column(
        "risk_tolerance",
        choice("risk_tolerance", "CONSERVATIVE", "MODERATE", "AGGRESSIVE"),
        nullable=False,
        server_default=text("'MODERATE'"),
    ),
    Column(
        "investment_goal",
        choice("investment_goal", "GROWTH", "INCOME", "PRESERVATION"),
        nullable=False,
        server_default=text("'GROWTH'"),
    ),
    Column("monthly_budget", ExactDecimal(15, 2), nullable=False, server_default=text("'0.00'")),
    Column("profile_completed", Boolean, nullable=False, server_default=text("0")),
    Column("country", String(3), nullable=False, server_default=text("'KOR'")),
    Column("timezone", String(50), nullable=False, server_default=text("'Asia/Seoul'")),
    Column("email_notifications_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("sms_notifications_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("push_notifications_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("price_alert_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("news_alert_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("portfolio_alert_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("trade_alert_enabled", Boolean, nullable=False, server_default=text("0")),
    Column("created_at", UtcDateTime(), nullable=False, server_default=current_moment()),
    Column("updated_at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
)


def upgrade() -> None:
    reshape(op, BEFORE, AFTER, fill={"updated_at": "COALESCE(created_at, CURRENT_TIMESTAMP)"})


def downgrade() -> None:
    reshape(op, AFTER, BEFORE)
