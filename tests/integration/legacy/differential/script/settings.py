"""Notification settings and how to reach somebody (1.9, 1.15, 1.16)."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.sql import Executable

from differential.matching import Kept
from differential.script.profiles import DEFAULT_FLAGS, UNKNOWN, settings
from differential.steps import FAILS, GLOBAL, OK, Row, Step, done, numbers
from shardwise.finance.identity.models import UserProfile

call, holds = GLOBAL.call, GLOBAL.holds

SET = done("Notification settings updated successfully")
NEEDED = numbers(1, "account_db_key parameter is required")


def _flags(
    key: Any, email: int, sms: int, push: int, price: int, news: int, portfolio: int, trade: int
) -> Row:
    """Return the flags in the order of 1.15: trade comes before news."""
    return {
        "account_db_key": key,
        "email_notifications_enabled": email,
        "sms_notifications_enabled": sms,
        "push_notifications_enabled": push,
        "price_alert_enabled": price,
        "trade_alert_enabled": trade,
        "news_alert_enabled": news,
        "portfolio_alert_enabled": portfolio,
    }


def _contact(name: str, email: str | None, phone: str | None) -> Row:
    return {
        "account_db_key": Kept(name),
        "email": email,
        "phone_number": phone,
        "nickname": name.capitalize(),
        "account_status": "Normal",
    }


def _profiles_of_dee(kept: dict[str, Any]) -> Executable:
    return select(func.count()).select_from(UserProfile).where(UserProfile.account_db_key == kept["dee"])


STEPS: list[Step] = [
    call(
        "fp_get_user_notification_settings",
        Kept("dee"),
        gives=[OK, _flags(Kept("dee"), *DEFAULT_FLAGS)],
        mends="D24",
    ),
    call("fp_update_notification_settings", Kept("dee"), None, 0, 0, 0, 0, 0, 0, fails=FAILS, mends="D1"),
    holds(_profiles_of_dee, (0,), mends="D4"),
    call("fp_update_notification_settings", Kept("dee"), 0, 1, 0, 1, 0, 1, 0, gives=SET),
    holds(_profiles_of_dee, (1,)),
    call(
        "fp_get_user_notification_settings", Kept("dee"), gives=[OK, _flags(Kept("dee"), 0, 1, 0, 1, 0, 1, 0)]
    ),
    call(
        "fp_update_notification_settings", Kept("dee"), True, False, True, False, True, False, True, gives=SET
    ),
    call(
        "fp_get_user_notification_settings", Kept("dee"), gives=[OK, _flags(Kept("dee"), 1, 0, 1, 0, 1, 0, 1)]
    ),
    call("fp_update_notification_settings", Kept("dee"), b"\0", b"\1", 1, 1, 1, 1, 1, gives=SET),
    call(
        "fp_get_user_notification_settings", Kept("dee"), gives=[OK, _flags(Kept("dee"), 0, 1, 1, 1, 1, 1, 1)]
    ),
    call("fp_update_notification_settings", Kept("dee"), 0, 0, 0, 0, 0, 0, 0, gives=SET),
    call(
        "fp_get_user_profile_settings",
        Kept("dee"),
        gives=settings(
            "dee",
            flags=(0, 0, 0, 0, 0, 0, 0),
            email="dee@example.org",
            birth_year=2001,
            birth_month=2,
            birth_day=28,
            gender="M",
            country="KOR",
            timezone="Asia/Seoul",
        ),
    ),
    call("fp_update_notification_settings", UNKNOWN, 1, 1, 1, 1, 1, 1, 1, fails=FAILS, mends="D2"),
    call("fp_get_user_notification_settings", None, gives=NEEDED),
    call("fp_get_user_notification_settings", 0, gives=NEEDED),
    call("fp_get_user_notification_settings", UNKNOWN, gives=[OK, _flags(UNKNOWN, 0, 0, 0, 0, 0, 0, 0)]),
    call("fp_get_user_contact_info", Kept("dee"), gives=[OK, _contact("dee", "dee@example.org", None)]),
    call("fp_get_user_contact_info", Kept("ann"), gives=[OK, _contact("ann", "ann@example.org", "010-1")]),
    call("fp_get_user_contact_info", Kept("bob"), gives=[OK, _contact("bob", None, None)]),
    call("fp_get_user_contact_info", Kept("jim"), gives=[OK]),
    call("fp_get_user_contact_info", UNKNOWN, gives=[OK]),
    call("fp_get_user_contact_info", None, gives=NEEDED),
    call("fp_get_user_contact_info", 0, gives=NEEDED),
]
