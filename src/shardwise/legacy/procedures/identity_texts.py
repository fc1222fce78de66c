"""What old programs may say about people: more than a sign-up of today accepts, where it does no harm."""

import unicodedata

from shardwise.errors import InvalidValueError
from shardwise.finance.identity.basic_profile import BasicProfile
from shardwise.finance.identity.notification_settings import NotificationSettings
from shardwise.finance.validation import check_line
from shardwise.legacy.parameters import Parameter, flag, text, u64
from shardwise.legacy.procedure import Signature

KEY = u64("account_db_key")
BASIC: Signature = (
    text("nickname", 50, secret=True),
    text("email", 100, secret=True),
    text("phone_number", 20, secret=True),
)
_FLAGS = (
    "email_notifications_enabled",
    "sms_notifications_enabled",
    "push_notifications_enabled",
    "price_alert_enabled",
    "news_alert_enabled",
    "portfolio_alert_enabled",
    "trade_alert_enabled",
)
NOTIFICATIONS: Signature = tuple(flag(name) for name in _FLAGS)
_API_KEYS = (
    "korea_investment_app_key",
    "korea_investment_app_secret",
    "alpha_vantage_key",
    "polygon_key",
    "finnhub_key",
)
API_KEYS: tuple[Parameter, ...] = tuple(text(name, 255, secret=True) for name in _API_KEYS)


def key_of(account_db_key: int | None) -> int:
    """Return a key that must be given.

    Raises:
        InvalidValueError: it is NULL.
    """
    if account_db_key is None:
        raise InvalidValueError("p_account_db_key", "it is required")
    return account_db_key


def line_of(field: str, value: str | None) -> str:
    """Return a text that must be given; it may be empty, or have spaces around it.

    Raises:
        InvalidValueError: it is NULL, or has control characters.
    """
    if value is None:
        raise InvalidValueError(field, "it is required")
    return check_line(field, value)


def email_of(email: str | None) -> str | None:
    """Return an address, composed, of whatever form; an empty one is none, so that several may be.

    Raises:
        InvalidValueError: it has control characters.
    """
    return unicodedata.normalize("NFC", check_line("p_email", email)) if email else None


def basic_of(nickname: str | None, email: str | None, phone_number: str | None) -> BasicProfile:
    """Return nickname, address and number.

    Raises:
        InvalidValueError: the nickname is NULL, or one of them has control characters.
    """
    return BasicProfile(
        nickname=line_of("p_nickname", nickname),
        email=email_of(email),
        phone_number=None if phone_number is None else check_line("p_phone_number", phone_number),
    )


def notifications_of(flags: dict[str, bool | None]) -> NotificationSettings:
    """Return the seven flags.

    Raises:
        InvalidValueError: one is NULL.
    """
    for name, value in flags.items():
        if value is None:
            raise InvalidValueError(f"p_{name}", "it is required")
    return NotificationSettings(**{name: bool(value) for name, value in flags.items()})
