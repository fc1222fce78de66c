"""The old procedures for profiles, notification settings, contacts and plans."""

from dataclasses import asdict, fields
from decimal import Decimal

from shardwise.errors import EntityNotFoundError
from shardwise.finance.identity.basic_profile import update_basic_profile
from shardwise.finance.identity.contacts import find_contact
from shardwise.finance.identity.defaults import initialize_defaults
from shardwise.finance.identity.investors import Answers, set_up_profile
from shardwise.finance.identity.models import (
    STATUS_NORMAL,
    InvestmentExperience,
    InvestmentGoal,
    RiskTolerance,
)
from shardwise.finance.identity.notification_settings import (
    find_notification_settings,
    store_notification_settings,
)
from shardwise.finance.identity.plans import Subscription, find_plan
from shardwise.finance.identity.profiles import PlanDetails, find_profile, find_settings
from shardwise.legacy.parameters import dec, word
from shardwise.legacy.procedure import Call, OnError, Procedure, Row, Rows, Scope
from shardwise.legacy.procedures.identity_texts import (
    BASIC,
    KEY,
    NOTIFICATIONS,
    basic_of,
    key_of,
    notifications_of,
)
from shardwise.legacy.rows import code, status

_KEY_REQUIRED = "account_db_key parameter is required"
_STATUS = ("result", "message")
_CODE = ("ErrorCode", "ErrorMessage")
_PERSON = ("birth_year", "birth_month", "birth_day", "gender")
_INVESTOR = (
    "investment_experience",
    "risk_tolerance",
    "investment_goal",
    "monthly_budget",
    "profile_completed",
    "country",
    "timezone",
)
_FLAGS = tuple(parameter.name for parameter in NOTIFICATIONS)
_PLAN = tuple(one.name for one in fields(PlanDetails))
_SUBSCRIPTION = tuple(one.name for one in fields(Subscription))
_NOTIFICATIONS_SEEN = (
    "account_db_key",
    "email_notifications_enabled",
    "sms_notifications_enabled",
    "push_notifications_enabled",
    "price_alert_enabled",
    "trade_alert_enabled",
    "news_alert_enabled",
    "portfolio_alert_enabled",
)


async def _set_up(
    call: Call,
    *,
    account_db_key: int | None,
    investment_experience: str | None,
    risk_tolerance: str | None,
    investment_goal: str | None,
    monthly_budget: Decimal | None,
) -> Rows:
    # NULL was stored as such and read as these words, so nobody sees a difference.
    answers = Answers(
        investment_experience=InvestmentExperience(investment_experience or "BEGINNER"),
        risk_tolerance=RiskTolerance(risk_tolerance or "MODERATE"),
        investment_goal=InvestmentGoal(investment_goal or "GROWTH"),
        monthly_budget=Decimal("0.00") if monthly_budget is None else monthly_budget,
    )
    await set_up_profile(call.session, key_of(account_db_key), answers)
    return [status("SUCCESS", "Profile setup completed")]


async def _get(call: Call, *, account_db_key: int | None) -> Rows:
    profile = None if account_db_key is None else await find_profile(call.session, account_db_key)
    if profile is None:
        return []
    row = asdict(profile.person) | {"shard_id": profile.person.shard_id or 0}
    return [row | asdict(profile.investor)]


async def _get_settings(call: Call, *, account_db_key: int | None) -> Rows:
    settings = None if account_db_key is None else await find_settings(call.session, account_db_key)
    if settings is None:
        return []
    plan: Row = dict.fromkeys(_PLAN) if settings.plan is None else asdict(settings.plan)
    return [asdict(settings.account) | asdict(settings.investor) | asdict(settings.notifications) | plan]


async def _update_basic(
    call: Call,
    *,
    account_db_key: int | None,
    nickname: str | None,
    email: str | None,
    phone_number: str | None,
) -> Rows:
    profile = basic_of(nickname, email, phone_number)
    try:
        if account_db_key is not None:
            await update_basic_profile(call.session, account_db_key, profile)
            return [status("SUCCESS", "Basic profile updated successfully")]
    except EntityNotFoundError:
        pass
    return [status("NOT_FOUND", "Account not found")]


