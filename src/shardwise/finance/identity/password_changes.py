"""Changing a password: proved with the present one, checked against the recent ones, noted."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import AuthenticationError, InvalidValueError
from shardwise.finance.identity.blocking import refuse_blocked
from shardwise.finance.identity.detail_repository import PasswordHistoryRepository
from shardwise.finance.identity.models import Account, PasswordHistory
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.validation import check_code
from shardwise.kit.clock import utc_now
from shardwise.security.passwords import PasswordHasher

RECENT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """What somebody wants who changes their password; neither password is shown.

    Args:
        current: the present password as entered.
        new: 1 to 1,024 bytes in UTF-8.
        ip: from which address they ask, up to 45 characters, if that is known.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    current: str = field(repr=False)
    new: str = field(repr=False)
    ip: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("current", self.current), ("new", self.new)):
            if not isinstance(value, str):
                raise InvalidValueError(name, "it must be text")
        if self.ip is not None:
            check_code("ip", self.ip, longest=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentPasswords:
    """An account and its hashes, never shown: the present one first, then those before it."""

    account: Account = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashChange:
    """One hash in place of another, neither shown."""

    old: str = field(repr=False)
    new: str = field(repr=False)
    ip: str | None = None


async def find_recent_passwords(session: AsyncSession, account_db_key: int) -> RecentPasswords | None:
    """Return an account's last five hashes, with one statement; None if nobody has the key."""
    found = await PasswordHistoryRepository(session).recent(account_db_key, limit=RECENT)
    return None if found is None else RecentPasswords(account=found[0], hashes=found[1])


async def approve(hasher: PasswordHasher, recent: RecentPasswords, change: PasswordChange) -> HashChange:
    """Return the hashes of a change that is proved and allowed; holds no connection while it computes.

    Raises:
        AuthenticationError: the present password is another one.
        AccountBlockedError: it is right, but the account is blocked or withdrawn.
        InvalidValueError: the new password is one of the last five, or can't be hashed.
    """
    present = recent.hashes[0]
    if not await hasher.verify(change.current, present):
        raise AuthenticationError
    refuse_blocked(recent.account, utc_now())
    for used in recent.hashes:
        if await hasher.verify(change.new, used):
            raise InvalidValueError("new", f"it was used before; the last {RECENT} passwords are refused")
    return HashChange(old=present, new=await hasher.hash(change.new), ip=change.ip)


async def replace_password(session: AsyncSession, account_db_key: int, change: HashChange) -> None:
    """Store a hash in place of the one that was proved, and note the change: two statements.

    Raises:
        AuthenticationError: the password was changed since, so the proof is worth nothing.
    """
    replaced = await AccountRepository(session).replace_hash(account_db_key, old=change.old, new=change.new)
    if not replaced:
        raise AuthenticationError("the password was changed meanwhile")
    await PasswordHistoryRepository(session).create(
        PasswordHistory(
            account_db_key=account_db_key,
            old_password_hash=change.old,
            new_password_hash=change.new,
            changed_by_ip=change.ip,
        )
    )
