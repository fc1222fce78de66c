# ruff: noqa: E741, N806  # models have the letters that they would have in SQL
"""Sessions pinned to an account or a shard: where they go, and what they refuse to write."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects import mysql, sqlite

from shardwise.errors import (
    CrossAccountAccessError,
    DatabaseConnectionError,
    DuplicateEntityError,
    InvalidValueError,
    MissingShardKeyError,
    ReadOnlySessionError,
    ShardDisabledError,
    ShardKeyChangedError,
    ShardMaintenanceError,
    ShardUnavailableError,
    UnknownAccountError,
    UnknownShardError,
    WrongShardError,
)
from shardwise.session.sharded import ShardedSession

# Where they go


async def test_a_session_is_on_the_shard_of_its_account_alone(world: Any) -> None:
    seen = await world.watch()
    for key, home in world.homes.items():
        async with world.db.session(key) as session:
            assert type(session) is ShardedSession
            assert (session.account_db_key, session.shard_id) == (key, home)
            session.add(world.Order(account_db_key=key, id=1, amount=key))
        assert {shard for shard, _ in seen} == {home}
        seen.clear()
    assert await world.held() == {1: [(1, 1, 1), (3, 1, 3)], 2: [(2, 1, 2), (4, 1, 4)]}


async def test_leaving_commits_and_an_exception_rolls_back(world: Any) -> None:
    O = world.Order
    async with world.db.session(1) as session:
        order = O(account_db_key=1, id=1, amount=1)
        session.add(order)
    assert order.amount == 1, "readable after the commit"
    with pytest.raises(ZeroDivisionError):
        async with world.db.session(1) as session:
            await session.execute(insert(O).values(account_db_key=1, id=2, amount=1))
            raise ZeroDivisionError
    assert await world.held() == {1: [(1, 1, 1)], 2: []}


async def test_text_may_be_executed(world: Any) -> None:
    await world.fill(2)
    async with world.db.session(2) as session:
        assert (await session.execute(text("SELECT count(*) FROM orders"))).scalar() == 2


async def test_a_cached_account_costs_no_other_query(world: Any) -> None:
    await world.fill(1)
    seen = await world.watch()
    async with world.db.session(1) as session:
        await session.get(world.Order, (1, 1))
    assert len(seen) == 1


async def test_accounts_that_can_not_be_served(world: Any) -> None:
    async def enter(key: Any) -> None:
        async with world.db.session(key):
            raise AssertionError("it must not be entered")

    with pytest.raises(UnknownAccountError, match="account 4711 has no row"):
        await enter(4711)
    with pytest.raises(UnknownShardError, match="shard 7 is not in table_shard_config"):
        await enter(9)
    for key in (True, "1", -1, 2**64, 1.0, None):
        with pytest.raises(InvalidValueError, match="account_db_key"):
            await enter(key)
    await world.configure(2, status="maintenance")
    with pytest.raises(ShardMaintenanceError, match=r"shard_session\(shard_id, maintenance=True\)"):
        await enter(2)
    await world.configure(2, status="disabled")
    with pytest.raises(ShardDisabledError) as caught:
        await enter(2)
    assert caught.value.shard_id == 2
    async with world.db.session(1) as session:
        assert await session.scalar(select(func.count()).select_from(world.Order)) == 0


async def test_a_cached_true_is_not_account_1(world: Any) -> None:
    async with world.db.session(1):
        pass
    with pytest.raises(InvalidValueError):
        async with world.db.session(True):
            pass


async def test_sessions_on_a_shard(world: Any) -> None:
    await world.fill()
    O = world.Order
    async with world.db.shard_session(1) as session:
        assert (session.account_db_key, session.shard_id) == (None, 1)
        keys = (await session.scalars(select(O.account_db_key).distinct().order_by(O.account_db_key))).all()
        assert list(keys) == [1, 3]
        session.add_all([O(account_db_key=key, id=9, amount=0) for key in (1, 3)])
    async with world.db.shard_session(1, read_only=True) as session:
        assert await session.scalar(select(func.count()).select_from(O)) == 6
    with pytest.raises(UnknownShardError, match="shard 99"):
        async with world.db.shard_session(99):
            pass
    await world.configure(1, status="maintenance")
    with pytest.raises(ShardMaintenanceError):
        async with world.db.shard_session(1):
            pass
    async with world.db.shard_session(1, maintenance=True) as session:
        assert await session.scalar(select(func.count()).select_from(O)) == 6
    await world.configure(1, status="disabled")
    with pytest.raises(ShardDisabledError):
        async with world.db.shard_session(1, maintenance=True):
            pass


async def test_a_session_in_flight_outlives_a_change_of_its_shard(world: Any) -> None:
    O = world.Order
    async with world.db.session(1) as session:
        session.add(O(account_db_key=1, id=1, amount=1))
        await session.flush()
        await world.configure(1, pool_size=3, status="maintenance")
        session.add(O(account_db_key=1, id=2, amount=2))
    assert len(await session_rows(world)) == 2


async def session_rows(world: Any) -> list[Any]:
    async with world.db.shard_session(1, maintenance=True) as session:
        return list((await session.scalars(select(world.Order))).all())


# What they refuse to write


async def refused(world: Any, kind: type[Exception], said: str, work: Any, *, key: int = 1) -> None:
    before = await world.held()
    with pytest.raises(kind, match=said):
        async with world.db.session(key) as session:
            await work(session)
    assert await world.held() == before


async def test_an_object_without_an_account(world: Any) -> None:
    async def work(session: Any) -> None:
        session.add(world.Order(id=1, amount=1))

    await refused(world, MissingShardKeyError, "this Order has no account_db_key; set it", work)
    with pytest.raises(MissingShardKeyError):
        async with world.db.shard_session(1) as session:
            await work(session)


@pytest.mark.parametrize("key", [3, 2], ids=["same shard", "other shard"])
async def test_an_object_of_another_account(world: Any, key: int) -> None:
    await world.fill()
    O = world.Order

    async def add(session: Any) -> None:
        session.add(O(account_db_key=key, id=7, amount=1))

    async def add_child(session: Any) -> None:
        order = await session.get(O, (1, 1))
        session.add(world.OrderLine(account_db_key=key, id=7, order=order))

    said = rf"pinned to account 1 and was given a \w+ of account {key}; open db.session\({key}\)"
    await refused(world, CrossAccountAccessError, said, add)
    await refused(world, CrossAccountAccessError, said, add_child)


async def test_changing_or_deleting_an_object_of_another_account(world: Any) -> None:
    await world.fill()
    O = world.Order

    async def change(session: Any) -> None:
        (await session.get(O, (3, 1))).amount = 0

    async def remove(session: Any) -> None:
        await session.delete(await session.get(O, (3, 1)))

    for work in (change, remove):
        await refused(world, CrossAccountAccessError, "pinned to account 1 .* Order of account 3", work)


async def test_changing_the_account_of_a_stored_object(world: Any) -> None:
    await world.fill()
    O = world.Order
    for there, here in ((1, 3), (1, 2)):

        async def work(session: Any, here: int = here) -> None:
            (await session.get(O, (1, 1))).account_db_key = here

        await refused(
            world, ShardKeyChangedError, f"of a stored Order was changed from {there} to {here}", work
        )
    with pytest.raises(ShardKeyChangedError):
        async with world.db.shard_session(1) as session:
            (await session.get(O, (1, 1))).account_db_key = 3


async def test_an_account_set_to_what_it_was_is_no_change(world: Any) -> None:
    await world.fill(1)
    async with world.db.session(1) as session:
        order = await session.get(world.Order, (1, 1))
        order.account_db_key = 3
        order.account_db_key = 1
        order.amount = 5
    assert (await world.held())[1][0] == (1, 1, 5)


async def test_an_insert_of_another_accounts_rows(world: Any) -> None:
    O = world.Order
    table = O.__table__
    stranger = {"account_db_key": 3, "id": 5, "amount": 1}
    own = {"account_db_key": 1, "id": 6, "amount": 1}
    for statement, rows in (
        (insert(O).values(stranger), None),
        (insert(O).values([own, stranger]), None),
        (insert(O), stranger),
        (insert(O), [own, stranger]),
        (insert(table), [own, stranger]),
        (insert(table).values(amount=1), [{"account_db_key": 3, "id": 5}]),
    ):
        for call in ("execute", "scalars", "scalar", "stream"):

            async def work(
                session: Any, call: str = call, statement: Any = statement, rows: Any = rows
            ) -> None:
                await getattr(session, call)(statement, rows)

            await refused(world, CrossAccountAccessError, "was given a row for orders of account 3", work)

    async def nobody(session: Any) -> None:
        await session.execute(insert(O).values(id=5, amount=1))

    await refused(world, MissingShardKeyError, "a row for orders has no account_db_key", nobody)


async def test_the_old_bulk_methods(world: Any) -> None:
    O = world.Order
    row = {"account_db_key": 2, "id": 9, "amount": 1}
    for bulk in (
        lambda session: session.bulk_save_objects([O(**row)]),
        lambda session: session.bulk_insert_mappings(O, [row]),
        lambda session: session.bulk_update_mappings(O, [row]),
    ):
        await refused(
            world, CrossAccountAccessError, "pass the guards", lambda s, bulk=bulk: s.run_sync(bulk)
        )


async def test_an_upsert_that_gives_a_row_to_another_account(world: Any, engine_kind: str) -> None:
    await world.fill(1)
    O = world.Order
    row, stolen = {"account_db_key": 1, "id": 1, "amount": 0}, {"account_db_key": 3}
    if engine_kind == "sqlite":
        upsert: Any = sqlite.insert(O).values(row).on_conflict_do_update(set_=stolen)
    else:
        upsert = mysql.insert(O).values(row).on_duplicate_key_update(stolen)
    await refused(world, ShardKeyChangedError, "would change account_db_key", lambda s: s.execute(upsert))


async def test_an_insert_of_ones_own_rows(world: Any) -> None:
    O, R, J = world.Order, world.Renamed, world.Journal
    async with world.db.session(1) as session:
        await session.execute(insert(O), [{"account_db_key": 1, "id": i, "amount": 0} for i in (1, 2)])
        await session.execute(insert(O).values(account_db_key=1, id=3, amount=0))
        await session.execute(insert(R), [{"owner": 1, "id": 1}])
        await session.execute(insert(J).values(param="local tables belong to no account"))
        own = select(O.account_db_key, O.id + 10, O.amount).where(O.account_db_key == 1)
        await session.execute(insert(O).from_select(["account_db_key", "id", "amount"], own))
    assert len((await world.held())[1]) == 6
    assert await world.held("renamed") == {1: [(1, 1)], 2: []}


async def test_an_insert_on_a_shard_is_the_operators_own(world: Any) -> None:
    async with world.db.shard_session(1) as session:
        await session.execute(insert(world.Order).values(account_db_key=2, id=1, amount=0))
    assert await world.held() == {1: [(2, 1, 0)], 2: []}


async def test_an_update_of_the_account(world: Any) -> None:
    await world.fill()
    O = world.Order
    mine = O.account_db_key == 1
    for statement, rows in (
        (update(O).where(mine).values(account_db_key=3), None),
        (update(O).where(mine).values({O.account_db_key: 3}), None),
        (update(O).where(mine), {"account_db_key": 3}),
    ):

        async def work(session: Any, statement: Any = statement, rows: Any = rows) -> None:
            await session.execute(statement, rows)

        await refused(world, ShardKeyChangedError, "an UPDATE would change account_db_key", work)

    async def by_primary_key(session: Any) -> None:
        await session.execute(update(O), [{"account_db_key": 3, "id": 1, "amount": 0}])

    await refused(world, CrossAccountAccessError, "a row for orders of account 3", by_primary_key)
    async with world.db.session(1) as session:
        await session.execute(update(O), [{"account_db_key": 1, "id": 1, "amount": 0}])
        await session.execute(update(O).where(mine, O.id == 2).values(amount=0))
    assert [row[2] for row in (await world.held())[1] if row[0] == 1] == [0, 0]


async def test_an_object_of_another_shard(world: Any) -> None:
    await world.fill(1, 2)
    O = world.Order
    async with world.db.sharded_session() as session:
        order = await session.get(O, (2, 1))
    with pytest.raises(
        WrongShardError, match="a Order that was loaded from shard 2 is in a session of shard 1"
    ):
        async with world.db.shard_session(1) as session:
            session.add(order)
            order.amount = 5
            await session.flush()


# Read-only


async def test_a_read_only_session_refuses_to_write(world: Any) -> None:
    await world.fill(1)
    O = world.Order
    own = {"account_db_key": 1, "id": 5, "amount": 1}
    for statement in (
        insert(O).values(own),
        update(O).where(O.account_db_key == 1).values(amount=0),
        delete(O).where(O.account_db_key == 1),
    ):
        with pytest.raises(ReadOnlySessionError):
            async with world.db.session(1, read_only=True) as session:
                await session.execute(statement)
    with pytest.raises(ReadOnlySessionError):
        async with world.db.session(1, read_only=True) as session:
            session.add(O(**own))
    async with world.db.session(1, read_only=True) as session:
        order = await session.get(O, (1, 1))
        assert order.amount == 11
    assert len((await world.held())[1]) == 2


async def test_a_commit_of_a_read_only_session_keeps_nothing(world: Any) -> None:
    await world.fill(1)
    O = world.Order
    before = await world.held()
    async with world.db.session(1, read_only=True) as session:
        await session.execute(text("UPDATE orders SET amount = 0"))
        await session.commit()
        assert await session.scalar(select(func.sum(O.amount))) == 23
        await (await session.connection()).execute(update(O).values(amount=0))
        await session.commit()
    assert await world.held() == before


async def test_a_read_only_session_does_not_wait_for_a_writer(world: Any) -> None:
    await world.fill(1)
    O = world.Order
    async with world.db.session(1) as writer:
        await writer.execute(update(O).where(O.account_db_key == 1).values(amount=0))
        async with asyncio.timeout(2), world.db.session(1, read_only=True) as reader:
            assert (await reader.get(O, (1, 1))).amount == 11


# Errors


async def test_errors_name_the_database_and_the_account(world: Any) -> None:
    await world.fill(2)
    O = world.Order
    with pytest.raises(DuplicateEntityError) as caught:
        async with world.db.session(2) as session:
            session.add(O(account_db_key=2, id=1, amount=0))
    assert caught.value.__notes__ == ["database: shard 2 (s2)", "account_db_key: 2"]
    with pytest.raises(ShardUnavailableError) as lost:
        async with world.db.session(2):
            raise DatabaseConnectionError("gone")
    assert lost.value.__notes__ == ["database: shard 2 (s2)", "account_db_key: 2"]
    with pytest.raises(DuplicateEntityError) as on_shard:
        async with world.db.shard_session(2) as session:
            session.add(O(account_db_key=2, id=1, amount=0))
    assert on_shard.value.__notes__ == ["database: shard 2 (s2)"]
    with pytest.raises(ZeroDivisionError) as other:
        async with world.db.session(2):
            raise ZeroDivisionError
    assert not hasattr(other.value, "__notes__")
