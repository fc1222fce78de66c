import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import (
    InsufficientFundsError,
    InvalidValueError,
    LedgerAccountError,
    TransactionConflictError,
    UnknownAccountError,
)
from shardwise.finance.identity.service import IdentityService
from shardwise.finance.identity.values import SignUp
from shardwise.finance.ledger.models import (
    LedgerAccount,
    LedgerAccountStatus,
    LedgerAccountType,
    LedgerTransaction,
    TransactionStatus,
    TransactionType,
)
from shardwise.finance.ledger.numbers import account_number
from shardwise.finance.ledger.service import LedgerService
from shardwise.testing.counting import count_statements

SQL = "x'); DROP TABLE table_transactions; -- \\\" %s"
MOST = Decimal("9999999999999.99")


@pytest.fixture
def ledger(db: ShardedDatabase) -> LedgerService:
    return LedgerService(db)


async def state(db: ShardedDatabase, key: int) -> tuple[Decimal, int]:
    """Return an account's balance and the number of its movements."""
    async with db.session(key, read_only=True) as session:
        balance = await session.scalar(
            select(LedgerAccount.balance).where(LedgerAccount.account_db_key == key)
        )
        count = await session.scalar(select(func.count()).where(LedgerTransaction.account_db_key == key))
    assert balance is not None
    return balance, count or 0


async def test_opening_twice_gives_the_same_account(ledger: LedgerService, account: int) -> None:
    first = await ledger.open_account(account)
    again = await ledger.open_account(account, account_type=LedgerAccountType.SAVINGS)
    read = await ledger.get_account(account)
    for each in (first, again, read):
        assert each.account_number == account_number(account)
        assert each.account_type is LedgerAccountType.CHECKING
        assert each.created_at == first.created_at


async def test_an_account_of_another_type_is_opened_where_there_is_none(
    db: ShardedDatabase, ledger: LedgerService
) -> None:
    async with db.global_session() as session:
        placement = await db.assignment.place(session, 7)
    db.directory.remember(7, placement)
    with pytest.raises(LedgerAccountError, match="account 7 has no ledger account"):
        await ledger.get_account(7)
    with pytest.raises(LedgerAccountError, match="account 7 has no ledger account"):
        await ledger.deposit(7, Decimal(1))
    opened = await ledger.open_account(7, account_type=LedgerAccountType.INVESTMENT)
    assert opened.account_type is LedgerAccountType.INVESTMENT
    assert str(opened.balance) == "0.00"


async def test_an_account_that_nobody_has_is_unknown(ledger: LedgerService) -> None:
    with pytest.raises(UnknownAccountError, match="4711"):
        await ledger.deposit(4711, Decimal(1))
    with pytest.raises(UnknownAccountError, match="4711"):
        await ledger.get_account(4711)


