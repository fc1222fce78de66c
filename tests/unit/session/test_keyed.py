# ruff: noqa: E741, N806  # models have the letters that they would have in SQL
"""The routed session: each statement and object goes to the shard of its account, or nowhere."""

import asyncio
import gc
from typing import Any

import pytest
from sqlalchemy import (
    Insert,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    inspect,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, immediateload, joinedload, selectinload, subqueryload

from shardwise.errors import (
    CrossShardWriteError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    MissingShardKeyError,
    ScatterRefusedError,
    ShardKeyChangedError,
    ShardMaintenanceError,
    UnknownAccountError,
    UnknownShardError,
    UnroutableStatementError,
)
from shardwise.repository import BaseRepository
from shardwise.routing.placement import Placement
from shardwise.schema.control import ShardStats
from shardwise.session.sharded import ShardedSession

# Reading


async def test_a_select_goes_to_the_shard_of_its_account_alone(world: Any) -> None:
    await world.fill()
    seen = await world.watch()
    for key, home in world.homes.items():
        async with world.db.sharded_session() as session:
            statement = select(world.Order).where(world.Order.account_db_key == key).order_by(world.Order.id)
            orders = (await session.scalars(statement)).all()
        assert [order.amount for order in orders] == [key * 10 + 1, key * 10 + 2]
        assert [shard for shard, _ in seen] == [home]
        seen.clear()


async def test_ways_to_read(world: Any) -> None:
    await world.fill()
    O, L = world.Order, world.OrderLine
    mine = O.account_db_key == 2
    async with world.db.sharded_session() as session:
        assert type(session) is ShardedSession
        assert (session.account_db_key, session.shard_id) == (None, None)
        assert await session.scalar(select(func.count()).select_from(O).where(mine)) == 2
        assert (await session.execute(select(O.id).where(mine, O.amount == 22))).scalar_one() == 2
        assert (await session.execute(select(O).where(O.account_db_key == bindparam("k")), {"k": 2})).all()
        joined = select(L.note).join(L.order).where(mine).order_by(L.id)
        assert (await session.scalars(joined)).all() == ["2/1", "2/2"]
        correlated = select(func.count()).select_from(O).where(mine, O.lines.any(L.note == "2/1"))
        assert await session.scalar(correlated) == 1
        nested = exists(select(L).where(L.account_db_key == O.account_db_key, L.order_id == O.id))
        assert len((await session.scalars(select(O).where(mine, nested))).all()) == 2
        assert [row.id async for row in await session.stream(select(O.id).where(mine).order_by(O.id))] == [
            1,
            2,
        ]
        streamed = await session.stream_scalars(select(O).where(mine).order_by(O.id))
        assert [order.id async for order in streamed] == [1, 2]
        other = select(O.amount).where(O.account_db_key == 1, O.id == 1)
        assert await session.scalar(other) == 11, "the next statement may be another account's"


async def test_a_contradiction_is_empty(world: Any) -> None:
    await world.fill(1, 2)
    O = world.Order
    async with world.db.sharded_session() as session:
        nobody = select(O).where(O.account_db_key == 1, O.account_db_key == 2)
        assert (await session.scalars(nobody)).all() == []
        assert await session.scalar(select(func.count()).select_from(O).where(O.account_db_key.in_([]))) == 0
        result = await session.execute(update(O).where(O.account_db_key.in_([])).values(amount=0))
        assert result.rowcount == 0


async def test_reference_tables_are_read_on_any_shard(world: Any) -> None:
    async with world.db.sharded_session() as session:
        assert (await session.scalars(select(world.Currency.name))).all() == ["Euro"]
        assert (await session.get(world.Currency, "eur")).name == "Euro"
        assert await session.scalar(select(1)) == 1
    await world.configure(1, status="maintenance")
    async with world.db.sharded_session() as session:
        assert (await session.scalars(select(world.Currency.name))).all() == ["Euro"]


@pytest.mark.parametrize(
    ("condition", "kind", "said"),
    [
        (None, MissingShardKeyError, "reads orders without an account_db_key"),
        ("id", MissingShardKeyError, "without an account_db_key"),
        ("or", MissingShardKeyError, "without an account_db_key"),
        ("several", ScatterRefusedError, "names 2 accounts.*execute it once for each account"),
        ("same shard", ScatterRefusedError, "names 2 accounts"),
        ("text", UnroutableStatementError, r"text\(\) fragment hides which rows"),
    ],
)
async def test_what_names_no_single_account_is_refused(
    world: Any, condition: str | None, kind: type[Exception], said: str
) -> None:
    O = world.Order
    conditions = {
        None: [],
        "id": [O.id == 1],
        "or": [or_(O.account_db_key == 1, O.id == 1)],
        "several": [O.account_db_key.in_([1, 2])],
        "same shard": [O.account_db_key.in_([1, 3])],
        "text": [O.account_db_key == 1, text("1 = 1")],
    }[condition]
    seen = await world.watch()
    for statement in (
        select(O).where(*conditions),
        update(O).where(*conditions).values(amount=0),
        delete(O).where(*conditions),
    ):
        with pytest.raises(kind, match=said):
            async with world.db.sharded_session() as session:
                await session.execute(statement)
    assert seen == []


async def test_what_has_no_account_is_refused(world: Any) -> None:
    for refused, said in (
        (text("SELECT 1"), r"text\(\) can't be analysed .*db.session\(account_db_key\)"),
        (select(ShardStats), "is a global table; use db.global_session"),
        (select(world.Journal), r"is a local table; use db.shard_session"),
        (
            insert(world.Currency).values(code="usd", name="Dollar"),
            "is a reference table; use db.shard_session",
        ),
        (update(world.Currency).values(name="x"), "is a reference table"),
        (insert(world.Journal).values(param="x"), "is a local table"),
    ):
        with pytest.raises(UnroutableStatementError, match=said):
            async with world.db.sharded_session() as session:
                await session.execute(refused)
    async with world.db.sharded_session() as session:
        with pytest.raises(UnroutableStatementError, match="no connection of its own"):
            await session.connection()


async def test_accounts_and_shards_that_are_not_there(world: Any) -> None:
    O = world.Order

    async def read(key: Any) -> None:
        async with world.db.sharded_session() as session:
            await session.execute(select(O).where(O.account_db_key == key))

    with pytest.raises(UnknownAccountError, match="account 4711"):
        await read(4711)
    with pytest.raises(InvalidValueError, match="account_db_key"):
        await read(-1)
    with pytest.raises(UnknownShardError, match="shard 7"):
        await read(9)
    await world.configure(2, status="maintenance")
    with pytest.raises(ShardMaintenanceError, match="shard 2"):
        await read(2)
    await read(1)


# Writing with statements


@pytest.fixture
def line(world: Any) -> Any:
    return lambda key, number=1, **more: {"account_db_key": key, "id": number, "amount": key, **more}


def inserts(world: Any, rows: list[dict[str, Any]]) -> list[tuple[Insert, Any]]:
    O = world.Order
    return [(insert(O).values(rows), None), (insert(O), rows), (insert(O.__table__), rows)]


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_an_insert_goes_to_the_shard_of_its_rows(world: Any, line: Any, way: int) -> None:
    statement, parameters = inserts(world, [line(2, 1), line(2, 2)])[way]
    async with world.db.sharded_session() as session:
        await session.execute(statement, parameters)
    assert await world.held() == {1: [], 2: [(2, 1, 2), (2, 2, 2)]}


async def test_an_insert_of_many_rows_leaves_nothing_chosen(world: Any, line: Any) -> None:
    O = world.Order
    async with world.db.sharded_session() as session:
        pending = O(account_db_key=1, id=9, amount=9)
        session.add(pending)
        await session.execute(insert(O), [line(1, 1), line(1, 2)])  # flushes the object first
        returned = insert(O).returning(O.id, sort_by_parameter_order=True)
        assert (await session.scalars(returned, [line(3, 1), line(3, 2)])).all() == [1, 2]
        with pytest.raises(UnroutableStatementError, match="no connection of its own"):
            await session.connection()
    assert [row[:2] for row in (await world.held())[1]] == [(1, 1), (1, 2), (1, 9), (3, 1), (3, 2)]


@pytest.mark.parametrize("way", [0, 1, 2])
async def test_an_insert_of_several_accounts_or_none_is_refused(world: Any, line: Any, way: int) -> None:
    for rows, kind in (
        ([line(1), line(2)], ScatterRefusedError),
        ([line(1), line(3)], ScatterRefusedError),
        ([{"id": 1, "amount": 1}], MissingShardKeyError),
        ([line(1), line(None)], MissingShardKeyError),
    ):
        statement, parameters = inserts(world, rows)[way]
        with pytest.raises(kind):
            async with world.db.sharded_session() as session:
                await session.execute(statement, parameters)
    assert await world.held() == {1: [], 2: []}


async def test_update_and_delete(world: Any) -> None:
    await world.fill()
    O, L = world.Order, world.OrderLine
    async with world.db.sharded_session() as session:
        await session.execute(delete(L).where(L.account_db_key == 3, L.id == 1))
        gone = await session.execute(delete(O).where(O.account_db_key == 3, O.id == 1))
        changed = await session.execute(update(O).where(O.account_db_key == 1).values(amount=O.amount + 100))
        assert (gone.rowcount, changed.rowcount) == (1, 2)
    held = await world.held()
    assert held[1] == [(1, 1, 111), (1, 2, 112), (3, 2, 32)]
    assert held[2] == [(2, 1, 21), (2, 2, 22), (4, 1, 41), (4, 2, 42)]


@pytest.mark.parametrize("strategy", ["auto", "fetch", "evaluate"])
async def test_an_update_reaches_the_objects_of_the_session(world: Any, strategy: str) -> None:
    await world.fill(1)
    O = world.Order
    async with world.db.sharded_session() as session:
        order = await session.get(O, (1, 1))
        statement = update(O).where(O.account_db_key == 1, O.id == 1).values(amount=7)
        await session.execute(statement, execution_options={"synchronize_session": strategy})
        assert order.amount == 7


async def test_changing_the_key_by_a_statement_is_refused(world: Any) -> None:
    await world.fill(1)
    O = world.Order
    with pytest.raises(ShardKeyChangedError):
        async with world.db.sharded_session() as session:
            await session.execute(update(O).where(O.account_db_key == 1).values(account_db_key=2))


async def test_two_shards_are_not_written_in_one_transaction(world: Any, line: Any) -> None:
    O = world.Order
    with pytest.raises(
        CrossShardWriteError, match=r"the shards \[1, 2\] in one transaction.*nothing was committed"
    ):
        async with world.db.sharded_session() as session:
            await session.execute(insert(O).values(line(1)))
            await session.execute(insert(O).values(line(2)))
    assert await world.held() == {1: [], 2: []}


async def test_two_accounts_of_one_shard_may_be_written_together(world: Any, line: Any) -> None:
    async with world.db.sharded_session() as session:
        for key in (1, 3):
            await session.execute(insert(world.Order).values(line(key)))
    assert await world.held() == {1: [(1, 1, 1), (3, 1, 3)], 2: []}


async def test_a_caught_refusal_does_not_let_the_rest_be_committed_twice(world: Any, line: Any) -> None:
    async with world.db.sharded_session() as session:
        await session.execute(insert(world.Order).values(line(1)))
        with pytest.raises(CrossShardWriteError):
            await session.execute(insert(world.Order).values(line(2)))
        with pytest.raises(CrossShardWriteError):
            await session.execute(insert(world.Order).values(line(4)))
        await session.rollback()
        await session.execute(insert(world.Order).values(line(2)))
    assert await world.held() == {1: [], 2: [(2, 1, 2)]}


async def test_one_shard_after_the_other_in_transactions_of_their_own(world: Any, line: Any) -> None:
    async with world.db.sharded_session() as session:
        await session.execute(insert(world.Order).values(line(1)))
        await session.commit()
        await session.execute(insert(world.Order).values(line(2)))
    assert await world.held() == {1: [(1, 1, 1)], 2: [(2, 1, 2)]}


async def test_reading_one_shard_and_writing_another(world: Any, line: Any) -> None:
    await world.fill(1)
    O = world.Order
    async with world.db.sharded_session() as session:
        total = await session.scalar(select(func.sum(O.amount)).where(O.account_db_key == 1))
        await session.execute(insert(O).values(line(2, amount=total)))
    assert (await world.held())[2] == [(2, 1, 23)]


async def test_an_exception_rolls_back(world: Any, line: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        async with world.db.sharded_session() as session:
            await session.execute(insert(world.Order).values(line(1)))
            raise ZeroDivisionError
    assert await world.held() == {1: [], 2: []}


async def test_savepoints(world: Any, line: Any) -> None:
    async with world.db.sharded_session() as session:
        await session.execute(insert(world.Order).values(line(1, 1)))
        with pytest.raises(ZeroDivisionError):
            async with session.begin_nested():
                await session.execute(insert(world.Order).values(line(1, 2)))
                raise ZeroDivisionError
        async with session.begin_nested():
            await session.execute(insert(world.Order).values(line(1, 3)))
    assert [row[1] for row in (await world.held())[1]] == [1, 3]


# Objects


async def test_objects_are_written_to_the_shard_of_their_account(world: Any) -> None:
    O, L = world.Order, world.OrderLine
    for key in (1, 2, 3):
        async with world.db.sharded_session() as session:
            session.add(O(account_db_key=key, id=1, amount=key, lines=[L(account_db_key=key, id=5)]))
    assert await world.held() == {1: [(1, 1, 1), (3, 1, 3)], 2: [(2, 1, 2)]}
    assert await world.held("order_lines") == {1: [(1, 5, 1, None), (3, 5, 1, None)], 2: [(2, 5, 1, None)]}


async def test_an_object_is_read_changed_refreshed_and_deleted_where_it_lives(world: Any) -> None:
    await world.fill(1, 2)
    seen = await world.watch()
    async with world.db.sharded_session() as session:
        order = await session.get(world.Order, (2, 1))
        assert await session.get(world.Order, (2, 1)) is order
        order.amount = 99
        await session.flush()
        await session.refresh(order)
        assert order.amount == 99
        await session.delete(await session.get(world.Order, {"account_db_key": 2, "id": 2}))
        assert await session.get(world.Order, (2, 4711)) is None
    assert {shard for shard, _ in seen} == {2}
    assert (await world.held())[2] == [(2, 1, 99)]


async def test_expired_and_deferred_attributes_are_loaded_from_their_shard(world: Any) -> None:
    await world.fill(2)
    async with world.db.sharded_session() as session:
        order = await session.get(world.Order, (2, 1))
        seen = await world.watch()
        session.expire(order)
        await session.run_sync(lambda sync: order.amount)
        assert [shard for shard, _ in seen] == [2]
        assert order.amount == 21


async def test_lazy_loads_keep_to_the_parents_shard(world: Any) -> None:
    await world.fill()
    async with world.db.sharded_session() as session:
        orders = {key: await session.get(world.Order, (key, 1)) for key in (1, 2)}
        seen = await world.watch()
        for key, order in orders.items():
            lines = await session.run_sync(lambda sync, order=order: order.lines)
            assert [line.note for line in lines] == [f"{key}/1"]
            assert await session.run_sync(lambda sync, lines=lines: lines[0].order) is order
        assert [shard for shard, _ in seen] == [1, 2]


@pytest.mark.parametrize("load", [selectinload, subqueryload, immediateload, joinedload])
async def test_relationships_that_leave_the_account_are_refused(world: Any, load: Any) -> None:
    await world.fill()
    O = world.Order
    one = select(O).where(O.account_db_key == 1, O.id == 1)
    loose = load(O.loose_lines)
    for statement in (
        one.options(loose),
        one.options(selectinload(O.lines).joinedload(world.OrderLine.order).options(loose)),
    ):
        async with world.db.sharded_session() as session:
            with pytest.raises(MissingShardKeyError):
                (await session.scalars(statement)).unique().all()
    async with world.db.sharded_session() as session:
        order = await session.get(O, (1, 1))
        with pytest.raises(MissingShardKeyError, match=r"Order.loose_lines isn't joined on account_db_key"):
            await session.refresh(order, ["loose_lines"])
        await session.refresh(order, ["lines"])
        assert [line.note for line in order.lines] == ["1/1"]


async def test_an_upsert_of_the_row_of_an_account(world: Any) -> None:
    for name in ("Ann", "Anna"):
        async with world.db.sharded_session() as session:
            profiles = BaseRepository(session, world.Profile)
            await profiles.upsert({"account_db_key": 1, "email": "a@x", "name": name})
            await profiles.upsert({"account_db_key": 1, "email": "a@x", "name": "B"}, update=[])
    assert await world.held("profiles") == {1: [(1, "a@x", "Anna")], 2: []}
    with pytest.raises(DatabaseError):
        async with world.db.sharded_session() as session:
            row = {"account_db_key": 3, "email": "a@x", "name": "Thief"}
            await BaseRepository(session, world.Profile).upsert(row)
    assert await world.held("profiles") == {1: [(1, "a@x", "Anna")], 2: []}


@pytest.mark.parametrize("load", [selectinload, joinedload])
async def test_eager_loads_keep_to_the_parents_shard(world: Any, load: Any) -> None:
    await world.fill()
    O = world.Order
    seen = await world.watch()
    async with world.db.sharded_session() as session:
        statement = select(O).where(O.account_db_key == 2).order_by(O.id).options(load(O.lines))
        orders = (await session.scalars(statement)).unique().all()
        assert [[line.note for line in order.lines] for order in orders] == [["2/1"], ["2/2"]]
        assert {inspect(line).key[2] for order in orders for line in order.lines} == {2}
        joined = select(O).join(O.lines).where(O.account_db_key == 1).options(contains_eager(O.lines))
        assert len((await session.scalars(joined)).unique().all()) == 2
    assert {shard for shard, _ in seen} == {1, 2}
    assert len(seen) == (3 if load is selectinload else 2)


async def test_the_same_primary_key_on_two_shards_is_two_objects(world: Any, line: Any) -> None:
    O = world.Order
    for shard_id in (1, 2):  # as in the middle of a move
        async with world.db.shard_session(shard_id) as session:
            await session.execute(insert(O).values(line(1, amount=shard_id)))
    statement = select(O).where(O.account_db_key == 1)
    async with world.db.sharded_session() as session:
        first = (await session.scalars(statement)).one()
        world.db.directory.remember(1, Placement(2))
        second = (await session.scalars(statement)).one()
        assert first is not second
        assert (first.amount, second.amount) == (1, 2)
        first.amount = 5
        await session.flush()
    assert await world.held() == {1: [(1, 1, 5)], 2: [(1, 1, 2)]}
    world.db.directory.invalidate(1)


async def test_objects_of_two_shards_are_not_written_in_one_transaction(world: Any) -> None:
    await world.fill(1, 2)
    O = world.Order
    before = await world.held()
    with pytest.raises(CrossShardWriteError):
        async with world.db.sharded_session() as session:
            session.add_all([O(account_db_key=key, id=5, amount=0) for key in (1, 2)])
    with pytest.raises(CrossShardWriteError):
        async with world.db.sharded_session() as session:
            (await session.get(O, (1, 1))).amount = 0
            await session.flush()
            await session.delete(await session.get(O, (2, 1)))
    with pytest.raises(CrossShardWriteError):
        async with world.db.sharded_session() as session:
            await session.execute(update(O).where(O.account_db_key == 1).values(amount=0))
            session.add(O(account_db_key=2, id=5, amount=0))
    assert await world.held() == before


async def test_an_object_without_an_account_or_of_a_reference_table_is_refused(world: Any) -> None:
    with pytest.raises(MissingShardKeyError, match="this Order has no account_db_key"):
        async with world.db.sharded_session() as session:
            session.add(world.Order(id=1, amount=1))
    with pytest.raises(UnroutableStatementError, match="Currency isn't a sharded model"):
        async with world.db.sharded_session() as session:
            session.add(world.Currency(code="usd", name="Dollar"))
    with pytest.raises(UnroutableStatementError, match="Currency isn't a sharded model"):
        async with world.db.sharded_session() as session:
            (await session.get(world.Currency, "eur")).name = "changed on one shard"
    assert {rows[0][1] for rows in (await world.held("currencies")).values()} == {"Euro"}


async def test_changing_the_key_of_a_stored_object_is_refused(world: Any) -> None:
    await world.fill(1)
    with pytest.raises(ShardKeyChangedError, match="of a stored Order was changed from 1 to 2"):
        async with world.db.sharded_session() as session:
            (await session.get(world.Order, (1, 1))).account_db_key = 2


async def test_an_object_that_could_not_be_stored_may_get_another_account(world: Any) -> None:
    await world.fill(1)
    order = world.Order(account_db_key=1, id=1, amount=7)
    with pytest.raises(DuplicateEntityError):
        async with world.db.sharded_session() as session:
            session.add(order)
    order.account_db_key = 2
    async with world.db.sharded_session() as session:
        session.add(order)
    assert (await world.held())[2] == [(2, 1, 7)]


async def test_an_object_of_a_pinned_session_can_go_on_in_a_routed_one(world: Any) -> None:
    await world.fill(2)
    async with world.db.session(2) as session:
        order = await session.get(world.Order, (2, 1))
    order.amount = 5
    async with world.db.sharded_session() as session:
        merged = await session.merge(order)
        assert merged.amount == 5
    async with world.db.session(2) as session:
        other = await session.get(world.Order, (2, 2))
    async with world.db.sharded_session() as session:
        session.add(other)
        other.amount = 6
    assert (await world.held())[2] == [(2, 1, 5), (2, 2, 6)]


async def test_an_attribute_of_another_name(world: Any) -> None:
    R = world.Renamed
    async with world.db.sharded_session() as session:
        session.add(R(owner=2, id=1))
        await session.flush()
        assert (await session.scalars(select(R).where(R.owner == 2))).one().id == 1
        await session.execute(insert(R), [{"owner": 4, "id": 1}])
        with pytest.raises(ShardKeyChangedError):
            await session.execute(update(R).where(R.owner == 2).values(owner=4))
    assert await world.held("renamed") == {1: [], 2: [(2, 1), (4, 1)]}
    with pytest.raises(ShardKeyChangedError):
        async with world.db.sharded_session() as session:
            (await session.get(R, (2, 1))).owner = 4


# While the configuration changes


async def test_a_transaction_stays_on_one_connection_while_its_shard_is_replaced(
    world: Any, line: Any
) -> None:
    O = world.Order
    async with world.db.sharded_session() as session:
        await session.execute(insert(O).values(line(1, 1)))
        await world.configure(1, pool_size=3)  # a new engine for the shard
        async with asyncio.timeout(5):  # on a second connection, SQLite would wait for the first
            assert await session.scalar(select(func.count()).select_from(O).where(O.account_db_key == 1)) == 1
            await session.execute(insert(O).values(line(1, 2)))
        await session.rollback()
        await session.execute(insert(O).values(line(1, 3)))
    assert [row[1] for row in (await world.held())[1]] == [3]


async def test_the_next_transaction_uses_the_replacement(world: Any, line: Any) -> None:
    O = world.Order
    async with world.db.sharded_session() as session:
        await session.execute(insert(O).values(line(1, 1)))
        before = world.db.topology.serving(1)
        await world.configure(1, pool_size=3)
        await session.commit()
        await session.execute(insert(O).values(line(1, 2)))
        after = world.db.topology.serving(1)
        assert after is not before
        assert (before.checked_out(), after.checked_out()) == (0, 1)


async def test_a_transaction_may_end_while_its_shard_goes_into_maintenance(world: Any, line: Any) -> None:
    O = world.Order
    async with world.db.sharded_session() as session:
        await session.execute(insert(O).values(line(1, 1)))
        await world.configure(1, status="maintenance")
        await session.flush()
    async with world.db.shard_session(1, maintenance=True) as session:
        assert await session.scalar(select(func.count()).select_from(O)) == 1


# Errors


async def test_an_error_is_ours_and_names_the_shard(world: Any, line: Any) -> None:
    await world.fill(2)
    with pytest.raises(DuplicateEntityError) as caught:
        async with world.db.sharded_session() as session:
            await session.execute(insert(world.Order).values(line(2)))
    assert caught.value.__notes__ == ["database: shard 2 (s2)"]


async def test_many_sessions_at_once_do_not_mix(world: Any) -> None:
    await world.fill()
    O = world.Order

    async def work(number: int) -> tuple[int, int]:
        key = 1 + number % 4
        async with world.db.sharded_session() as session:
            first = await session.scalar(select(func.min(O.amount)).where(O.account_db_key == key))
            await asyncio.sleep(0)
            order = await session.get(O, (key, 2))
            return first - key * 10, order.amount - key * 10

    assert set(await asyncio.gather(*(work(number) for number in range(40)))) == {(1, 2)}


async def test_a_session_costs_nothing_that_stays(world: Any) -> None:
    await world.fill(1)
    O = world.Order

    async def once() -> None:
        async with world.db.sharded_session() as session:
            await session.execute(select(O).where(and_(O.account_db_key == 1, O.id == 1)))

    for _ in range(20):
        await once()
    gc.collect()
    before = sum(isinstance(item, AsyncSession) for item in gc.get_objects())
    for _ in range(20):
        await once()
    gc.collect()
    assert sum(isinstance(item, AsyncSession) for item in gc.get_objects()) <= before
