"""One movement of money: its transaction row and the balance, together or not at all."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import (
    InsufficientFundsError,
    InvalidValueError,
    LedgerAccountError,
    TransactionConflictError,
)
from shardwise.finance.ledger.models import (
    LedgerAccount,
    LedgerAccountStatus,
    LedgerTransaction,
    TransactionStatus,
    TransactionType,
)
from shardwise.finance.ledger.repository import LedgerAccountRepository, LedgerTransactionRepository
from shardwise.finance.validation import EXACT, check_code, check_decimal, check_text
from shardwise.kit.clock import utc_now
from shardwise.kit.ids import new_text_id

_INCOMING = frozenset({TransactionType.DEPOSIT, TransactionType.TRANSFER_IN})
_PRECISION, _SCALE = 15, 2
_HIGHEST_BALANCE = Decimal(10**_PRECISION - 1).scaleb(-_SCALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be moved; checked when it is made.

    Args:
        account_db_key: whose money.
        transaction_type: which way it moves.
        amount: above zero, with at most 2 digits after the point, below 10**13.
        transaction_id: 1 to 32 visible ASCII characters; None for a new one.
        description: up to 1,000 characters.
        reference_id: up to 50 characters.

    Raises:
        InvalidValueError: one of them can't be accepted; it is named.
    """

    account_db_key: int
    transaction_type: TransactionType
    amount: Decimal
    transaction_id: str | None = None
    description: str | None = None
    reference_id: str | None = None

    def __post_init__(self) -> None:
        amount = check_decimal("amount", self.amount, precision=_PRECISION, scale=_SCALE)
        object.__setattr__(self, "amount", amount)
        if self.transaction_id is not None:
            check_code("transaction_id", self.transaction_id, longest=32)
        if self.description is not None:
            check_text("description", self.description, longest=1000)
        if self.reference_id is not None:
            check_text("reference_id", self.reference_id, longest=50)

    def is_told_by(self, transaction: LedgerTransaction) -> bool:
        """Return whether a stored row tells the same as this entry."""
        return (
            transaction.transaction_id == self.transaction_id
            and transaction.transaction_type == self.transaction_type
            and transaction.amount == self.amount
            and transaction.description == self.description
            and transaction.reference_id == self.reference_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What came of an entry.

    Attributes:
        transaction: its row.
        repeated: the row was there before, so nothing was moved now.
    """

    transaction: LedgerTransaction
    repeated: bool


async def post(session: AsyncSession, entry: Entry) -> Posted:
    """Move money in the caller's transaction, once for each transaction id.

    The account's row is locked first, so that everything read afterwards is what the last one to hold
    the lock has left. (On SQLite the whole file is: sessions that may write queue.)

    Raises:
        LedgerAccountError: there is no ledger account, or it is suspended or closed.
        InsufficientFundsError: the balance would fall below zero.
        TransactionConflictError: the id was used for something else.
        InvalidValueError: the balance would not fit its column.
    """
    account = await LedgerAccountRepository(session).get_by_id(entry.account_db_key, for_update=True)
    if account is None:
        raise LedgerAccountError(f"account {entry.account_db_key} has no ledger account")
    if entry.transaction_id is not None and (earlier := await _earlier(session, entry)) is not None:
        return Posted(transaction=earlier, repeated=True)
    if account.account_status is not LedgerAccountStatus.ACTIVE:
        raise LedgerAccountError(f"the ledger account of {entry.account_db_key} is {account.account_status}")
    account.balance = _balance_after(account, entry)
    transaction = LedgerTransaction(
        account_db_key=entry.account_db_key,
        transaction_id=entry.transaction_id or new_text_id(),
        account_number=account.account_number,
        amount=entry.amount,
        transaction_type=entry.transaction_type,
        description=entry.description,
        reference_id=entry.reference_id,
        status=TransactionStatus.COMPLETED,
        created_at=utc_now(),
    )
    session.add(transaction)
    return Posted(transaction=transaction, repeated=False)


async def _earlier(session: AsyncSession, entry: Entry) -> LedgerTransaction | None:
    repository = LedgerTransactionRepository(session)
    earlier = await repository.find(entry.account_db_key, entry.transaction_id or "")
    if earlier is not None and not entry.is_told_by(earlier):
        raise TransactionConflictError(
            f"account {entry.account_db_key} has another transaction under the id {entry.transaction_id!r}"
        )
    return earlier


def _balance_after(account: LedgerAccount, entry: Entry) -> Decimal:
    if entry.transaction_type in _INCOMING:
        balance = EXACT.add(account.balance, entry.amount)
        if balance > _HIGHEST_BALANCE:
            raise InvalidValueError("amount", f"the balance would be above {_HIGHEST_BALANCE}")
        return balance
    balance = EXACT.subtract(account.balance, entry.amount)
    if balance < 0:
        raise InsufficientFundsError(f"{entry.amount} is more than account {entry.account_db_key} has")
    return balance
