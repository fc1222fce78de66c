"""What an account has before it ever said anything."""

from dataclasses import asdict
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.detail_repository import PaymentRepository, ProfileRepository
from shardwise.finance.identity.models import PaymentPlan, PaymentStatus
from shardwise.finance.identity.notification_settings import DEFAULTS
from shardwise.finance.identity.plans import CURRENCY, FREE_PLAN


async def initialize_defaults(session: AsyncSession, account_db_key: int) -> None:
    """Give an account a profile and the free plan where it has none: two statements; can be repeated.

    Raises:
        EntityNotFoundError: there is no such account.
    """
    await ProfileRepository(session).put(account_db_key, asdict(DEFAULTS), update=())
    free = {
        "payment_plan": PaymentPlan.FREE,
        "plan_name": FREE_PLAN,
        "plan_price": Decimal("0.00"),
        "currency": CURRENCY,
        "payment_status": PaymentStatus.ACTIVE,
    }
    await PaymentRepository(session).put(account_db_key, free, update=())
