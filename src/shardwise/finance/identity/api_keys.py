"""Keys of other services that somebody has left with us."""

from dataclasses import dataclass, field, fields
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.finance.identity.detail_repository import ApiKeysRepository
from shardwise.finance.validation import check_code
from shardwise.repository import UNSET, UnsetType

_LONGEST = 255

Key = str | UnsetType | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeys:
    """All keys of somebody: None means that there is none, UNSET that the stored one stays. Never shown."""

    korea_investment_app_key: Key = field(default=None, repr=False)
    korea_investment_app_secret: Key = field(default=None, repr=False)
    alpha_vantage_key: Key = field(default=None, repr=False)
    polygon_key: Key = field(default=None, repr=False)
    finnhub_key: Key = field(default=None, repr=False)

    def check(self) -> None:
        """Check that each key that is given has 1 to 255 visible ASCII characters.

        Raises:
            InvalidValueError: one hasn't; it is named and not repeated.
        """
        for name, value in self.given().items():
            if value is not None:
                check_code(name, value, longest=_LONGEST)

    def given(self) -> dict[str, str | None]:
        """Return the keys by name, without those that are UNSET."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not UNSET}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredApiKeys:
    """The keys of somebody, never shown, and when they were stored."""

    korea_investment_app_key: str | None = field(repr=False)
    korea_investment_app_secret: str | None = field(repr=False)
    alpha_vantage_key: str | None = field(repr=False)
    polygon_key: str | None = field(repr=False)
    finnhub_key: str | None = field(repr=False)
    created_at: datetime
    updated_at: datetime


async def save_api_keys(session: AsyncSession, account_db_key: int, keys: ApiKeys) -> None:
    """Replace all keys of an account except those that are UNSET, with one statement.

    Raises:
        EntityNotFoundError: there is no such account.
    """
    await ApiKeysRepository(session).put(account_db_key, keys.given())


async def find_api_keys(session: AsyncSession, account_db_key: int) -> StoredApiKeys | None:
    """Return the keys of an account, None if none were ever stored."""
    row = await ApiKeysRepository(session).find(account_db_key)
    if row is None:
        return None
    return StoredApiKeys(**{one.name: getattr(row, one.name) for one in fields(StoredApiKeys)})
