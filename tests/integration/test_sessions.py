"""Sessions on the shards of real accounts: values at their ends, hostile text, connections that are lost."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from shardwise import ShardedDatabase
from shardwise.errors import (
    CommitOutcomeUnknownError,
    CrossAccountAccessError,
    CrossShardWriteError,
    DuplicateEntityError,
    InvalidValueError,
    ShardUnavailableError,
)
from shardwise.finance.portfolios.models import PortfolioPosition

MARIADB = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
D = Decimal
ANN, BOB, LAST = 1000, 1001, 2**64 - 1
P = PortfolioPosition


@pytest.fixture
async def accounts(db: ShardedDatabase) -> ShardedDatabase:
    """Ann on shard 1, Bob and the last key of all on shard 2."""
    assert [(await db.place_account(key)).shard_id for key in (ANN, BOB, LAST)] == [1, 2, 2]
    return db


def position(account: int, number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "account_db_key": account,
        "portfolio_id": number,
        "asset_code": f"A{number}",
        "quantity": D(number),
        "average_cost": D(1),
        "current_value": D(1),
        **values,
    }


# Values


async def test_the_last_account_of_all(accounts: ShardedDatabase) -> None:
    async with accounts.session(LAST) as session:
        session.add(P(**position(LAST)))
    async with accounts.session(LAST) as session:
        found = await session.get(P, (LAST, 1))
        assert found is not None
        assert found.account_db_key == LAST
    async with accounts.sharded_session() as session:
        assert await session.scalar(select(func.count()).select_from(P).where(P.account_db_key == LAST)) == 1
        assert (await session.get(P, (LAST, 1))) is not None


async def test_decimals_at_their_ends(accounts: ShardedDatabase) -> None:
    end = D("999999999.999999")
    async with accounts.session(ANN) as session:
        session.add(P(**position(ANN, 1, quantity=end)))
        session.add(P(**position(ANN, 2, quantity=D("0.000001"))))
    async with accounts.sharded_session() as session:
        mine = P.account_db_key == ANN
        found = (await session.scalars(select(P.quantity).where(mine).order_by(P.quantity.desc()))).all()
        assert list(found) == [end, D("0.000001")]
        assert await session.scalar(select(func.sum(P.quantity)).where(mine)) == D("1000000000.000000")
        await session.execute(
            update(P).where(mine, P.portfolio_id == 1).values(quantity=P.quantity - D("0.000001"))
        )
        changed = select(P.quantity).where(mine, P.portfolio_id == 1)
        assert await session.scalar(changed) == D("999999999.999998")


@pytest.mark.parametrize("value", [D("0.0000001"), D("NaN"), D("Infinity"), D("1E+30"), 1.5])
async def test_amounts_that_would_change_are_refused(accounts: ShardedDatabase, value: Any) -> None:
    for scope in (accounts.session(ANN), accounts.sharded_session()):
        with pytest.raises(InvalidValueError):
            async with scope as session:
                session.add(P(**position(ANN, quantity=value)))


@pytest.mark.parametrize(
    "said",
    ["😀 𝄞", "'; DROP TABLE table_notifications; --", '" OR ""="', "\\'; --", "%s %(a)s :a", "a\x00b", ""],
)
async def test_text_is_only_ever_text(accounts: ShardedDatabase, said: str) -> None:
    async with accounts.session(ANN) as session:
        session.add(P(**position(ANN, asset_code=said[:10])))
    async with accounts.sharded_session() as session:
        mine = P.account_db_key == ANN
        assert (
            await session.scalars(select(P).where(mine, P.asset_code == said[:10]))
        ).one().portfolio_id == 1
        await session.execute(insert(P), [position(ANN, 2, asset_code=said[:9] + "x")])
        assert await session.scalar(select(func.count()).select_from(P).where(mine)) == 2


# Between accounts


async def test_accounts_do_not_meet(accounts: ShardedDatabase) -> None:
    for key in (ANN, BOB):
        async with accounts.session(key) as session:
            session.add(P(**position(key, quantity=D(key))))
    with pytest.raises(CrossAccountAccessError):
        async with accounts.session(ANN) as session:
            session.add(P(**position(BOB, 2)))
    with pytest.raises(CrossShardWriteError):
        async with accounts.sharded_session() as session:
            for key in (ANN, BOB):
                await session.execute(update(P).where(P.account_db_key == key).values(quantity=D(0)))
    async with accounts.sharded_session() as session:
        for key in (ANN, BOB):
            assert await session.scalar(select(P.quantity).where(P.account_db_key == key)) == D(key)


async def test_an_error_keeps_everything_else_of_the_transaction_out(accounts: ShardedDatabase) -> None:
    with pytest.raises(DuplicateEntityError) as caught:
        async with accounts.session(BOB) as session:
            session.add(P(**position(BOB, 1)))
            await session.flush()
            await session.execute(insert(P).values(position(BOB, 1)))
    assert caught.value.__notes__ == ["database: shard 2 (shard_2)", f"account_db_key: {BOB}"]
    async with accounts.session(BOB, read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(P)) == 0


# Lost connections

Open = Callable[[ShardedDatabase], Any]
SCOPES: dict[str, Open] = {
    "pinned": lambda db: db.session(BOB),
    "on a shard": lambda db: db.shard_session(2),
    "routed": lambda db: db.sharded_session(),
}


async def lose(db: ShardedDatabase, ask: Callable[[Any], Awaitable[Any]]) -> None:
    """Kill the connection that answers `ask`."""
    number = await ask(func.connection_id())
    async with db.shard_session(2) as other:
        await other.execute(text(f"KILL {number}"))


async def store_and_lose(db: ShardedDatabase, session: Any) -> None:
    await session.execute(insert(P).values(position(BOB)))
    await lose(
        db, lambda number: session.scalar(select(number, P.portfolio_id).where(P.account_db_key == BOB))
    )


@MARIADB
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_connection_lost_before_the_commit_can_be_retried(
    accounts: ShardedDatabase, scope: str
) -> None:
    with pytest.raises(
        ShardUnavailableError, match=r"shard 2 is unavailable: the connection .* was lost"
    ) as caught:
        async with SCOPES[scope](accounts) as session:
            await store_and_lose(accounts, session)
            await session.execute(select(P).where(P.account_db_key == BOB))
    assert caught.value.retryable
    assert caught.value.shard_id == 2
    async with SCOPES[scope](accounts) as session:
        assert await session.scalar(select(func.count()).select_from(P).where(P.account_db_key == BOB)) == 0


@MARIADB
@pytest.mark.parametrize("explicit", [False, True], ids=["left", "commit()"])
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_connection_lost_by_the_commit_is_an_unknown_outcome(
    accounts: ShardedDatabase, scope: str, explicit: bool
) -> None:
    with pytest.raises(CommitOutcomeUnknownError) as caught:
        async with SCOPES[scope](accounts) as session:
            await store_and_lose(accounts, session)
            if explicit:
                await session.commit()
    assert not caught.value.retryable
    assert "database: shard 2 (shard_2)" in caught.value.__notes__