async def test_money_comes_and_goes_with_a_row_each(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    came = await ledger.deposit(account, Decimal("100.10"), description="salary", reference_id="2024-01")
    went = await ledger.withdraw(account, Decimal("0.1"))
    assert (await ledger.get_account(account)).balance == Decimal("100.00")
    assert (came.transaction_type, went.transaction_type) == (
        TransactionType.DEPOSIT,
        TransactionType.WITHDRAWAL,
    )
    assert (came.amount, str(went.amount)) == (Decimal("100.10"), "0.10")
    assert (came.description, came.reference_id) == ("salary", "2024-01")
    assert came.status is went.status is TransactionStatus.COMPLETED
    assert came.account_number == account_number(account)
    assert len(came.transaction_id) == 32
    assert await state(db, account) == (Decimal("100.00"), 2)


async def test_the_balance_never_falls_below_zero(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    await ledger.deposit(account, Decimal("10.00"))
    with pytest.raises(InsufficientFundsError, match=r"10\.01 is more than account"):
        await ledger.withdraw(account, Decimal("10.01"))
    await ledger.withdraw(account, Decimal("10.00"))
    with pytest.raises(InsufficientFundsError):
        await ledger.withdraw(account, Decimal("0.01"))
    assert await state(db, account) == (Decimal(0), 2)


async def test_the_balance_never_grows_beyond_its_column(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    await ledger.deposit(account, MOST)
    with pytest.raises(InvalidValueError, match=r"^amount: the balance would be above 9999999999999\.99"):
        await ledger.deposit(account, Decimal("0.01"))
    assert await state(db, account) == (MOST, 1)


@pytest.mark.parametrize(
    "amount",
    [
        Decimal("0"),
        Decimal("-1"),
        Decimal("0.001"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        Decimal("1E+13"),
        Decimal("1E-400"),
        1.0,
        1,
        "1",
        None,
        SQL,
    ],
)
async def test_amounts_that_are_none_move_nothing(
    db: ShardedDatabase, ledger: LedgerService, account: int, amount: Any
) -> None:
    for move in (ledger.deposit, ledger.withdraw):
        with pytest.raises(InvalidValueError, match=r"^amount: "):
            await move(account, amount)
    assert await state(db, account) == (Decimal(0), 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("transaction_id", ""),
        ("transaction_id", "x" * 33),
        ("transaction_id", "a b"),
        ("transaction_id", "\U0001f680"),
        ("description", ""),
        ("description", "x" * 1001),
        ("description", "a\0b"),
        ("reference_id", ""),
        ("reference_id", "\U0001f680" * 51),
        ("reference_id", " a"),
    ],
)
async def test_texts_that_are_none_move_nothing(
    db: ShardedDatabase, ledger: LedgerService, account: int, field: str, value: str
) -> None:
    with pytest.raises(InvalidValueError, match=f"^{field}: "):
        await ledger.deposit(account, Decimal(1), **{field: value})
    assert await state(db, account) == (Decimal(0), 0)


async def test_sql_and_emoji_are_just_text(ledger: LedgerService, account: int) -> None:
    texts = {"transaction_id": "x');DROP--", "description": SQL + "\U0001f680", "reference_id": SQL}
    await ledger.deposit(account, Decimal(1), **texts)
    (row,) = (await ledger.history(account)).items
    assert {name: getattr(row, name) for name in texts} == texts


async def test_repeating_a_transaction_id_moves_money_once(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    first = await ledger.deposit(account, Decimal("5.00"), transaction_id="t-1", description="d")
    again = await ledger.deposit(account, Decimal("5"), transaction_id="t-1", description="d")
    assert again.transaction_id == first.transaction_id == "t-1"
    assert again.created_at == first.created_at
    await ledger.withdraw(account, Decimal("5.00"), transaction_id="t-2")
    await ledger.withdraw(account, Decimal("5.00"), transaction_id="t-2")  # though nothing is left
    assert await state(db, account) == (Decimal(0), 2)


@pytest.mark.parametrize(
    ("move", "changes"),
    [
        ("deposit", {"amount": Decimal("5.01")}),
        ("deposit", {"description": "other"}),
        ("deposit", {"description": "D"}),
        ("deposit", {"description": None}),
        ("deposit", {"reference_id": "r"}),
        ("deposit", {"transaction_id": "T-1"}),
        ("withdraw", {}),
    ],
)
async def test_a_transaction_id_never_means_two_things(
    db: ShardedDatabase, ledger: LedgerService, account: int, move: str, changes: dict[str, Any]
) -> None:
    content: dict[str, Any] = {"amount": Decimal("5.00"), "transaction_id": "t-1", "description": "d"}
    await ledger.deposit(account, **content)
    with pytest.raises(TransactionConflictError, match="has another transaction under the id"):
        await getattr(ledger, move)(account, **content | changes)
    assert await state(db, account) == (Decimal("5.00"), 1)


async def test_two_accounts_may_use_the_same_transaction_id(
    ledger: LedgerService, identity: IdentityService, account: int
) -> None:
    other = await identity.sign_up(SignUp(account_id="other", password="secret", nickname="Other"))
    await ledger.deposit(account, Decimal(1), transaction_id="t")
    await ledger.deposit(other.account_db_key, Decimal(2), transaction_id="t")
    assert (await ledger.get_account(account)).balance == 1
    assert (await ledger.get_account(other.account_db_key)).balance == 2


@pytest.mark.parametrize("status", [LedgerAccountStatus.SUSPENDED, LedgerAccountStatus.CLOSED])
async def test_an_account_that_is_not_active_moves_nothing(
    db: ShardedDatabase, ledger: LedgerService, account: int, status: LedgerAccountStatus
) -> None:
    await ledger.deposit(account, Decimal(5), transaction_id="before")
    async with db.session(account) as session:
        await session.execute(
            update(LedgerAccount).where(LedgerAccount.account_db_key == account).values(account_status=status)
        )
    for move in (ledger.deposit, ledger.withdraw):
        with pytest.raises(LedgerAccountError, match=f"is {status}"):
            await move(account, Decimal(1))
    await ledger.deposit(account, Decimal(5), transaction_id="before")
    assert (await ledger.get_account(account)).account_status is status
    assert await state(db, account) == (Decimal(5), 1)


async def test_the_history_comes_in_pages_newest_first(ledger: LedgerService, account: int) -> None:
    for number in range(7):
        await ledger.deposit(account, Decimal(number + 1))
    seen: list[Decimal] = []
    after, pages = None, 0
    while True:
        page = await ledger.history(account, after=after, limit=3)
        seen += [row.amount for row in page.items]
        pages += 1
        if pages == 1:
            await ledger.deposit(account, Decimal(100))  # a newer one does not shift what follows
        if page.next_cursor is None:
            break
        after = page.next_cursor
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert pages == 3
    assert (await ledger.history(account, limit=1)).items[0].amount == 100


@pytest.mark.parametrize(
    ("after", "limit"), [("no cursor", 5), (SQL, 5), (None, 0), (None, -1), (None, 1001)]
)
async def test_pages_that_are_none_are_refused(
    ledger: LedgerService, account: int, after: str | None, limit: int
) -> None:
    with pytest.raises(InvalidValueError):
        await ledger.history(account, after=after, limit=limit)


async def test_a_movement_takes_three_statements_and_one_more_for_an_id_of_the_caller(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    with count_statements(db) as deposit:
        await ledger.deposit(account, Decimal(5))
    with count_statements(db) as withdrawal:
        await ledger.withdraw(account, Decimal(1))
    with count_statements(db) as named:
        await ledger.deposit(account, Decimal(5), transaction_id="once")
    with count_statements(db) as repeated:
        await ledger.deposit(account, Decimal(5), transaction_id="once")
    with count_statements(db) as history:
        assert len((await ledger.history(account)).items) == 3
    assert [len(each) for each in (deposit, withdrawal, named, repeated, history)] == [3, 3, 4, 2, 1]


async def test_deposits_at_once_are_all_there(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    amounts = [Decimal(number).scaleb(-2) for number in range(1, 33)]
    await asyncio.gather(*(ledger.deposit(account, amount) for amount in amounts))
    assert await state(db, account) == (sum(amounts), 32)


async def test_withdrawals_at_once_take_no_more_than_there_is(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    await ledger.deposit(account, Decimal("10.00"))
    results = await asyncio.gather(
        *(ledger.withdraw(account, Decimal("3.00")) for _ in range(16)), return_exceptions=True
    )
    refused = [each for each in results if isinstance(each, BaseException)]
    assert len(refused) == 13
    assert {type(each) for each in refused} == {InsufficientFundsError}
    assert await state(db, account) == (Decimal("1.00"), 4)


async def test_the_same_deposit_at_once_happens_once(
    db: ShardedDatabase, ledger: LedgerService, account: int
) -> None:
    rows = await asyncio.gather(
        *(ledger.deposit(account, Decimal(1), transaction_id="once") for _ in range(16))
    )
    assert len({row.created_at for row in rows}) == 1
    assert await state(db, account) == (Decimal(1), 1)


async def test_opening_at_once_opens_one(db: ShardedDatabase, ledger: LedgerService) -> None:
    async with db.global_session() as session:
        placement = await db.assignment.place(session, 7)
    db.directory.remember(7, placement)
    opened = await asyncio.gather(*(ledger.open_account(7) for _ in range(8)))
    assert len({each.created_at for each in opened}) == 1
