"""How somebody is reached."""

from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.view_repository import AccountViewRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How somebody is reached; the address and the number are not shown by `repr`."""

    account_db_key: int
    email: str | None = field(repr=False)
    phone_number: str | None = field(repr=False)
    nickname: str
    account_status: str


async def find_contact(session: AsyncSession, account_db_key: int) -> Contact | None:
    """Return how somebody is reached, whatever their status; None if nobody has the key."""
    row = await AccountViewRepository(session).contact(account_db_key)
    return None if row is None else Contact(**row._mapping)
