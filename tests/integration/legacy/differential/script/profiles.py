"""Profiles, plans and their defaults (1.4, 1.5, 1.7, 1.8, 1.11, 1.12)."""

from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update

from differential.matching import NOW, TEXT, Kept
from differential.script.accounts import _home
from differential.steps import DUPLICATE, FAILS, GLOBAL, Row, Step, done, words
from shardwise.finance.identity.models import Account, UserPayment, UserProfile

call, meanwhile, holds = GLOBAL.call, GLOBAL.meanwhile, GLOBAL.holds

UNKNOWN = 999_999
SETUP_DONE = done("Profile setup completed")
DEFAULTS_DONE = done("User defaults initialized")
BASICS_DONE = done("Basic profile updated successfully")

# email, sms, push, price, news, portfolio, trade: what 1.7 and 1.12 said, now everywhere (D24).
DEFAULT_FLAGS = (1, 0, 1, 1, 1, 0, 1)
FLAGS = (
    "email_notifications_enabled",
    "sms_notifications_enabled",
    "push_notifications_enabled",
    "price_alert_enabled",
    "news_alert_enabled",
    "portfolio_alert_enabled",
    "trade_alert_enabled",
)


def _profile(name: str, **changed: Any) -> Row:
    return {
        "account_db_key": Kept(name),
        "platform_type": 1,
        "account_id": name,
        "nickname": name.capitalize(),
        "email": None,
        "account_level": 1,
        "birth_year": None,
        "birth_month": None,
        "birth_day": None,
        "gender": None,
        "shard_id": Kept(name, _home),
        "investment_experience": "BEGINNER",
        "risk_tolerance": "MODERATE",
        "investment_goal": "GROWTH",
        "monthly_budget": Decimal("0.00"),
        "profile_completed": 0,
        "country": None,
        "timezone": None,
    } | changed


def settings(name: str, *, flags: tuple[int, ...] = DEFAULT_FLAGS, **changed: Any) -> Row:
    """Return the 35 columns of 1.7, of an account with neither a profile nor a payment row."""
    row = {
        "account_db_key": Kept(name),
        "account_id": name,
        "nickname": name.capitalize(),
        "email": None,
        "phone_number": None,
        "email_verified": 0,
        "phone_verified": 0,
        "payment_plan": "FREE",
        "plan_expires_at": None,
        "account_level": 1,
        "create_time": NOW,
        "birth_year": None,
        "birth_month": None,
        "birth_day": None,
        "gender": None,
        "investment_experience": "BEGINNER",
        "risk_tolerance": "MODERATE",
        "investment_goal": "GROWTH",
        "monthly_budget": Decimal("0.00"),
        "profile_completed": 0,
        "country": None,
        "timezone": None,
        **dict(zip(FLAGS, flags, strict=True)),
        "plan_name": None,
        "plan_price": None,
        "currency": None,
        "billing_cycle": None,
        "auto_renewal": None,
        "payment_status": None,
    }
    return row | changed


def _plan(**changed: Any) -> Row:
    return {
        "current_plan": "FREE",
        "plan_expires_at": None,
        "plan_name": "Free Plan",
        "plan_price": Decimal("0.00"),
        "currency": "KRW",
        "billing_cycle": None,
        "auto_renewal": None,
        "payment_status": None,
        "starts_at": None,
        "payment_expires_at": None,
    } | changed


_WITH_PROFILE = {"profile_completed": 1, "country": "KOR", "timezone": "Asia/Seoul"}
_FREE = {
    "plan_name": "Free Plan",
    "plan_price": Decimal("0.00"),
    "currency": "KRW",
    "billing_cycle": "MONTHLY",
    "auto_renewal": 0,
    "payment_status": "ACTIVE",
}

_SETUP: list[Step] = [
    call("fp_profile_get", Kept("bob"), gives=_profile("bob")),
    call("fp_profile_get", Kept("cid"), gives=_profile("cid", birth_year=1985, gender="OTHER")),
    call("fp_profile_get", UNKNOWN, gives=[]),
    call("fp_get_user_profile_settings", Kept("bob"), gives=settings("bob")),
    call(
        "fp_profile_setup",
        Kept("bob"),
        "EXPERT",
        "AGGRESSIVE",
        "INCOME",
        Decimal("1234.56"),
        gives=SETUP_DONE,
    ),
    call(
        "fp_profile_get",
        Kept("bob"),
        gives=_profile(
            "bob",
            investment_experience="EXPERT",
            risk_tolerance="AGGRESSIVE",
            investment_goal="INCOME",
            monthly_budget=Decimal("1234.56"),
            **_WITH_PROFILE,
        ),
    ),
    # The new row's flags were all off, though 1.7 had just shown them on.
    call(
        "fp_get_user_profile_settings",
        Kept("bob"),
        gives=settings(
            "bob",
            investment_experience="EXPERT",
            risk_tolerance="AGGRESSIVE",
            investment_goal="INCOME",
            monthly_budget=Decimal("1234.56"),
            **_WITH_PROFILE,
        ),
        mends="D24",
    ),
    call(
        "fp_profile_setup",
        Kept("bob"),
        "intermediate",
        "CONSERVATIVE",
        "PRESERVATION",
        "10.005",
        gives=SETUP_DONE,
    ),
    call(
        "fp_profile_get",
        Kept("bob"),
        gives=_profile(
            "bob",
            investment_experience="INTERMEDIATE",
            risk_tolerance="CONSERVATIVE",
            investment_goal="PRESERVATION",
            monthly_budget=Decimal("10.01"),
            **_WITH_PROFILE,
        ),
    ),
    call("fp_profile_setup", Kept("bob"), None, None, None, None, gives=SETUP_DONE),
    call("fp_profile_get", Kept("bob"), gives=_profile("bob", **_WITH_PROFILE)),
    call("fp_profile_setup", Kept("bob"), "GURU", "MODERATE", "GROWTH", 1, fails=FAILS, mends="D3"),
    call("fp_profile_setup", Kept("bob"), "EXPERT", "RECKLESS", "GROWTH", 1, fails=FAILS, mends="D3"),
    call("fp_profile_setup", Kept("bob"), "EXPERT", "MODERATE", "FUN", 1, fails=FAILS, mends="D3"),
    call("fp_profile_setup", UNKNOWN, "EXPERT", "MODERATE", "GROWTH", 1, fails=FAILS, mends="D2"),
    call("fp_profile_get", Kept("bob"), gives=_profile("bob", **_WITH_PROFILE)),
]

