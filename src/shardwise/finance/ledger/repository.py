"""All SQL for money."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from shardwise.finance.ledger.models import (
    LedgerAccount,
    LedgerAccountStatus,
    LedgerAccountType,
    LedgerTransaction,
)
from shardwise.finance.ledger.numbers import account_number
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTotals:
    """What a shard holds.

    Attributes:
        accounts: ledger accounts, one for each account that lives there.
        active: those in which money may move.
        last_changed: when one of them changed last; None if there is none.
    """

    accounts: int
    active: int
    last_changed: datetime | None


class LedgerAccountRepository(BaseRepository[LedgerAccount]):
    """Ledger accounts, in a session of their shard that the caller ends."""

    async def open(
        self, account_db_key: int, account_type: LedgerAccountType = LedgerAccountType.CHECKING
    ) -> LedgerAccount:
        """Return the ledger account of an account, made now if there is none."""
        row = {
            "account_db_key": account_db_key,
            "account_number": account_number(account_db_key),
            "account_type": account_type,
        }
        return await self.upsert(row, update=())

    async def find_shared(self, account_db_key: int) -> LedgerAccount | None:
        """Return a ledger account as it is now, kept from changing until the transaction ends."""
        statement = self.query({"account_db_key": account_db_key}).with_for_update(read=True)
        with self.translated():
            account: LedgerAccount | None = await self.session.scalar(statement)
        return account

    async def find_active(self, account_db_key: int) -> LedgerAccount | None:
        """Return a ledger account if money may move in it."""
        active = {"account_db_key": account_db_key, "account_status": LedgerAccountStatus.ACTIVE}
        return next(iter(await self.list(active)), None)

    async def totals(self) -> LedgerTotals:
        """Count the ledger accounts of a shard (in a session of an account: that account's)."""
        is_active = LedgerAccount.account_status == LedgerAccountStatus.ACTIVE
        statement = select(
            func.count(),
            func.count(case((is_active, 1))),
            func.max(LedgerAccount.updated_at),
        ).where(*self.own_rows())
        with self.translated():
            accounts, active, changed = (await self.session.execute(statement)).one()
        return LedgerTotals(accounts=accounts, active=active, last_changed=changed)


class LedgerTransactionRepository(BaseRepository[LedgerTransaction]):
    """Movements of money, in a session of their shard that the caller ends."""

    max_limit = 1_000

    async def find(self, account_db_key: int, transaction_id: str) -> LedgerTransaction | None:
        """Return a movement by its id, in any case of its letters."""
        found = self.query({"account_db_key": account_db_key, "transaction_id": transaction_id})
        with self.translated():
            transaction: LedgerTransaction | None = await self.session.scalar(found)
        return transaction

    async def history(self, account_db_key: int, *, after: str | None, limit: int) -> Page[LedgerTransaction]:
        """Return one page of an account's movements, newest first."""
        return await self.page(
            filters={"account_db_key": account_db_key},
            order_by=("-created_at", "-transaction_id"),
            after=after,
            limit=limit,
        )
