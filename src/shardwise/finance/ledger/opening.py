"""Opening the one ledger account of an account."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.errors import DuplicateEntityError
from shardwise.finance.ledger.models import LedgerAccount, LedgerAccountType
from shardwise.finance.ledger.numbers import account_number
from shardwise.finance.ledger.repository import LedgerAccountRepository
from shardwise.routing.directory import check_key
from shardwise.transactions.manager import TransactionManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came of opening a ledger account.

    Attributes:
        account: its row.
        existed: it was there before, of whatever type and status, and was left as it was.
    """

    account: LedgerAccount
    existed: bool


async def open_account(
    session: AsyncSession,
    account_db_key: int,
    *,
    account_type: LedgerAccountType = LedgerAccountType.CHECKING,
) -> Opened:
    """Open a ledger account in the caller's transaction, and say whether it was there before.

    Of several at once exactly one opens it. `LedgerAccountRepository.open` is for callers who needn't know.

    Raises:
        InvalidValueError: it is no account key.
    """
    accounts = LedgerAccountRepository(session)
    earlier = await accounts.get_by_id(check_key(account_db_key))
    if earlier is not None:
        return Opened(account=earlier, existed=True)
    account = LedgerAccount(
        account_db_key=account_db_key,
        account_number=account_number(account_db_key),
        account_type=account_type,
    )
    try:
        async with TransactionManager(session).transaction():
            return Opened(account=await accounts.create(account), existed=False)
    except DuplicateEntityError:
        # This transaction's snapshot may lack the row; the refused INSERT has locked it for sharing.
        other = await accounts.find_shared(account_db_key)
        if other is None:
            raise
        return Opened(account=other, existed=True)
