"""Profiles and what belongs to them: who somebody is, how they invest, what they want to be told."""

from dataclasses import dataclass

from shardwise.database import ShardedDatabase
from shardwise.errors import AccountBlockedError
from shardwise.finance.identity.api_keys import ApiKeys
from shardwise.finance.identity.basic_profile import BasicProfile, update_basic_profile
from shardwise.finance.identity.contacts import Contact, find_contact
from shardwise.finance.identity.defaults import initialize_defaults
from shardwise.finance.identity.investors import Answers, set_up_profile
from shardwise.finance.identity.models import STATUS_NORMAL
from shardwise.finance.identity.notification_settings import (
    NotificationSettings,
    find_notification_settings,
    store_notification_settings,
)
from shardwise.finance.identity.password_changes import (
    PasswordChange,
    approve,
    find_recent_passwords,
)
from shardwise.finance.identity.profile_update import ProfileUpdate, update_profile
from shardwise.finance.identity.profiles import Profile, Settings, find_profile, find_settings
from shardwise.finance.identity.running import read, write
from shardwise.security.passwords import PasswordHasher


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    """All that somebody can change about themselves; see `ProfileService.update_all`."""

    basic: BasicProfile
    notifications: NotificationSettings
    password: PasswordChange | None = None
    api_keys: ApiKeys | None = None


class ProfileService:
    """Profiles of accounts.

    Each method takes the key of an account and raises `InvalidValueError` if it is none, and
    `EntityNotFoundError` if nobody has it. Each reads or writes in one transaction, and a password is
    proved in one of its own before; one that writes runs again after a deadlock.

    Args:
        db: an open database.
        hasher: verifies and hashes passwords; by default one of its own at the recommended cost.
    """

    def __init__(self, db: ShardedDatabase, *, hasher: PasswordHasher | None = None) -> None:
        self._db = db
        self._hasher = hasher or PasswordHasher()

    async def get(self, account_db_key: int) -> Profile:
        """Return who somebody is and how they invest."""
        return await read(self._db, find_profile, account_db_key)

    async def get_settings(self, account_db_key: int) -> Settings:
        """Return everything that somebody can look at."""
        return await read(self._db, find_settings, account_db_key)

    async def set_up(self, account_db_key: int, answers: Answers) -> None:
        """Store how somebody invests; their profile is complete then."""
        await write(self._db, set_up_profile, account_db_key, answers)

    async def update_basic(
        self,
        account_db_key: int,
        *,
        nickname: str,
        email: str | None = None,
        phone_number: str | None = None,
    ) -> None:
        """Overwrite nickname, e-mail address and phone number.

        Args:
            account_db_key: whose.
            nickname: 1 to 50 characters.
            email: an address that no other account of the platform has; None = none.
            phone_number: 1 to 20 characters; None = none.

        Raises:
            DuplicateEntityError: another account has the address.
            InvalidValueError: one of them can't be accepted; it is named.
        """
        profile = BasicProfile.checked(nickname, email, phone_number)
        await write(self._db, update_basic_profile, account_db_key, profile)

    async def get_notification_settings(self, account_db_key: int) -> NotificationSettings:
        """Return what somebody wants to be told; the defaults if they never said."""
        return await read(self._db, find_notification_settings, account_db_key)

    async def set_notification_settings(self, account_db_key: int, settings: NotificationSettings) -> None:
        """Overwrite what somebody wants to be told."""
        await write(self._db, store_notification_settings, account_db_key, settings)

    async def get_contact(self, account_db_key: int) -> Contact:
        """Return how somebody is reached.

        Raises:
            AccountBlockedError: the account's status is not `Normal`, so nothing should be sent to it.
        """
        contact = await read(self._db, find_contact, account_db_key)
        if contact.account_status != STATUS_NORMAL:
            raise AccountBlockedError(f"account {account_db_key} is {contact.account_status}")
        return contact

    async def initialize_defaults(self, account_db_key: int) -> None:
        """Give an account a profile and the free plan where it has none; what is there stays."""
        await write(self._db, initialize_defaults, account_db_key)

    async def update_all(self, account_db_key: int, everything: Everything) -> None:
        """Overwrite all that somebody can change about themselves, or nothing of it.

        Args:
            account_db_key: whose.
            everything: nickname, address, number and notifications; a password and keys of other
                services only if they are given.

        Raises:
            DuplicateEntityError: another account has the address.
            AuthenticationError: the present password is another one.
            AccountBlockedError: it is right, but the account is blocked or withdrawn.
            InvalidValueError: one of them can't be accepted; it is named.
        """
        given = everything.basic
        basic = BasicProfile.checked(given.nickname, given.email, given.phone_number)
        if everything.api_keys is not None:
            everything.api_keys.check()
        password = None
        if everything.password is not None:
            recent = await read(self._db, find_recent_passwords, account_db_key)
            password = await approve(self._hasher, recent, everything.password)
        update = ProfileUpdate(
            basic=basic,
            notifications=everything.notifications,
            password=password,
            api_keys=everything.api_keys,
        )
        await write(self._db, update_profile, account_db_key, update)
