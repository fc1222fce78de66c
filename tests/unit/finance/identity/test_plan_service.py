import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from shardwise.database import ShardedDatabase
from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.finance.identity.models import (
    Account,
    BillingCycle,
    PaymentPlan,
    PaymentStatus,
    UserPayment,
)
from shardwise.finance.identity.plan_service import PlanService
from shardwise.finance.identity.plans import PlanChange, Subscription
from shardwise.kit.clock import utc_now
from shardwise.testing.counting import count_statements

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=365)
GOLD: dict[str, Any] = {
    "payment_plan": PaymentPlan.PREMIUM,
    "plan_name": "Gold",
    "plan_price": Decimal("9900"),
    "billing_cycle": BillingCycle.YEARLY,
    "starts_at": START,
    "expires_at": END,
    "auto_renewal": True,
    "payment_method": "card",
}


@pytest.fixture
def plans(db: ShardedDatabase) -> PlanService:
    return PlanService(db)


async def test_an_account_without_a_plan_has_the_free_one(plans: PlanService, account: int) -> None:
    assert await plans.get(account) == Subscription(
        current_plan=PaymentPlan.FREE,
        plan_expires_at=None,
        plan_name="Free Plan",
        plan_price=Decimal("0.00"),
        currency="KRW",
        billing_cycle=None,
        auto_renewal=None,
        payment_status=None,
        starts_at=None,
        payment_expires_at=None,
    )


async def test_a_plan_is_set_on_the_account_and_in_the_payment_row(
    db: ShardedDatabase, plans: PlanService, account: int
) -> None:
    with count_statements(db) as seen:
        await plans.set(account, PlanChange(**GOLD))
    assert [one.split()[0] for one in seen] == ["UPDATE", "INSERT"]
    with count_statements(db) as seen:
        found = await plans.get(account)
    assert len(seen) == 1
    assert found == Subscription(
        current_plan=PaymentPlan.PREMIUM,
        plan_expires_at=END,
        plan_name="Gold",
        plan_price=Decimal("9900.00"),
        currency="KRW",
        billing_cycle=BillingCycle.YEARLY,
        auto_renewal=True,
        payment_status=PaymentStatus.ACTIVE,
        starts_at=START,
        payment_expires_at=END,
    )
    free = PlanChange(payment_plan=PaymentPlan.FREE, plan_name="Free Plan", plan_price=Decimal(0))
    await plans.set(account, free)
    found = await plans.get(account)
    assert (found.current_plan, found.plan_expires_at, found.auto_renewal) == (PaymentPlan.FREE, None, False)
    async with db.global_session(read_only=True) as session:
        row = (await session.scalars(select(UserPayment))).one()
    assert (row.account_db_key, row.payment_plan, row.payment_method) == (account, PaymentPlan.FREE, None)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_plans_set_at_once_leave_account_and_payment_in_step(
    db: ShardedDatabase, plans: PlanService, account: int
) -> None:
    changes = [PlanChange(**GOLD | {"payment_plan": plan}) for plan in PaymentPlan] * 8
    await asyncio.gather(*(plans.set(account, change) for change in changes))
    async with db.global_session(read_only=True) as session:
        paid = (await session.scalars(select(UserPayment.payment_plan))).one()
        assert await session.scalar(select(Account.payment_plan)) == paid


async def test_an_unknown_account_is_named_and_nothing_is_stored(
    db: ShardedDatabase, plans: PlanService
) -> None:
    for operation in (plans.get(4711), plans.set(4711, PlanChange(**GOLD))):
        with pytest.raises(EntityNotFoundError):
            await operation
    async with db.global_session(read_only=True) as session:
        assert (await session.scalars(select(UserPayment))).all() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"payment_plan": "GOLD"}, "payment_plan"),
        ({"plan_name": ""}, "plan_name"),
        ({"plan_price": Decimal(-1)}, "plan_price"),
        ({"plan_price": Decimal(10**8)}, "plan_price"),
        ({"currency": "EU"}, "currency"),
        ({"currency": "EURO"}, "currency"),
        ({"billing_cycle": "WEEKLY"}, "billing_cycle"),
        ({"payment_status": None}, "payment_status"),
        ({"payment_method": "x" * 51}, "payment_method"),
        ({"auto_renewal": 1}, "auto_renewal"),
        ({"starts_at": datetime(2026, 1, 1)}, "starts_at"),  # noqa: DTZ001
        ({"expires_at": START}, "expires_at"),
        ({"starts_at": None, "expires_at": utc_now()}, "expires_at"),  # it would end before it begins
    ],
)
def test_a_plan_that_cannot_be_accepted_is_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        PlanChange(**GOLD | values)
    assert caught.value.field == field
