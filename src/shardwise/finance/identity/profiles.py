"""What an account can see of itself."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.investors import Investor, investor_of
from shardwise.finance.identity.models import BillingCycle, Gender, PaymentPlan, PaymentStatus
from shardwise.finance.identity.notification_settings import NotificationSettings, settings_of
from shardwise.finance.identity.view_repository import AccountViewRepository

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who somebody is.

    Attributes:
        shard_id: where their rows are, None for an account without a home.
    """

    account_db_key: int
    platform_type: int
    account_id: str
    nickname: str
    email: str | None = field(repr=False)
    account_level: int
    birth_year: int | None
    birth_month: int | None
    birth_day: int | None
    gender: Gender | None
    shard_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who somebody is and how they invest."""

    person: Person
    investor: Investor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDetails:
    """The account of somebody who looks at their settings."""

    account_db_key: int
    account_id: str
    nickname: str
    email: str | None = field(repr=False)
    phone_number: str | None = field(repr=False)
    email_verified: bool
    phone_verified: bool
    payment_plan: PaymentPlan
    plan_expires_at: datetime | None
    account_level: int
    create_time: datetime
    birth_year: int | None
    birth_month: int | None
    birth_day: int | None
    gender: Gender | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetails:
    """What somebody pays for."""

    plan_name: str
    plan_price: Decimal
    currency: str
    billing_cycle: BillingCycle
    auto_renewal: bool
    payment_status: PaymentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that somebody can look at; `plan` is None as long as none was ever set."""

    account: AccountDetails
    investor: Investor
    notifications: NotificationSettings
    plan: PlanDetails | None


async def find_profile(session: AsyncSession, account_db_key: int) -> Profile | None:
    """Return who somebody is and how they invest, with one statement; None if nobody has the key."""
    row = await AccountViewRepository(session).profile(account_db_key)
    return None if row is None else Profile(person=_part(Person, row), investor=investor_of(row))


async def find_settings(session: AsyncSession, account_db_key: int) -> Settings | None:
    """Return everything that somebody can look at, with one statement; None if nobody has the key."""
    row = await AccountViewRepository(session).settings(account_db_key)
    if row is None:
        return None
    return Settings(
        account=_part(AccountDetails, row),
        investor=investor_of(row),
        notifications=settings_of(row),
        plan=None if row.has_payment is None else _part(PlanDetails, row),
    )


def _part(kind: type[T], row: Row[Any]) -> T:
    return kind(**{one.name: row._mapping[one.name] for one in fields(kind)})  # type: ignore[arg-type]  # a dataclass
