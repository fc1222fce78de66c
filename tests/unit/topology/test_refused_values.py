"""A value that a column type refuses reaches the caller as our error, however the session was used."""

import pytest
from sqlalchemy import insert

from shardwise import BaseRepository, ShardedDatabase, TransactionManager
from shardwise.errors import InvalidValueError
from shardwise.finance.portfolios.models import PortfolioPosition as Position

ROW = {"account_db_key": 1, "asset_code": "A", "quantity": 0.5}


@pytest.fixture
async def db(sharded_db: ShardedDatabase) -> ShardedDatabase:
    await sharded_db.place_account(1)
    return sharded_db


async def test_by_the_commit(db: ShardedDatabase) -> None:
    with pytest.raises(InvalidValueError, match="float is not accepted"):
        async with db.session(1) as session:
            session.add(Position(**ROW))


async def test_by_a_statement(db: ShardedDatabase) -> None:
    with pytest.raises(InvalidValueError, match="float is not accepted"):
        async with db.session(1) as session:
            await session.execute(insert(Position).values(**ROW))


async def test_by_a_repository_inside_a_savepoint(db: ShardedDatabase) -> None:
    async with db.session(1) as session:
        positions = BaseRepository[Position](session)
        assert await positions.count() == 0
        with pytest.raises(InvalidValueError, match="float is not accepted"):
            async with TransactionManager(session).transaction():
                await positions.create(Position(**ROW))
        assert await positions.count() == 0
