"""Repositories in the sessions of a sharded database, pinned and routed by statement."""

from decimal import Decimal

import pytest

from shardwise.database import ShardedDatabase
from shardwise.errors import CrossAccountAccessError, MissingShardKeyError, RoutingError
from shardwise.finance.notifications.models import Notification
from shardwise.finance.portfolios.models import PortfolioPosition
from shardwise.repository import BaseRepository

ANN, BOB = 1000, 1001


@pytest.fixture
async def accounts(db: ShardedDatabase) -> ShardedDatabase:
    """Two accounts on two shards."""
    homes = [(await db.place_account(key)).shard_id for key in (ANN, BOB)]
    assert homes[0] != homes[1]
    return db


def position(account: int, number: int, **values: object) -> dict[str, object]:
    return {
        "account_db_key": account,
        "portfolio_id": number,
        "asset_code": f"A{number}",
        "quantity": Decimal(number),
        "average_cost": Decimal(1),
        "current_value": Decimal(1),
        **values,
    }


async def test_a_pinned_session_is_the_accounts_alone(accounts: ShardedDatabase) -> None:
    for key in (ANN, BOB):
        async with accounts.session(key) as session:
            await BaseRepository(session, PortfolioPosition).create_many(
                [position(key, n) for n in (1, 2, 3)]
            )
    async with accounts.session(ANN) as session:
        positions = BaseRepository(session, PortfolioPosition)
        assert {item.account_db_key for item in await positions.list()} == {ANN}
        assert (await positions.get_one((ANN, 2))).asset_code == "A2"
        with pytest.raises(CrossAccountAccessError):
            await positions.get_by_id((BOB, 2))
        with pytest.raises(CrossAccountAccessError):
            await positions.create_many([position(BOB, 9)])
        assert await positions.update_many(None, {"quantity": Decimal(7)}, all_rows=True) == 3
        page = await positions.page(order_by="-asset_code", limit=2)
        assert [item.asset_code for item in page.items] == ["A3", "A2"]
        rest = await positions.page(order_by="-asset_code", limit=2, after=page.next_cursor)
        assert [item.asset_code for item in rest.items] == ["A1"]
    async with accounts.session(BOB, read_only=True) as session:
        assert (await BaseRepository(session, PortfolioPosition).get_one((BOB, 2))).quantity == 2


async def test_a_routed_session_finds_the_shard_in_each_statement(accounts: ShardedDatabase) -> None:
    for key in (ANN, BOB):
        async with accounts.sharded_session() as session:
            positions = BaseRepository(session, PortfolioPosition)
            assert await positions.create_many([position(key, n) for n in (1, 2)]) == 2
            await positions.create(PortfolioPosition(**position(key, 3)))
            await positions.upsert(position(key, 2, quantity=Decimal(9)))
            await positions.upsert_many([position(key, 4), position(key, 1, quantity=Decimal(8))])
            await positions.update((key, 3), quantity=Decimal(7))
            await positions.delete((key, 4))
    async with accounts.sharded_session() as session:
        positions = BaseRepository(session, PortfolioPosition)
        for key in (ANN, BOB):
            mine = {"account_db_key": key}
            assert [item.quantity for item in await positions.list(mine)] == [8, 9, 7]
            assert [item.quantity for item in await positions.get_many([(key, 3), (key, 1)])] == [7, 8]
            assert await positions.count(mine) == 3
            assert await positions.exists((key, 1))
            assert len((await positions.page(filters=mine, limit=2)).items) == 2
        with pytest.raises(MissingShardKeyError):
            await positions.count()
        with pytest.raises(RoutingError):
            await positions.get_many([(ANN, 1), (BOB, 1)])


async def test_bulk_changes_in_a_routed_session(accounts: ShardedDatabase) -> None:
    async with accounts.sharded_session() as session:
        positions = BaseRepository(session, PortfolioPosition)
        loaded = await positions.create(PortfolioPosition(**position(ANN, 1)))
        changed = await positions.update_many({"account_db_key": ANN}, {"quantity": Decimal(5)})
        assert (changed, loaded.quantity) == (1, 5)
        assert await positions.delete_many({"account_db_key": ANN}) == 1


async def test_the_shipped_flags_mark_rows_as_deleted(accounts: ShardedDatabase) -> None:
    async with accounts.session(ANN) as session:
        notifications = BaseRepository(session, Notification)
        made = await notifications.create(
            Notification(account_db_key=ANN, type_id="t", title="a", message="b", data={"k": [1, None]})
        )
        key = (ANN, made.idx)
        await notifications.soft_delete(key)
        assert await notifications.get_by_id(key) is None
        assert (await notifications.restore(key)).is_deleted is False
        assert (
            await notifications.create_many(
                [{"account_db_key": ANN, "type_id": "t", "title": "x", "message": "y", "data": {"k": 1}}]
            )
            == 1
        )
        assert [item.data for item in await notifications.list(order_by="title")] == [
            {"k": [1, None]},
            {"k": 1},
        ]
