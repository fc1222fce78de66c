"""Nickname, e-mail address and phone number."""

from dataclasses import asdict, dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import EntityNotFoundError
from shardwise.finance.identity.models import Account
from shardwise.finance.identity.repository import AccountRepository
from shardwise.finance.identity.values import check_email
from shardwise.finance.validation import check_text


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicProfile:
    """Nickname, address and number, checked by whoever makes it; `checked` is the strict way."""

    nickname: str
    email: str | None = field(default=None, repr=False)
    phone_number: str | None = field(default=None, repr=False)

    @classmethod
    def checked(cls, nickname: str, email: str | None, phone_number: str | None) -> "BasicProfile":
        """Return them as a sign-up would accept them.

        Raises:
            InvalidValueError: the nickname has not 1 to 50 characters, the number not 1 to 20, or the
                address does not look like one.
        """
        check_text("nickname", nickname, longest=50)
        if phone_number is not None:
            check_text("phone_number", phone_number, longest=20)
        address = None if email is None else check_email(email)
        return cls(nickname=nickname, email=address, phone_number=phone_number)


async def update_basic_profile(session: AsyncSession, account_db_key: int, profile: BasicProfile) -> None:
    """Overwrite all three, with one statement; None clears.

    Raises:
        EntityNotFoundError: there is no such account.
        DuplicateEntityError: another account of the platform has the address.
    """
    changed = await AccountRepository(session).update_many(
        {"account_db_key": account_db_key}, asdict(profile)
    )
    if not changed:
        raise EntityNotFoundError(Account.__name__, account_db_key)
