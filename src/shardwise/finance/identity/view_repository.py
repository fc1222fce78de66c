"""Accounts as their owners see them: each view is one statement over the account and what hangs on it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from shardwise.finance.identity.models import Account, UserPayment, UserProfile
from shardwise.repository import BaseRepository
from shardwise.schema.control import ShardMapping

PERSON = (Account.birth_year, Account.birth_month, Account.birth_day, Account.gender)
INVESTOR = (
    UserProfile.investment_experience,
    UserProfile.risk_tolerance,
    UserProfile.investment_goal,
    UserProfile.monthly_budget,
    UserProfile.profile_completed,
    UserProfile.country,
    UserProfile.timezone,
)
NOTIFICATIONS = (
    UserProfile.email_notifications_enabled,
    UserProfile.sms_notifications_enabled,
    UserProfile.push_notifications_enabled,
    UserProfile.price_alert_enabled,
    UserProfile.news_alert_enabled,
    UserProfile.portfolio_alert_enabled,
    UserProfile.trade_alert_enabled,
)
ACCOUNT = (
    Account.account_db_key,
    Account.account_id,
    Account.nickname,
    Account.email,
    Account.phone_number,
    Account.email_verified,
    Account.phone_verified,
    Account.payment_plan,
    Account.plan_expires_at,
    Account.account_level,
    Account.create_time,
    *PERSON,
)
PLAN = (
    UserPayment.plan_name,
    UserPayment.plan_price,
    UserPayment.currency,
    UserPayment.billing_cycle,
    UserPayment.auto_renewal,
    UserPayment.payment_status,
)
_HAS_PROFILE = UserProfile.account_db_key.label("has_profile")
_HAS_PAYMENT = UserPayment.account_db_key.label("has_payment")


class AccountViewRepository(BaseRepository[Account]):
    """What is read of an account; None for a key that nobody has. Columns of a missing row are NULL."""

    async def profile(self, account_db_key: int) -> Row[Any] | None:
        """Return who somebody is, how they invest and where their rows are."""
        account = (
            Account.account_db_key,
            Account.platform_type,
            Account.account_id,
            Account.nickname,
            Account.email,
            Account.account_level,
            *PERSON,
        )
        columns = (*account, ShardMapping.shard_id, *INVESTOR, _HAS_PROFILE)
        return await self._one(account_db_key, columns, UserProfile, ShardMapping)

    async def settings(self, account_db_key: int) -> Row[Any] | None:
        """Return everything that somebody can look at."""
        columns = (*ACCOUNT, *INVESTOR, *NOTIFICATIONS, *PLAN, _HAS_PROFILE, _HAS_PAYMENT)
        return await self._one(account_db_key, columns, UserProfile, UserPayment)

    async def notifications(self, account_db_key: int) -> Row[Any] | None:
        """Return what somebody wants to be told."""
        return await self._one(account_db_key, (*NOTIFICATIONS, _HAS_PROFILE), UserProfile)

    async def plan(self, account_db_key: int) -> Row[Any] | None:
        """Return what somebody has subscribed to."""
        columns = (
            Account.payment_plan.label("current_plan"),
            Account.plan_expires_at,
            *PLAN,
            UserPayment.starts_at,
            UserPayment.expires_at.label("payment_expires_at"),
            _HAS_PAYMENT,
        )
        return await self._one(account_db_key, columns, UserPayment)

    async def contact(self, account_db_key: int) -> Row[Any] | None:
        """Return how somebody is reached."""
        columns = (
            Account.account_db_key,
            Account.email,
            Account.phone_number,
            Account.nickname,
            Account.account_status,
        )
        return await self._one(account_db_key, columns)

    async def _one(self, account_db_key: int, columns: Sequence[Any], *joined: Any) -> Row[Any] | None:
        statement: Any = select(*columns).select_from(Account)
        for model in joined:
            statement = statement.outerjoin(model, model.account_db_key == Account.account_db_key)
        statement = statement.where(Account.account_db_key == account_db_key)
        with self.translated():
            row: Row[Any] | None = (await self.session.execute(statement)).one_or_none()
        return row
