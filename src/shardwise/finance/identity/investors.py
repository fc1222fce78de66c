"""How somebody invests: the questions that complete a profile."""

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import InvalidValueError
from shardwise.finance.identity.detail_repository import ProfileRepository
from shardwise.finance.identity.models import InvestmentExperience, InvestmentGoal, RiskTolerance
from shardwise.finance.identity.notification_settings import DEFAULTS
from shardwise.finance.validation import check_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What somebody answers; checked when it is made.

    Args:
        investment_experience: how long they have invested.
        risk_tolerance: how much risk they take.
        investment_goal: what for.
        monthly_budget: 0 or more, below 10**13, with at most 2 digits after the point.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    investment_experience: InvestmentExperience = InvestmentExperience.BEGINNER
    risk_tolerance: RiskTolerance = RiskTolerance.MODERATE
    investment_goal: InvestmentGoal = InvestmentGoal.GROWTH
    monthly_budget: Decimal = Decimal("0.00")

    def __post_init__(self) -> None:
        _check_word("investment_experience", self.investment_experience, InvestmentExperience)
        _check_word("risk_tolerance", self.risk_tolerance, RiskTolerance)
        _check_word("investment_goal", self.investment_goal, InvestmentGoal)
        budget = check_decimal("monthly_budget", self.monthly_budget, precision=15, scale=2, zero=True)
        object.__setattr__(self, "monthly_budget", budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Investor:
    """How somebody invests.

    Attributes:
        profile_completed: whether they have answered; if not, what precedes it is assumed.
        country: three letters, None as long as nothing is stored of them.
        timezone: an IANA name, None likewise.
    """

    investment_experience: InvestmentExperience
    risk_tolerance: RiskTolerance
    investment_goal: InvestmentGoal
    monthly_budget: Decimal
    profile_completed: bool
    country: str | None
    timezone: str | None


async def set_up_profile(session: AsyncSession, account_db_key: int, answers: Answers) -> None:
    """Store what somebody has answered, with one statement; the profile is complete then.

    Raises:
        EntityNotFoundError: there is no such account.
    """
    given = asdict(answers) | {"profile_completed": True}
    await ProfileRepository(session).put(account_db_key, asdict(DEFAULTS) | given, update=tuple(given))


def investor_of(row: Row[Any]) -> Investor:
    """Return the investor in a row of a view that has one and `has_profile`."""
    if row.has_profile is None:
        return Investor(**asdict(Answers()), profile_completed=False, country=None, timezone=None)
    return Investor(**{one.name: row._mapping[one.name] for one in fields(Investor)})


def _check_word(field: str, value: object, words: type[StrEnum]) -> None:
    if value not in tuple(words):
        raise InvalidValueError(field, f"{value!r} is not one of {', '.join(words)}")
