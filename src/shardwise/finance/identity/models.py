"""Who somebody is: the account, its profile, plan, password history and keys; all in the global database."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shardwise.finance.columns import TinyInt, count_column, decimal_column, flag_column
from shardwise.schema.base import GlobalBase
from shardwise.schema.columns import created_at_column, updated_at_column
from shardwise.schema.types import AutoBigInt, AutoUnsignedBigInt, Choice, UnsignedBigInt, UtcDateTime

FIRST_ACCOUNT_KEY = 1000
STATUS_NORMAL = "Normal"


class PaymentPlan(StrEnum):
    """What an account has subscribed to."""

    FREE = "FREE"
    BASIC = "BASIC"
    PREMIUM = "PREMIUM"
    ENTERPRISE = "ENTERPRISE"


class BillingCycle(StrEnum):
    """How often a plan is paid."""

    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


class PaymentStatus(StrEnum):
    """Whether a plan is paid."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    PENDING = "PENDING"


class Gender(StrEnum):
    """What a person says about their gender."""

    M = "M"
    F = "F"
    OTHER = "OTHER"


class InvestmentExperience(StrEnum):
    """How long somebody has invested."""

    BEGINNER = "BEGINNER"
    INTERMEDIATE = "INTERMEDIATE"
    EXPERT = "EXPERT"


class RiskTolerance(StrEnum):
    """How much risk somebody takes."""

    CONSERVATIVE = "CONSERVATIVE"
    MODERATE = "MODERATE"
    AGGRESSIVE = "AGGRESSIVE"


class InvestmentGoal(StrEnum):
    """What somebody invests for."""

    GROWTH = "GROWTH"
    INCOME = "INCOME"
    PRESERVATION = "PRESERVATION"


def _case_insensitive(length: int) -> String:
    # MySQL's and MariaDB's default collations already compare so.
    return String(length).with_variant(String(length, collation="NOCASE"), "sqlite")


def _owner_column(*, primary_key: bool = False) -> Mapped[int]:
    return mapped_column(
        UnsignedBigInt(),
        ForeignKey("table_accountid.account_db_key", ondelete="CASCADE"),
        primary_key=primary_key,
        autoincrement=False,
    )


class Account(GlobalBase):
    """One person on one platform. The key counts up from 1000 and is the shard key of all their rows."""

    __tablename__ = "table_accountid"

    account_db_key: Mapped[int] = mapped_column(AutoUnsignedBigInt(), primary_key=True, autoincrement=True)
    platform_type: Mapped[int] = mapped_column(TinyInt(), default=1, server_default=text("1"))
    account_id: Mapped[str] = mapped_column(_case_insensitive(100))
    account_status: Mapped[str] = mapped_column(
        String(15), default=STATUS_NORMAL, server_default=text("'Normal'")
    )
    block_endtime: Mapped[datetime] = created_at_column()
    is_withdraw: Mapped[bool] = flag_column()
    withdraw_cancel_count: Mapped[int] = mapped_column(TinyInt(), default=0, server_default=text("0"))
    withdraw_time: Mapped[datetime] = created_at_column()
    login_time: Mapped[datetime] = created_at_column()
    logout_time: Mapped[datetime] = created_at_column()
    create_time: Mapped[datetime] = created_at_column()
    password_hash: Mapped[str] = mapped_column(String(255))
    nickname: Mapped[str] = mapped_column(String(50))
    email: Mapped[str | None] = mapped_column(_case_insensitive(100))
    phone_number: Mapped[str | None] = mapped_column(String(20))
    email_verified: Mapped[bool] = flag_column()
    phone_verified: Mapped[bool] = flag_column()
    payment_plan: Mapped[PaymentPlan] = mapped_column(
        Choice(PaymentPlan, "payment_plan"), default=PaymentPlan.FREE, server_default=text("'FREE'")
    )
    plan_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    account_level: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))
    login_count: Mapped[int] = count_column()
    birth_year: Mapped[int | None] = mapped_column(Integer)
    birth_month: Mapped[int | None] = mapped_column(Integer)
    birth_day: Mapped[int | None] = mapped_column(Integer)
    gender: Mapped[Gender | None] = mapped_column(Choice(Gender, "gender"))

    __table_args__ = (
        UniqueConstraint("platform_type", "account_id", name="ix_accountid_platform_accountid"),
        UniqueConstraint("platform_type", "email", name="uk_platform_email"),
        Index("idx_email", "email"),
        Index("idx_payment_plan", "payment_plan"),
        Index("idx_phone_number", "phone_number"),
        {
            "mysql_auto_increment": str(FIRST_ACCOUNT_KEY),
            "mariadb_auto_increment": str(FIRST_ACCOUNT_KEY),
            "sqlite_autoincrement": True,
        },
    )


