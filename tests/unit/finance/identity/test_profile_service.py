import asyncio
from dataclasses import asdict, replace
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    AccountBlockedError,
    AuthenticationError,
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
)
from shardwise.finance.identity.api_keys import ApiKeys
from shardwise.finance.identity.basic_profile import BasicProfile
from shardwise.finance.identity.investors import Answers, Investor
from shardwise.finance.identity.models import (
    Account,
    InvestmentExperience,
    InvestmentGoal,
    PaymentPlan,
    RiskTolerance,
    UserApiKeys,
    UserPayment,
    UserProfile,
)
from shardwise.finance.identity.notification_settings import DEFAULTS, NotificationSettings
from shardwise.finance.identity.password_changes import PasswordChange
from shardwise.finance.identity.plan_service import PlanService
from shardwise.finance.identity.plans import PlanChange
from shardwise.finance.identity.profile_service import Everything, ProfileService
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.security.passwords import PasswordHasher
from shardwise.testing.counting import count_statements

QUIET = NotificationSettings(**dict.fromkeys(asdict(DEFAULTS), False))
ANSWERS = Answers(
    investment_experience=InvestmentExperience.EXPERT,
    risk_tolerance=RiskTolerance.AGGRESSIVE,
    investment_goal=InvestmentGoal.INCOME,
    monthly_budget=Decimal("1234.5"),
)


@pytest.fixture
def profiles(db: ShardedDatabase, hasher: PasswordHasher) -> ProfileService:
    return ProfileService(db, hasher=hasher)


@pytest.fixture
async def other(identity: IdentityService) -> int:
    request = SignUp(account_id="other", password="secret", nickname="Other", email="other@example.com")
    return (await identity.sign_up(request)).account_db_key


async def stored(db: ShardedDatabase, model: type[Any], key: int) -> Any:
    async with db.global_session(read_only=True) as session:
        return await session.scalar(select(model).where(model.account_db_key == key))


async def block(db: ShardedDatabase, key: int) -> None:
    async with db.global_session() as session:
        await session.execute(
            update(Account).where(Account.account_db_key == key).values(account_status="Blocked")
        )