async def _set_notifications(call: Call, *, account_db_key: int | None, **flags: bool | None) -> Rows:
    settings = notifications_of(flags)
    await store_notification_settings(call.session, key_of(account_db_key), settings)
    return [status("SUCCESS", "Notification settings updated successfully")]


async def _get_plan(call: Call, *, account_db_key: int | None) -> Rows:
    plan = None if account_db_key is None else await find_plan(call.session, account_db_key)
    return [] if plan is None else [asdict(plan)]


async def _initialize(call: Call, *, account_db_key: int | None) -> Rows:
    await initialize_defaults(call.session, key_of(account_db_key))
    return [status("SUCCESS", "User defaults initialized")]


async def _get_notifications(call: Call, *, account_db_key: int | None) -> Rows:
    if not account_db_key:
        return [code(1, _KEY_REQUIRED)]
    settings = await find_notification_settings(call.session, account_db_key)
    # Nobody is told nothing; an account that never said anything has the defaults.
    flags: Row = dict.fromkeys(_FLAGS, False) if settings is None else asdict(settings)
    flags["account_db_key"] = account_db_key
    return [code(0, "SUCCESS"), {name: flags[name] for name in _NOTIFICATIONS_SEEN}]


async def _get_contact(call: Call, *, account_db_key: int | None) -> Rows:
    if not account_db_key:
        return [code(1, _KEY_REQUIRED)]
    contact = await find_contact(call.session, account_db_key)
    rows: Rows = [code(0, "SUCCESS")]
    if contact is not None and contact.account_status == STATUS_NORMAL:
        rows.append(asdict(contact))
    return rows


PROFILES = (
    Procedure(
        name="fp_profile_setup",
        scope=Scope.GLOBAL,
        signatures=(
            (
                KEY,
                word("investment_experience", *InvestmentExperience),
                word("risk_tolerance", *RiskTolerance),
                word("investment_goal", *InvestmentGoal),
                dec("monthly_budget", 15, 2),
            ),
        ),
        results=(_STATUS,),
        run=_set_up,
    ),
    Procedure(
        name="fp_profile_get",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(
            (
                "account_db_key",
                "platform_type",
                "account_id",
                "nickname",
                "email",
                "account_level",
                *_PERSON,
                "shard_id",
                *_INVESTOR,
            ),
        ),
        run=_get,
        writes=False,
    ),
    Procedure(
        name="fp_get_user_profile_settings",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(
            (
                "account_db_key",
                "account_id",
                "nickname",
                "email",
                "phone_number",
                "email_verified",
                "phone_verified",
                "payment_plan",
                "plan_expires_at",
                "account_level",
                "create_time",
                *_PERSON,
                *_INVESTOR,
                *_FLAGS,
                *_PLAN,
            ),
        ),
        run=_get_settings,
        writes=False,
    ),
    Procedure(
        name="fp_update_basic_profile",
        scope=Scope.GLOBAL,
        signatures=((KEY, *BASIC),),
        results=(_STATUS,),
        run=_update_basic,
    ),
    Procedure(
        name="fp_update_notification_settings",
        scope=Scope.GLOBAL,
        signatures=((KEY, *NOTIFICATIONS),),
        results=(_STATUS,),
        run=_set_notifications,
    ),
    Procedure(
        name="fp_get_payment_plan",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(_SUBSCRIPTION,),
        run=_get_plan,
        writes=False,
    ),
    Procedure(
        name="fp_initialize_user_defaults",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(_STATUS,),
        run=_initialize,
    ),
    Procedure(
        name="fp_get_user_notification_settings",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(_CODE, _NOTIFICATIONS_SEEN),
        run=_get_notifications,
        writes=False,
        on_error=OnError.ERROR_ROW,
    ),
    Procedure(
        name="fp_get_user_contact_info",
        scope=Scope.GLOBAL,
        signatures=((KEY,),),
        results=(_CODE, ("account_db_key", "email", "phone_number", "nickname", "account_status")),
        run=_get_contact,
        writes=False,
        on_error=OnError.ERROR_ROW,
    ),
)