class UserProfile(GlobalBase):
    """How somebody invests and what they want to be told about."""

    __tablename__ = "table_user_profiles"

    account_db_key: Mapped[int] = _owner_column(primary_key=True)
    investment_experience: Mapped[InvestmentExperience] = mapped_column(
        Choice(InvestmentExperience, "investment_experience"),
        default=InvestmentExperience.BEGINNER,
        server_default=text("'BEGINNER'"),
    )
    risk_tolerance: Mapped[RiskTolerance] = mapped_column(
        Choice(RiskTolerance, "risk_tolerance"),
        default=RiskTolerance.MODERATE,
        server_default=text("'MODERATE'"),
    )
    investment_goal: Mapped[InvestmentGoal] = mapped_column(
        Choice(InvestmentGoal, "investment_goal"),
        default=InvestmentGoal.GROWTH,
        server_default=text("'GROWTH'"),
    )
    monthly_budget: Mapped[Decimal] = decimal_column(15, 2)
    profile_completed: Mapped[bool] = flag_column()
    country: Mapped[str] = mapped_column(String(3), default="KOR", server_default=text("'KOR'"))
    timezone: Mapped[str] = mapped_column(
        String(50), default="Asia/Seoul", server_default=text("'Asia/Seoul'")
    )
    email_notifications_enabled: Mapped[bool] = flag_column()
    sms_notifications_enabled: Mapped[bool] = flag_column()
    push_notifications_enabled: Mapped[bool] = flag_column()
    price_alert_enabled: Mapped[bool] = flag_column()
    news_alert_enabled: Mapped[bool] = flag_column()
    portfolio_alert_enabled: Mapped[bool] = flag_column()
    trade_alert_enabled: Mapped[bool] = flag_column()
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()


class UserPayment(GlobalBase):
    """The plan that an account pays for; one row an account."""

    __tablename__ = "table_user_payments"

    id: Mapped[int] = mapped_column(AutoBigInt(), primary_key=True, autoincrement=True)
    account_db_key: Mapped[int] = _owner_column()
    payment_plan: Mapped[PaymentPlan] = mapped_column(
        Choice(PaymentPlan, "payment_plan"), default=PaymentPlan.FREE, server_default=text("'FREE'")
    )
    plan_name: Mapped[str] = mapped_column(String(50))
    plan_price: Mapped[Decimal] = decimal_column(10, 2)
    currency: Mapped[str] = mapped_column(String(3), default="KRW", server_default=text("'KRW'"))
    billing_cycle: Mapped[BillingCycle] = mapped_column(
        Choice(BillingCycle, "billing_cycle"), default=BillingCycle.MONTHLY, server_default=text("'MONTHLY'")
    )
    starts_at: Mapped[datetime] = created_at_column()
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    auto_renewal: Mapped[bool] = flag_column()
    payment_method: Mapped[str | None] = mapped_column(String(50))
    payment_status: Mapped[PaymentStatus] = mapped_column(
        Choice(PaymentStatus, "payment_status"),
        default=PaymentStatus.PENDING,
        server_default=text("'PENDING'"),
    )
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("account_db_key", name="uk_account_payment"),
        Index("idx_expires_at", "expires_at"),
        Index("idx_payments_plan", "payment_plan"),
        Index("idx_payment_status", "payment_status"),
    )


class PasswordHistory(GlobalBase):
    """One change of a password."""

    __tablename__ = "table_password_history"

    id: Mapped[int] = mapped_column(AutoBigInt(), primary_key=True, autoincrement=True)
    account_db_key: Mapped[int] = _owner_column()
    old_password_hash: Mapped[str] = mapped_column(String(255))
    new_password_hash: Mapped[str] = mapped_column(String(255))
    change_reason: Mapped[str] = mapped_column(
        String(100), default="USER_REQUESTED", server_default=text("'USER_REQUESTED'")
    )
    changed_by_ip: Mapped[str | None] = mapped_column(String(45))
    changed_at: Mapped[datetime] = created_at_column()

    __table_args__ = (Index("idx_account_changed_at", "account_db_key", "changed_at"),)


class UserApiKeys(GlobalBase):
    """Keys of other services that an account has left with us; wide enough to hold them encrypted."""

    __tablename__ = "table_user_api_keys"

    id: Mapped[int] = mapped_column(AutoBigInt(), primary_key=True, autoincrement=True)
    account_db_key: Mapped[int] = _owner_column()
    korea_investment_app_key: Mapped[str | None] = mapped_column(String(1024))
    korea_investment_app_secret: Mapped[str | None] = mapped_column(String(1024))
    alpha_vantage_key: Mapped[str | None] = mapped_column(String(1024))
    polygon_key: Mapped[str | None] = mapped_column(String(1024))
    finnhub_key: Mapped[str | None] = mapped_column(String(1024))
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()

    __table_args__ = (
        UniqueConstraint("account_db_key", name="uk_account_db_key"),
        Index("idx_created_at", "created_at"),
        Index("idx_updated_at", "updated_at"),
    )
