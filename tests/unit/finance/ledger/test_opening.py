"""Opening a ledger account in the caller's transaction."""

import pytest
from sqlalchemy import func, select

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.ledger.models import LedgerAccount, LedgerAccountType
from shardwise.finance.ledger.numbers import account_number
from shardwise.finance.ledger.opening import open_account
from shardwise.testing.counting import count_statements

KEY = 1000


@pytest.mark.parametrize("pinned", [True, False])
async def test_it_says_whether_the_account_was_there(db: ShardedDatabase, pinned: bool) -> None:
    shard_id = (await db.place_account(KEY)).shard_id
    with count_statements(db) as statements:
        async with db.session(KEY) if pinned else db.shard_session(shard_id) as session:
            first = await open_account(session, KEY, account_type=LedgerAccountType.SAVINGS)
    assert len(statements) == 2
    with count_statements(db) as statements:
        async with db.session(KEY) if pinned else db.shard_session(shard_id) as session:
            again = await open_account(session, KEY)
    assert len(statements) == 1
    assert (first.existed, again.existed) == (False, True)
    assert again.account.account_number == first.account.account_number == account_number(KEY)
    assert again.account.account_type is LedgerAccountType.SAVINGS


async def test_a_rollback_takes_it_back(db: ShardedDatabase) -> None:
    await db.place_account(KEY)
    with pytest.raises(ZeroDivisionError):
        async with db.session(KEY) as session:
            await open_account(session, KEY)
            raise ZeroDivisionError
    async with db.session(KEY, read_only=True) as session:
        assert await session.scalar(select(func.count(LedgerAccount.account_db_key))) == 0


async def test_what_is_no_key_is_refused(db: ShardedDatabase) -> None:
    async with db.shard_session(1) as session:
        with pytest.raises(InvalidValueError, match="account_db_key"):
            await open_account(session, -1)
