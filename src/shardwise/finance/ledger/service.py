"""Opening ledger accounts, moving money, reading what was moved."""

from decimal import Decimal

from shardwise.database import ShardedDatabase
from shardwise.errors import LedgerAccountError
from shardwise.finance.ledger.models import (
    LedgerAccount,
    LedgerAccountType,
    LedgerTransaction,
    TransactionType,
)
from shardwise.finance.ledger.posting import Entry, post
from shardwise.finance.ledger.repository import LedgerAccountRepository, LedgerTransactionRepository
from shardwise.finance.running import write_for
from shardwise.kit.pages import Page


class LedgerService:
    """The money of accounts, each on its account's shard.

    Args:
        db: an open database.
    """

    def __init__(self, db: ShardedDatabase) -> None:
        self._db = db

    async def open_account(
        self, account_db_key: int, *, account_type: LedgerAccountType = LedgerAccountType.CHECKING
    ) -> LedgerAccount:
        """Return the ledger account of an account, made now if it has none, whatever its type and status.

        Raises:
            UnknownAccountError: the account has no shard.
        """
        return await write_for(
            self._db,
            account_db_key,
            lambda session: LedgerAccountRepository(session).open(account_db_key, account_type),
        )

    async def get_account(self, account_db_key: int) -> LedgerAccount:
        """Return the ledger account of an account.

        Raises:
            UnknownAccountError: the account has no shard.
            LedgerAccountError: it has no ledger account.
        """
        async with self._db.session(account_db_key, read_only=True) as session:
            account = await LedgerAccountRepository(session).get_by_id(account_db_key)
        if account is None:
            raise LedgerAccountError(f"account {account_db_key} has no ledger account")
        return account

    async def deposit(
        self,
        account_db_key: int,
        amount: Decimal,
        *,
        transaction_id: str | None = None,
        description: str | None = None,
        reference_id: str | None = None,
    ) -> LedgerTransaction:
        """Add money to an account, once for each transaction id.

        Args:
            account_db_key: whose account.
            amount: above zero, at most 2 digits after the point, below 10**13.
            transaction_id: 1 to 32 visible ASCII characters; give one to be able to repeat the call.
            description: up to 1,000 characters.
            reference_id: up to 50 characters.

        Returns:
            The stored row; the earlier one if the id was used before for the same.

        Raises:
            InvalidValueError: an argument can't be accepted; nothing was asked of the database.
            LedgerAccountError: there is no ledger account, or it is suspended or closed.
            TransactionConflictError: the id was used before for something else.
        """
        return await self._post(
            Entry(
                account_db_key=account_db_key,
                transaction_type=TransactionType.DEPOSIT,
                amount=amount,
                transaction_id=transaction_id,
                description=description,
                reference_id=reference_id,
            )
        )

    async def withdraw(
        self,
        account_db_key: int,
        amount: Decimal,
        *,
        transaction_id: str | None = None,
        description: str | None = None,
        reference_id: str | None = None,
    ) -> LedgerTransaction:
        """Take money from an account, once for each transaction id; arguments as `deposit`.

        Raises:
            InsufficientFundsError: the balance is smaller than the amount.
            InvalidValueError: an argument can't be accepted; nothing was asked of the database.
            LedgerAccountError: there is no ledger account, or it is suspended or closed.
            TransactionConflictError: the id was used before for something else.
        """
        return await self._post(
            Entry(
                account_db_key=account_db_key,
                transaction_type=TransactionType.WITHDRAWAL,
                amount=amount,
                transaction_id=transaction_id,
                description=description,
                reference_id=reference_id,
            )
        )

    async def history(
        self, account_db_key: int, *, after: str | None = None, limit: int = 50
    ) -> Page[LedgerTransaction]:
        """Return one page of an account's movements, newest first.

        Args:
            account_db_key: whose movements.
            after: `next_cursor` of the page before.
            limit: rows at most, 1 to 1,000.

        Raises:
            InvalidValueError: the cursor or the limit can't be accepted.
        """
        async with self._db.session(account_db_key, read_only=True) as session:
            transactions = LedgerTransactionRepository(session)
            return await transactions.history(account_db_key, after=after, limit=limit)

    async def _post(self, entry: Entry) -> LedgerTransaction:
        posted = await write_for(self._db, entry.account_db_key, lambda session: post(session, entry))
        return posted.transaction
