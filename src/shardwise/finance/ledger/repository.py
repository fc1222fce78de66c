"""All SQL for money."""

from shardwise.finance.ledger.models import LedgerAccount, LedgerAccountType, LedgerTransaction
from shardwise.finance.ledger.numbers import account_number
from shardwise.kit.pages import Page
from shardwise.repository import BaseRepository


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
