"""The old procedures of ledger accounts and positions."""

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError, UnknownAccountError
from shardwise.finance.ledger.models import LedgerAccount, LedgerAccountStatus, LedgerAccountType
from shardwise.finance.ledger.numbers import account_number
from shardwise.finance.portfolios.models import PortfolioPosition
from shardwise.legacy.calling import call_registered
from shardwise.legacy.procedure import Rows
from shardwise.legacy.registry import find_procedure

KEY = 1000


@pytest.fixture(autouse=True)
async def shard_id(db: ShardedDatabase) -> int:
    """The shard of the account that the calls are for."""
    return (await db.place_account(KEY)).shard_id


async def call(db: ShardedDatabase, name: str, *given: Any) -> Rows:
    procedure = find_procedure(name)
    assert procedure is not None
    return await call_registered(db, procedure, given, shard_id=(await db.where(KEY)).shard_id)


async def stored(db: ShardedDatabase) -> LedgerAccount:
    async with db.session(KEY, read_only=True) as session:
        return (await session.scalars(select(LedgerAccount))).one()


@pytest.mark.parametrize(
    ("given", "kind"),
    [("checking", "checking"), ("Savings", "savings"), ("investment", "investment"), (None, "checking")],
)
async def test_an_account_of_each_type_is_opened(db: ShardedDatabase, given: str | None, kind: str) -> None:
    assert await call(db, "fp_create_account", KEY, given) == [
        {"result": "SUCCESS", "account_number": account_number(KEY)}
    ]
    account = await stored(db)
    assert (account.account_type, account.account_status) == (LedgerAccountType(kind), "active")
    assert (account.balance, account.currency_code) == (Decimal("0.00"), "USD")


async def test_the_second_call_gives_the_number_whatever_the_status(db: ShardedDatabase) -> None:
    await call(db, "fp_create_account", KEY, "savings")
    exists = [{"result": "EXISTS", "account_number": account_number(KEY)}]
    assert await call(db, "fp_create_account", KEY, "investment") == exists
    async with db.session(KEY) as session:
        await session.execute(update(LedgerAccount).values(account_status=LedgerAccountStatus.CLOSED))
    assert await call(db, "fp_create_account", KEY, None) == exists
    assert (await stored(db)).account_type is LedgerAccountType.SAVINGS


async def test_an_old_number_is_kept(db: ShardedDatabase) -> None:
    async with db.session(KEY) as session:
        await session.execute(
            insert(LedgerAccount).values(account_db_key=KEY, account_number="117000000001000")
        )
    assert await call(db, "fp_create_account", KEY, None) == [
        {"result": "EXISTS", "account_number": "117000000001000"}
    ]


async def test_what_is_no_account_or_no_type_is_refused(db: ShardedDatabase) -> None:
    with pytest.raises(InvalidValueError, match="account_type"):
        await call(db, "fp_create_account", KEY, "gold")
    with pytest.raises(InvalidValueError, match="account_db_key"):
        await call(db, "fp_create_account", None, None)
    with pytest.raises(UnknownAccountError):
        await call(db, "fp_create_account", 77, None)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_of_32_callers_one_opens_the_account(db: ShardedDatabase) -> None:
    for _ in range(3):
        rows = await asyncio.gather(*(call(db, "fp_create_account", KEY, "savings") for _ in range(32)))
        results = [row["result"] for (row,) in rows]
        assert sorted(results) == ["EXISTS"] * 31 + ["SUCCESS"]
        assert {row["account_number"] for (row,) in rows} == {account_number(KEY)}
        async with db.session(KEY) as session:
            await session.delete((await session.scalars(select(LedgerAccount))).one())


async def test_what_is_known_about_an_account(db: ShardedDatabase) -> None:
    assert await call(db, "fp_get_account_info", KEY) == []
    await call(db, "fp_create_account", KEY, "investment")
    (row,) = await call(db, "fp_get_account_info", KEY)
    procedure = find_procedure("fp_get_account_info")
    assert procedure is not None
    assert tuple(row) == procedure.results[0]
    assert row["account_number"] == account_number(KEY)
    assert (str(row["balance"]), row["account_type"], row["account_status"]) == (
        "0.00",
        "investment",
        "active",
    )
    assert type(row["account_type"]) is str
    assert isinstance(row["created_at"], datetime)
    assert await call(db, "fp_get_account_info", 77) == []
    assert await call(db, "fp_get_account_info", None) == []
    async with db.session(KEY) as session:
        await session.execute(update(LedgerAccount).values(account_status=LedgerAccountStatus.SUSPENDED))
    assert await call(db, "fp_get_account_info", KEY) == []


async def test_an_account_s_positions(db: ShardedDatabase) -> None:
    assert await call(db, "fp_get_user_portfolios", KEY) == []
    async with db.session(KEY) as session:
        for code, quantity in (("MSFT", "2.5"), ("AAPL", "0")):
            session.add(PortfolioPosition(account_db_key=KEY, asset_code=code, quantity=Decimal(quantity)))
    shard = (await db.where(KEY)).shard_id
    async with db.shard_session(shard) as session:
        session.add(PortfolioPosition(account_db_key=KEY + 2, asset_code="TSLA"))
    rows = await call(db, "fp_get_user_portfolios", KEY)
    procedure = find_procedure("fp_get_user_portfolios")
    assert procedure is not None
    assert {tuple(row) for row in rows} == {procedure.results[0]}
    assert [(row["asset_code"], str(row["quantity"]), row["asset_type"]) for row in rows] == [
        ("AAPL", "0.000000", "STOCK"),
        ("MSFT", "2.500000", "STOCK"),
    ]
    assert await call(db, "fp_get_user_portfolios", 77) == []


async def test_a_shard_says_how_many_accounts_it_has(db: ShardedDatabase, shard_id: int) -> None:
    assert await call(db, "sp_get_shard_user_stats") == [
        {"shard_id": shard_id, "user_count": 0, "active_users": 0, "last_updated": None}
    ]
    await call(db, "fp_create_account", KEY, None)
    async with db.shard_session(shard_id) as session:
        closed = {"account_db_key": 2, "account_number": "2", "account_status": LedgerAccountStatus.CLOSED}
        await session.execute(insert(LedgerAccount).values(closed))
    (row,) = await call(db, "sp_get_shard_user_stats")
    assert (row["shard_id"], row["user_count"], row["active_users"]) == (shard_id, 2, 1)
    assert isinstance(row["last_updated"], datetime)
