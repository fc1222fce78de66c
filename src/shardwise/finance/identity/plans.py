"""What somebody has subscribed to; the account and the payment row say the same."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.finance.identity.detail_repository import PaymentRepository
from shardwise.finance.identity.models import Account, BillingCycle, PaymentPlan, PaymentStatus
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.identity.view_repository import AccountViewRepository
from shardwise.finance.validation import check_code, check_decimal, check_text
from shardwise.kit.clock import utc_now

FREE_PLAN = "Free Plan"
CURRENCY = "KRW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What somebody has subscribed to; what comes after `currency` is None as long as no plan was set.

    Attributes:
        current_plan: what they may use.
        plan_expires_at: until when; None = without end.
        payment_expires_at: until when it is paid.
    """

    current_plan: PaymentPlan
    plan_expires_at: datetime | None
    plan_name: str
    plan_price: Decimal
    currency: str
    billing_cycle: BillingCycle | None
    auto_renewal: bool | None
    payment_status: PaymentStatus | None
    starts_at: datetime | None
    payment_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """What somebody subscribes to; checked when it is made.

    Args:
        payment_plan: what they may use.
        plan_name: what it is called, 1 to 50 characters.
        plan_price: 0 or more, below 10**8, with at most 2 digits after the point.
        currency: three letters.
        billing_cycle: how often it is paid.
        starts_at: since when; None = now.
        expires_at: until when; None = without end.
        auto_renewal: whether it goes on by itself.
        payment_method: up to 50 characters.
        payment_status: whether it is paid.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    payment_plan: PaymentPlan
    plan_name: str
    plan_price: Decimal
    currency: str = CURRENCY
    billing_cycle: BillingCycle = BillingCycle.MONTHLY
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    auto_renewal: bool = False
    payment_method: str | None = None
    payment_status: PaymentStatus = PaymentStatus.ACTIVE

    def __post_init__(self) -> None:
        for name, value, words in (
            ("payment_plan", self.payment_plan, PaymentPlan),
            ("billing_cycle", self.billing_cycle, BillingCycle),
            ("payment_status", self.payment_status, PaymentStatus),
        ):
            if value not in tuple(words):
                raise InvalidValueError(name, f"{value!r} is not one of {', '.join(words)}")
        check_text("plan_name", self.plan_name, longest=50)
        price = check_decimal("plan_price", self.plan_price, precision=10, scale=2, zero=True)
        object.__setattr__(self, "plan_price", price)
        if len(check_code("currency", self.currency, longest=3)) != 3:
            raise InvalidValueError("currency", "it must have three letters")
        if self.payment_method is not None:
            check_text("payment_method", self.payment_method, longest=50)
        if not isinstance(self.auto_renewal, bool):
            raise InvalidValueError("auto_renewal", "it must be true or false")
        _check_period(self.starts_at, self.expires_at)


async def find_plan(session: AsyncSession, account_db_key: int) -> Subscription | None:
    """Return what somebody has subscribed to, with one statement; None if nobody has the key."""
    row = await AccountViewRepository(session).plan(account_db_key)
    if row is None:
        return None
    values = dict(row._mapping)
    if values.pop("has_payment") is None:
        values |= {"plan_name": FREE_PLAN, "plan_price": Decimal("0.00"), "currency": CURRENCY}
    return Subscription(**values)


async def set_plan(session: AsyncSession, account_db_key: int, change: PlanChange) -> None:
    """Store what somebody subscribes to, on the account and in the payment row: two statements.

    Raises:
        EntityNotFoundError: there is no such account.
    """
    # The account first: whoever writes both waits there, holding nothing that the other needs.
    on_account = {"payment_plan": change.payment_plan, "plan_expires_at": change.expires_at}
    if not await AccountRepository(session).update_many({"account_db_key": account_db_key}, on_account):
        raise EntityNotFoundError(Account.__name__, account_db_key)
    values = asdict(change) | {"starts_at": change.starts_at or utc_now()}
    await PaymentRepository(session).put(account_db_key, values)


def _check_period(starts_at: datetime | None, expires_at: datetime | None) -> None:
    moments: dict[str, object] = {"starts_at": starts_at, "expires_at": expires_at}
    for name, moment in moments.items():
        if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
            raise InvalidValueError(name, "it must be a datetime with a time zone")
    if expires_at is not None and expires_at <= (starts_at or utc_now()):
        raise InvalidValueError("expires_at", "it must come after starts_at, which is now if it isn't given")