_DEFAULTS: list[Step] = [
    call("fp_get_payment_plan", Kept("cid"), gives=_plan()),
    call("fp_get_payment_plan", UNKNOWN, gives=[]),
    call("fp_initialize_user_defaults", Kept("cid"), gives=DEFAULTS_DONE),
    call("fp_initialize_user_defaults", Kept("cid"), gives=DEFAULTS_DONE),
    holds(
        lambda kept: (
            select(func.count()).select_from(UserPayment).where(UserPayment.account_db_key == kept["cid"])
        ),
        (1,),
    ),
    call(
        "fp_get_payment_plan",
        Kept("cid"),
        gives=_plan(billing_cycle="MONTHLY", auto_renewal=0, payment_status="ACTIVE", starts_at=NOW),
    ),
    call(
        "fp_get_user_profile_settings",
        Kept("cid"),
        gives=settings(
            "cid", birth_year=1985, gender="OTHER", **_WITH_PROFILE | {"profile_completed": 0}, **_FREE
        ),
    ),
    # What is there stays: bob has a profile, whose budget the defaults must not touch.
    call("fp_profile_setup", Kept("bob"), "EXPERT", "MODERATE", "GROWTH", 7, gives=SETUP_DONE),
    call("fp_initialize_user_defaults", Kept("bob"), gives=DEFAULTS_DONE),
    call(
        "fp_get_user_profile_settings",
        Kept("bob"),
        gives=settings(
            "bob", investment_experience="EXPERT", monthly_budget=Decimal("7.00"), **_WITH_PROFILE, **_FREE
        ),
    ),
    call("fp_initialize_user_defaults", UNKNOWN, fails=FAILS, mends="D2"),
    meanwhile(
        lambda kept: (
            update(UserPayment)
            .where(UserPayment.account_db_key == kept["cid"])
            .values(
                plan_name="Gold",
                plan_price=Decimal("9900.50"),
                currency="USD",
                billing_cycle="YEARLY",
                auto_renewal=True,
            )
        )
    ),
    call(
        "fp_get_payment_plan",
        Kept("cid"),
        gives=_plan(
            plan_name="Gold",
            plan_price=Decimal("9900.50"),
            currency="USD",
            billing_cycle="YEARLY",
            auto_renewal=1,
            payment_status="ACTIVE",
            starts_at=NOW,
        ),
        mends="D25",
    ),
    call("fp_initialize_user_defaults", Kept("cid"), gives=DEFAULTS_DONE),
    holds(
        lambda kept: select(UserPayment.plan_name).where(UserPayment.account_db_key == kept["cid"]),
        ("Gold",),
    ),
]

_BASICS: list[Step] = [
    call("fp_update_basic_profile", Kept("ann"), "Annie", "annie@example.org", "010-1234", gives=BASICS_DONE),
    call(
        "fp_get_user_profile_settings",
        Kept("ann"),
        gives=settings(
            "ann",
            nickname="Annie",
            email="annie@example.org",
            phone_number="010-1234",
            birth_year=1990,
            birth_month=5,
            birth_day=17,
            gender="F",
        ),
    ),
    call("fp_update_basic_profile", Kept("ann"), "Annie", "annie@example.org", "010-1234", gives=BASICS_DONE),
    call("fp_update_basic_profile", Kept("ann"), "Ann", None, None, gives=BASICS_DONE),
    call(
        "fp_profile_get",
        Kept("ann"),
        gives=_profile("ann", birth_year=1990, birth_month=5, birth_day=17, gender="F"),
    ),
    call("fp_update_basic_profile", Kept("ann"), None, "a@example.org", "1", fails=FAILS, mends="D1"),
    call(
        "fp_update_basic_profile", Kept("ann"), "Ann", "dee@example.org", None, fails=DUPLICATE, mends="D20"
    ),
    call("fp_update_basic_profile", Kept("ann"), "Ann", "ann@example.org", "010-1", gives=BASICS_DONE),
    call(
        "fp_update_basic_profile", UNKNOWN, "Nobody", None, None, gives=words("NOT_FOUND", TEXT), mends="D16"
    ),
]

_ANY_STATUS: list[Step] = [
    meanwhile(
        lambda kept: (
            update(Account).where(Account.account_db_key == kept["jim"]).values(account_status="Suspended")
        )
    ),
    call("fp_profile_get", Kept("jim"), gives=_profile("jim")),
    call("fp_get_user_profile_settings", Kept("jim"), gives=settings("jim")),
    holds(
        lambda kept: (
            select(func.count()).select_from(UserProfile).where(UserProfile.account_db_key == kept["jim"])
        ),
        (0,),
    ),
]

STEPS: list[Step] = [*_SETUP, *_DEFAULTS, *_BASICS, *_ANY_STATUS]