async def test_an_account_that_never_said_anything_has_one_set_of_defaults(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    profile = await profiles.get(account)
    assert (profile.person.account_id, profile.person.nickname, profile.person.email) == (
        "holder",
        "Holder",
        None,
    )
    assert profile.person.shard_id == (await db.where(account)).shard_id
    assert profile.investor == Investor(
        investment_experience=InvestmentExperience.BEGINNER,
        risk_tolerance=RiskTolerance.MODERATE,
        investment_goal=InvestmentGoal.GROWTH,
        monthly_budget=Decimal("0.00"),
        profile_completed=False,
        country=None,
        timezone=None,
    )
    settings = await profiles.get_settings(account)
    assert settings.notifications == DEFAULTS == await profiles.get_notification_settings(account)
    assert settings.plan is None
    assert settings.account.payment_plan is PaymentPlan.FREE
    assert settings.account.email_verified is False
    assert settings.account.create_time.tzinfo is UTC


@pytest.mark.parametrize("before", ["nothing", "a profile"])
async def test_setting_up_a_profile_completes_it_and_leaves_notifications_alone(
    profiles: ProfileService, account: int, before: str
) -> None:
    expected = DEFAULTS
    if before == "a profile":
        expected = QUIET
        await profiles.set_notification_settings(account, QUIET)
    await profiles.set_up(account, ANSWERS)
    investor = (await profiles.get(account)).investor
    assert investor == Investor(
        **asdict(ANSWERS), profile_completed=True, country="KOR", timezone="Asia/Seoul"
    )
    assert str(investor.monthly_budget) == "1234.50"
    assert await profiles.get_notification_settings(account) == expected


async def test_setting_notifications_leaves_the_profile_alone(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    await profiles.set_notification_settings(account, QUIET)
    assert (await profiles.get(account)).investor.profile_completed is False
    before = (await stored(db, UserProfile, account)).updated_at
    await profiles.set_up(account, ANSWERS)
    loud = NotificationSettings(**dict.fromkeys(asdict(DEFAULTS), True))
    await profiles.set_notification_settings(account, loud)
    settings = await profiles.get_settings(account)
    assert settings.notifications == loud
    assert settings.investor.investment_experience is InvestmentExperience.EXPERT
    assert settings.investor.profile_completed is True
    assert (await stored(db, UserProfile, account)).updated_at > before


async def test_each_flag_is_stored_as_its_own(profiles: ProfileService, account: int) -> None:
    for name in asdict(DEFAULTS):
        one = replace(QUIET, **{name: True})
        await profiles.set_notification_settings(account, one)
        assert await profiles.get_notification_settings(account) == one


async def test_basic_profile_is_overwritten_and_none_clears(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    await profiles.update_basic(account, nickname="Neu", email="Neu@Example.com", phone_number="+49 30 1")
    row = await stored(db, Account, account)
    assert (row.nickname, row.email, row.phone_number) == ("Neu", "Neu@Example.com", "+49 30 1")
    contact = await profiles.get_contact(account)
    assert (contact.email, contact.phone_number, contact.nickname) == ("Neu@Example.com", "+49 30 1", "Neu")
    assert "Neu@" not in repr(contact)
    assert "+49" not in repr(contact)
    details = repr(await profiles.get_settings(account)) + repr(await profiles.get(account))
    assert "Neu@" not in details
    assert "+49" not in details
    await profiles.update_basic(account, nickname="Neu")
    row = await stored(db, Account, account)
    assert (row.email, row.phone_number) == (None, None)


async def test_an_address_of_another_account_is_refused_and_nothing_changes(
    db: ShardedDatabase, profiles: ProfileService, account: int, other: int
) -> None:
    with pytest.raises(DuplicateEntityError) as caught:
        await profiles.update_basic(account, nickname="Neu", email="OTHER@example.com")
    assert caught.value.constraint == "uk_platform_email"
    assert (await stored(db, Account, account)).nickname == "Holder"
    await profiles.update_basic(other, nickname="Other", email="OTHER@example.com")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_of_many_who_want_one_address_one_gets_it(
    db: ShardedDatabase, identity: IdentityService, profiles: ProfileService
) -> None:
    requests = [SignUp(account_id=f"user{n}", password="x", nickname="U") for n in range(16)]
    keys = [(await identity.sign_up(request)).account_db_key for request in requests]
    wanted = (profiles.update_basic(key, nickname="U", email="u@example.com") for key in keys)
    outcomes = await asyncio.gather(*wanted, return_exceptions=True)
    assert outcomes.count(None) == 1
    assert sum(isinstance(one, DuplicateEntityError) for one in outcomes) == 15


async def test_a_blocked_account_is_not_to_be_contacted(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    await block(db, account)
    with pytest.raises(AccountBlockedError, match="is Blocked"):
        await profiles.get_contact(account)


async def test_defaults_are_stored_once_and_never_overwrite(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    await profiles.initialize_defaults(account)
    settings = await profiles.get_settings(account)
    assert settings.notifications == DEFAULTS
    assert settings.investor.profile_completed is False
    assert settings.plan is not None
    assert (settings.plan.plan_name, str(settings.plan.plan_price), settings.plan.currency) == (
        "Free Plan",
        "0.00",
        "KRW",
    )
    assert settings.plan.payment_status == "ACTIVE"
    await profiles.set_notification_settings(account, QUIET)
    change = PlanChange(payment_plan=PaymentPlan.PREMIUM, plan_name="Gold", plan_price=Decimal(5))
    await PlanService(db).set(account, change)
    before = await profiles.get_settings(account)
    await profiles.initialize_defaults(account)
    assert await profiles.get_settings(account) == before


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_defaults_initialised_by_many_at_once_are_one_row_each(
    db: ShardedDatabase, profiles: ProfileService, account: int, other: int
) -> None:
    await asyncio.gather(*(profiles.initialize_defaults(key) for key in (account, other) * 16))
    async with db.global_session(read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(UserProfile)) == 2
        assert await session.scalar(select(func.count()).select_from(UserPayment)) == 2


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_whatever_an_account_is_asked_at_once_is_done(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    plan = PlanChange(payment_plan=PaymentPlan.PREMIUM, plan_name="Gold", plan_price=Decimal(5))
    work = [
        lambda: profiles.initialize_defaults(account),
        lambda: profiles.update_all(account, everything(api_keys=ApiKeys(alpha_vantage_key="a"))),
        lambda: profiles.set_up(account, ANSWERS),
        lambda: PlanService(db).set(account, plan),
        lambda: profiles.set_notification_settings(account, QUIET),
        lambda: profiles.update_basic(account, nickname="All", email="all@example.com", phone_number="1"),
    ]
    await asyncio.gather(*(work[n % len(work)]() for n in range(36)))
    settings = await profiles.get_settings(account)
    assert settings.notifications == QUIET
    assert settings.investor.profile_completed
    assert settings.account.payment_plan is PaymentPlan.PREMIUM
    assert (settings.plan is not None and settings.plan.plan_name) == "Gold"


def everything(**changes: Any) -> Everything:
    basic = BasicProfile(nickname="All", email="all@example.com", phone_number="1")
    return Everything(**{"basic": basic, "notifications": QUIET, **changes})


async def test_everything_is_changed_at_once(
    db: ShardedDatabase, identity: IdentityService, profiles: ProfileService, account: int
) -> None:
    change = everything(
        password=PasswordChange(current="secret", new="new secret", ip="10.0.0.1"),
        api_keys=ApiKeys(alpha_vantage_key="alpha"),
    )
    with count_statements(db) as seen:
        await profiles.update_all(account, change)
    assert [one.split()[0] for one in seen] == ["SELECT", "UPDATE", "INSERT", "UPDATE", "INSERT", "INSERT"]
    settings = await profiles.get_settings(account)
    assert (settings.account.nickname, settings.account.email, settings.account.phone_number) == (
        "All",
        "all@example.com",
        "1",
    )
    assert settings.notifications == QUIET
    assert (await stored(db, UserApiKeys, account)).alpha_vantage_key == "alpha"
    assert (await identity.log_in(1, "holder", "new secret")).nickname == "All"
    with count_statements(db) as seen:
        await profiles.update_all(account, everything())
    assert [one.split()[0] for one in seen] == ["UPDATE", "INSERT"]
    assert (await stored(db, UserApiKeys, account)).alpha_vantage_key == "alpha"


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"password": PasswordChange(current="wrong", new="new")}, AuthenticationError),
        ({"password": PasswordChange(current="secret", new="secret")}, InvalidValueError),
        ({"api_keys": ApiKeys(finnhub_key="two words")}, InvalidValueError),
        ({"basic": BasicProfile(nickname="")}, InvalidValueError),
        ({"basic": BasicProfile(nickname="x", email="other@example.com")}, DuplicateEntityError),
    ],
)
async def test_everything_or_nothing(
    db: ShardedDatabase,
    profiles: ProfileService,
    account: int,
    changes: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await profiles.update_all(account, everything(**changes))
    assert (await stored(db, Account, account)).nickname == "Holder"
    assert await stored(db, UserProfile, account) is None
    assert await stored(db, UserApiKeys, account) is None


async def test_what_fails_last_undoes_what_came_first(
    db: ShardedDatabase, profiles: ProfileService, account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def changed_meanwhile(*args: Any) -> None:
        raise AuthenticationError

    monkeypatch.setattr("shardwise.finance.identity.profile_update.replace_password", changed_meanwhile)
    with pytest.raises(AuthenticationError):
        await profiles.update_all(
            account, everything(password=PasswordChange(current="secret", new="another"))
        )
    assert (await stored(db, Account, account)).nickname == "Holder"
    assert await stored(db, UserProfile, account) is None


async def test_each_use_case_costs_so_many_statements(
    db: ShardedDatabase, profiles: ProfileService, account: int
) -> None:
    costs = {
        "SELECT": [
            profiles.get,
            profiles.get_settings,
            profiles.get_notification_settings,
            profiles.get_contact,
        ],
        "INSERT": [
            lambda key: profiles.set_up(key, ANSWERS),
            lambda key: profiles.set_notification_settings(key, QUIET),
        ],
        "UPDATE": [lambda key: profiles.update_basic(key, nickname="N")],
        "INSERT INSERT": [profiles.initialize_defaults],
    }
    for expected, operations in costs.items():
        for operation in operations:
            with count_statements(db) as seen:
                await operation(account)
            assert " ".join(one.split()[0] for one in seen) == expected


async def test_an_unknown_account_is_named(profiles: ProfileService) -> None:
    for operation in (
        profiles.get(4711),
        profiles.get_settings(4711),
        profiles.set_up(4711, ANSWERS),
        profiles.update_basic(4711, nickname="N"),
        profiles.get_notification_settings(4711),
        profiles.set_notification_settings(4711, QUIET),
        profiles.get_contact(4711),
        profiles.initialize_defaults(4711),
        profiles.update_all(4711, everything()),
        profiles.update_all(4711, everything(password=PasswordChange(current="a", new="b"))),
    ):
        with pytest.raises(EntityNotFoundError, match="no Account has the primary key 4711"):
            await operation


@pytest.mark.parametrize("key", [-1, 2**64, "1", None, True])
async def test_a_key_that_is_none_is_named(profiles: ProfileService, key: Any) -> None:
    for operation in (profiles.get(key), profiles.set_up(key, ANSWERS)):
        with pytest.raises(InvalidValueError, match=r"^account_db_key: "):
            await operation


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"nickname": ""}, "nickname"),
        ({"nickname": "x" * 51}, "nickname"),
        ({"nickname": None}, "nickname"),
        ({"nickname": "a\nb"}, "nickname"),
        ({"nickname": "x", "email": "nobody"}, "email"),
        ({"nickname": "x", "phone_number": "1" * 21}, "phone_number"),
        ({"nickname": "x", "phone_number": ""}, "phone_number"),
    ],
)
async def test_bad_input_is_named_before_the_database_is_asked(
    db: ShardedDatabase, profiles: ProfileService, values: dict[str, Any], field: str
) -> None:
    with count_statements(db) as seen, pytest.raises(InvalidValueError) as caught:
        await profiles.update_basic(4711, **values)
    assert (caught.value.field, seen) == (field, [])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"investment_experience": "GURU"}, "investment_experience"),
        ({"risk_tolerance": None}, "risk_tolerance"),
        ({"investment_goal": "FUN"}, "investment_goal"),
        ({"monthly_budget": Decimal("-0.01")}, "monthly_budget"),
        ({"monthly_budget": 1.5}, "monthly_budget"),
        ({"monthly_budget": Decimal(10**13)}, "monthly_budget"),
        ({"monthly_budget": Decimal("0.001")}, "monthly_budget"),
    ],
)
def test_answers_that_cannot_be_accepted_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        Answers(**values)
    assert caught.value.field == field


def test_a_flag_that_is_none_is_named() -> None:
    with pytest.raises(InvalidValueError, match=r"^trade_alert_enabled: "):
        replace(DEFAULTS, trade_alert_enabled=None)  # type: ignore[arg-type]  # what is tested
