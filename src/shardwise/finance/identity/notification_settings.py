"""What somebody wants to be told; the one place that says what a new account is told."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import InvalidValueError
from shardwise.finance.identity.detail_repository import ProfileRepository
from shardwise.finance.identity.view_repository import AccountViewRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """What somebody wants to be told and by which way; checked when it is made.

    Args:
        email_notifications_enabled: by e-mail.
        sms_notifications_enabled: by text message.
        push_notifications_enabled: by push message.
        price_alert_enabled: of prices.
        news_alert_enabled: of news.
        portfolio_alert_enabled: of the portfolio.
        trade_alert_enabled: of signals to trade.

    Raises:
        InvalidValueError: one of them is not true or false; it is named.
    """

    email_notifications_enabled: bool
    sms_notifications_enabled: bool
    push_notifications_enabled: bool
    price_alert_enabled: bool
    news_alert_enabled: bool
    portfolio_alert_enabled: bool
    trade_alert_enabled: bool

    def __post_init__(self) -> None:
        for one in fields(self):
            if not isinstance(getattr(self, one.name), bool):
                raise InvalidValueError(one.name, "it must be true or false")


DEFAULTS: Final = NotificationSettings(
    email_notifications_enabled=True,
    sms_notifications_enabled=False,
    push_notifications_enabled=True,
    price_alert_enabled=True,
    news_alert_enabled=True,
    portfolio_alert_enabled=False,
    trade_alert_enabled=True,
)
"""What holds for an account that never said anything: shown, obeyed and stored alike."""


async def find_notification_settings(
    session: AsyncSession, account_db_key: int
) -> NotificationSettings | None:
    """Return what an account wants to be told, `DEFAULTS` if it never said; None if nobody has the key."""
    row = await AccountViewRepository(session).notifications(account_db_key)
    return None if row is None else settings_of(row)


async def store_notification_settings(
    session: AsyncSession, account_db_key: int, settings: NotificationSettings
) -> None:
    """Overwrite what an account wants to be told, with one statement.

    Raises:
        EntityNotFoundError: there is no such account.
    """
    await ProfileRepository(session).put(account_db_key, asdict(settings))


def settings_of(row: Row[Any]) -> NotificationSettings:
    """Return the settings in a row of a view that has them and `has_profile`."""
    if row.has_profile is None:
        return DEFAULTS
    return NotificationSettings(**{one.name: row._mapping[one.name] for one in fields(NotificationSettings)})
