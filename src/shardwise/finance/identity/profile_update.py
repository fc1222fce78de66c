"""Everything that somebody can change about themselves, at once."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.api_keys import ApiKeys, save_api_keys
from shardwise.finance.identity.basic_profile import BasicProfile, update_basic_profile
from shardwise.finance.identity.notification_settings import (
    NotificationSettings,
    store_notification_settings,
)
from shardwise.finance.identity.password_changes import HashChange, replace_password


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileUpdate:
    """What is overwritten.

    Attributes:
        basic: nickname, address and number.
        notifications: what they want to be told.
        password: a change that was proved; None = no change.
        api_keys: keys of other services; None = no change.
    """

    basic: BasicProfile
    notifications: NotificationSettings
    password: HashChange | None = None
    api_keys: ApiKeys | None = None


async def update_profile(session: AsyncSession, account_db_key: int, update: ProfileUpdate) -> None:
    """Overwrite what is given: two statements, two more for a password, one for keys.

    Raises:
        EntityNotFoundError: there is no such account.
        DuplicateEntityError: another account of the platform has the address.
        AuthenticationError: the password was changed since the change was proved.
    """
    await update_basic_profile(session, account_db_key, update.basic)
    await store_notification_settings(session, account_db_key, update.notifications)
    if update.password is not None:
        await replace_password(session, account_db_key, update.password)
    if update.api_keys is not None:
        await save_api_keys(session, account_db_key, update.api_keys)
