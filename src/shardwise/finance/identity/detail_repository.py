"""All SQL for the rows that hang on an account: profile, plan, keys of other services, old passwords."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import select

from shardwise.errors import ConstraintViolationError, EntityNotFoundError
from shardwise.finance.identity.models import (
    Account,
    PasswordHistory,
    UserApiKeys,
    UserPayment,
    UserProfile,
)
from shardwise.repository import BaseRepository

T = TypeVar("T")


class _OfAccount(BaseRepository[T], Generic[T]):
    """A table with one row an account, in a session of the global database that the caller ends."""

    async def put(
        self, account_db_key: int, values: Mapping[str, object], *, update: Sequence[str] | None = None
    ) -> None:
        """Store the row of an account, or change it, in one statement.

        Args:
            account_db_key: whose row.
            values: by attribute; UNSET ones are left out.
            update: names to overwrite in a row that is there; by default all of `values`.

        Raises:
            EntityNotFoundError: there is no such account.
        """
        row = {"account_db_key": account_db_key, **values}
        try:
            await self.upsert_many([row], on=("account_db_key",), update=update)
        except ConstraintViolationError as error:
            if error.rule != "foreign key":
                raise
            raise EntityNotFoundError(Account.__name__, account_db_key) from error


class ProfileRepository(_OfAccount[UserProfile]):
    """How accounts invest and what they want to be told."""


class PaymentRepository(_OfAccount[UserPayment]):
    """What accounts pay for."""


class ApiKeysRepository(_OfAccount[UserApiKeys]):
    """Keys of other services."""

    async def find(self, account_db_key: int) -> UserApiKeys | None:
        """Return an account's keys as they are now."""
        statement = self.query({"account_db_key": account_db_key})
        with self.translated():
            keys: UserApiKeys | None = await self.session.scalar(
                statement, execution_options={"populate_existing": True}
            )
        return keys


class PasswordHistoryRepository(BaseRepository[PasswordHistory]):
    """Changes of passwords."""

    async def recent(self, account_db_key: int, *, limit: int) -> tuple[Account, tuple[str, ...]] | None:
        """Return an account with its hashes, the present one first, then those before it, newest first.

        Args:
            account_db_key: the account.
            limit: hashes at most, 2 or more.
        """
        history = PasswordHistory
        statement = (
            select(Account, history.old_password_hash)
            .outerjoin(history, history.account_db_key == Account.account_db_key)
            .where(Account.account_db_key == account_db_key)
            .order_by(history.changed_at.desc(), history.id.desc())
            .limit(limit - 1)
            .execution_options(populate_existing=True)
        )
        with self.translated():
            rows: Sequence[Any] = (await self.session.execute(statement)).all()
        if not rows:
            return None
        account: Account = rows[0][0]
        return account, (account.password_hash, *(old for _, old in rows if old is not None))
