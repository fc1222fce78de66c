from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest
from sqlalchemy import ForeignKey, String, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from shardwise.errors import (
    ConstraintViolationError,
    CrossAccountAccessError,
    DuplicateEntityError,
    EntityNotFoundError,
    InvalidValueError,
    MissingShardKeyError,
    ShardKeyChangedError,
    ValueRefusedError,
)
from shardwise.repository import UNSET, BaseRepository
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import ExactDecimal, UnsignedBigInt
from shardwise.topology.manager import DatabaseManager


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email", name="uk_email"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(60))
    name: Mapped[str | None] = mapped_column(String(40))
    visits: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(10), server_default=text("'new'"))
    orders: Mapped[list["Order"]] = relationship(cascade="all, delete-orphan", lazy="raise")


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", name="fk_orders_user"))
    what: Mapped[str] = mapped_column("article", String(20))


class Trade(Base):
    __tablename__ = "trades"
    __placement__ = "sharded"

    account_db_key: Mapped[int] = account_key_column()
    trade_id: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False)
    amount: Mapped[Decimal] = mapped_column(ExactDecimal(20, 8))
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()


class Slow(Base):
    """A model whose server defaults come back by no RETURNING, as on MySQL."""

    __tablename__ = "slow"
    __mapper_args__: ClassVar[dict[str, object]] = {"eager_defaults": False}

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10), server_default=text("'new'"))


class UserRepository(BaseRepository[User]):
    pass


class TradeRepository(BaseRepository[Trade]):
    pass


class OldStyleRepository(BaseRepository[User]):
    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session, User)


@pytest.fixture
def users(session: AsyncSession) -> UserRepository:
    return UserRepository(session)


@pytest.fixture
def trades(session: AsyncSession) -> TradeRepository:
    return TradeRepository(session)


def user(number: int = 1, **values: object) -> User:
    return User(email=f"user{number}@example.com", **values)


def trade(account: int = 1000, number: int = 1) -> dict[str, object]:
    return {"account_db_key": account, "trade_id": number, "amount": Decimal(number)}


# Create


async def test_create_returns_the_stored_object_with_its_defaults(users: UserRepository) -> None:
    created = await users.create(user(name="Ann"))
    assert created.id is not None
    assert (created.visits, created.state) == (0, "new")
    assert await users.get_by_id(created.id) is created


async def test_a_repository_never_commits(manager: DatabaseManager) -> None:
    async with AsyncSession(manager.engine, expire_on_commit=False) as session:
        await UserRepository(session).create(user())
    async with manager.session() as session:
        assert await UserRepository(session).count() == 0
    async with manager.session() as session:
        await UserRepository(session).create(user())
    async with manager.session() as session:
        assert await UserRepository(session).count() == 1


async def test_model_by_argument_as_in_the_older_api(session: AsyncSession) -> None:
    assert (await OldStyleRepository(session).create(user())).id is not None


async def test_create_names_the_constraint_of_a_duplicate(users: UserRepository) -> None:
    await users.create(user())
    with pytest.raises(DuplicateEntityError) as caught:
        await users.create(user())
    assert (caught.value.entity, caught.value.constraint) == ("User", "uk_email")
    assert "user1@example.com" not in str(caught.value)
    assert caught.value.__cause__ is not None


async def test_create_refuses_another_models_object(users: UserRepository) -> None:
    with pytest.raises(InvalidValueError, match="Order is not a User"):
        await users.create(Order(user_id=1, what="x"))  # type: ignore[arg-type]


async def test_create_refuses_a_row_without_account(trades: TradeRepository) -> None:
    with pytest.raises(MissingShardKeyError, match="account_db_key"):
        await trades.create(Trade(trade_id=1, amount=Decimal(1)))
    assert not trades.session.in_transaction()


async def test_a_broken_foreign_key_is_named_as_a_rule(session: AsyncSession) -> None:
    with pytest.raises(ConstraintViolationError) as caught:
        await BaseRepository(session, Order).create(Order(user_id=99, what="x"))
    assert (caught.value.entity, caught.value.rule) == ("Order", "foreign key")


async def test_a_column_type_refuses_in_its_own_words(trades: TradeRepository) -> None:
    with pytest.raises(InvalidValueError, match="more than 8 digits"):
        await trades.create(Trade(account_db_key=1, trade_id=1, amount=Decimal("0.000000001")))


async def test_a_text_that_is_too_long_is_refused_on_every_engine(users: UserRepository) -> None:
    created = await users.create(user(name="🦊" * 40))
    for refused in (
        users.create(user(2, name="x" * 41)),
        users.create_many([{"email": "x", "name": "y"}, {"email": "z", "name": "x" * 41}]),
        users.update(created.id, name="x" * 41),
        users.update_many({"id": created.id}, {"name": "x" * 41}),
        users.upsert({"id": 9, "email": "x", "name": "x" * 41}),
    ):
        with pytest.raises(ValueRefusedError, match="41 characters, 40 are") as caught:
            await refused
        assert caught.value.field == "User.name"
        assert "xxx" not in str(caught.value)
    assert await users.count() == 1


async def test_a_text_that_is_not_unicode_is_refused(users: UserRepository) -> None:
    with pytest.raises(InvalidValueError, match="valid Unicode"):
        await users.create(user(name="\ud800"))


async def test_four_byte_characters_and_sql_in_text_are_kept(users: UserRepository) -> None:
    nasty = "🦊 ' OR 1=1; -- \\ %s \x00"
    created = await users.create(user(name=nasty))
    await users.session.refresh(created)
    assert created.name == nasty


async def test_server_defaults_are_loaded_where_returning_is_missing(session: AsyncSession) -> None:
    repository = BaseRepository(session, Slow)
    assert (await repository.create(Slow(id=1))).state == "new"
    several = await repository.create_many([Slow(id=2), Slow(id=3)])
    assert [item.state for item in several] == ["new", "new"]


# Update


async def test_update_tells_unset_from_none(users: UserRepository) -> None:
    created = await users.create(user(name="Ann", visits=3))
    same = await users.update(created.id, name=UNSET, visits=4)
    assert (same.name, same.visits) == ("Ann", 4)
    gone = await users.update(created.id, name=None)
    await users.session.refresh(gone)
    assert (gone.name, gone.visits) == (None, 4)


async def test_update_with_nothing_sends_no_update(users: UserRepository, statements) -> None:
    created = await users.create(user())
    statements.clear()
    assert await users.update(created.id, name=UNSET) is created
    assert statements.starting_with("UPDATE") == []


async def test_update_computes_in_the_database_and_loads_the_result(users: UserRepository) -> None:
    created = await users.create(user(visits=3))
    updated = await users.update(created.id, visits=User.visits + 2)
    assert updated.visits == 5


async def test_update_refuses_what_is_not_a_column(users: UserRepository) -> None:
    created = await users.create(user())
    with pytest.raises(InvalidValueError, match="did you mean name"):
        await users.update(created.id, nmae="Ann")
    with pytest.raises(InvalidValueError, match="orders"):
        await users.update(created.id, orders=[])
    with pytest.raises(InvalidValueError, match="takes int values"):
        await users.update(created.id, visits="many")


async def test_update_of_a_missing_row_says_which(users: UserRepository) -> None:
    with pytest.raises(EntityNotFoundError, match="no User has the primary key 41") as caught:
        await users.update(41, name="x")
    assert caught.value.identity == 41


async def test_update_keeps_keys(trades: TradeRepository) -> None:
    await trades.create(Trade(**trade()))
    with pytest.raises(ShardKeyChangedError):
        await trades.update((1000, 1), account_db_key=1001)
    with pytest.raises(InvalidValueError, match="primary key"):
        await trades.update((1000, 1), trade_id=2)
    same = await trades.update((1000, 1), account_db_key=1000, trade_id=1, amount=Decimal(7))
    assert same.amount == 7


async def test_update_of_a_row_that_somebody_deleted(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        created = await UserRepository(session).create(user())
    async with AsyncSession(manager.engine, expire_on_commit=False) as mine:
        loaded = await UserRepository(mine).get_one(created.id)
        await mine.commit()
        async with manager.session() as other:
            await UserRepository(other).delete(created.id)
        with pytest.raises(EntityNotFoundError):
            await UserRepository(mine).update(loaded.id, name="late")


async def test_update_moves_updated_at(trades: TradeRepository) -> None:
    created = await trades.create(Trade(**trade()))
    before = created.updated_at
    assert (await trades.update((1000, 1), amount=Decimal(2))).updated_at > before


async def test_update_rows_changes_all_or_none(users: UserRepository) -> None:
    first, second = await users.create_many([user(1), user(2)])
    changed = await users.update_rows(
        [{"id": second.id, "name": "Bob"}, {"id": first.id, "name": "Ann", "visits": UNSET}]
    )
    assert [item.name for item in changed] == ["Bob", "Ann"]
    with pytest.raises(EntityNotFoundError, match="99"):
        await users.update_rows([{"id": first.id, "name": "X"}, {"id": 99, "name": "Y"}])
    assert first.name == "Ann"
    with pytest.raises(InvalidValueError, match="id is None"):
        await users.update_rows([{"name": "X"}])


async def test_update_many_counts_and_keeps_loaded_objects_true(users: UserRepository) -> None:
    ann, bob = await users.create_many([user(1, name="Ann"), user(2, name="Bob")])
    assert await users.update_many({"name": "Ann"}, {"visits": 9}) == 1
    assert (ann.visits, bob.visits) == (9, 0)
    assert await users.update_many({"visits__gte": 0}, {"visits": User.visits + 1}) == 2
    await users.session.refresh(ann)
    assert ann.visits == 10


async def test_update_many_refuses_empty_filters_unless_meant(users: UserRepository) -> None:
    await users.create_many([user(1), user(2)])
    for empty in (None, {}, []):
        with pytest.raises(InvalidValueError, match="all_rows=True"):
            await users.update_many(empty, {"visits": 1})
        with pytest.raises(InvalidValueError, match="all_rows=True"):
            await users.delete_many(empty)
    assert await users.update_many(None, {"visits": 1}, all_rows=True) == 2
    assert await users.update_many({"id__in": []}, {"visits": 2}) == 0
    with pytest.raises(InvalidValueError, match="primary key"):
        await users.update_many({"visits": 1}, {"id": 7})


# Delete


async def test_delete_removes_the_row_and_what_it_owns(users: UserRepository) -> None:
    created = await users.create(user(orders=[Order(what="tea")]))
    users.session.expunge_all()
    await users.delete(created.id)
    assert await users.count() == 0
    assert await BaseRepository(users.session, Order).count() == 0
    with pytest.raises(EntityNotFoundError):
        await users.delete(created.id)


async def test_delete_many_counts(users: UserRepository) -> None:
    await users.create_many([user(number, visits=number) for number in range(5)])
    assert await users.delete_many({"visits__lt": 2}) == 2
    assert await users.count() == 3


async def test_delete_of_a_row_that_others_need(session: AsyncSession, users: UserRepository) -> None:
    created = await users.create(user())
    await session.execute(
        text("INSERT INTO orders (id, user_id, article) VALUES (1, :id, 'x')"), {"id": created.id}
    )
    with pytest.raises(ConstraintViolationError) as caught:
        await users.delete_many({"id": created.id})
    assert caught.value.rule == "foreign key"


# Accounts


@pytest.fixture
async def pinned(session: AsyncSession) -> TradeRepository:
    """A repository in a session that is pinned to account 1000, with rows of 1000 and 1001 stored."""
    await TradeRepository(session).create_many([trade(1000, 1), trade(1000, 2), trade(1001, 3)])
    session.account_db_key = 1000  # type: ignore[attr-defined]
    return TradeRepository(session)


async def test_a_pinned_session_reads_its_account_alone(pinned: TradeRepository) -> None:
    assert [item.trade_id for item in await pinned.list()] == [1, 2]
    assert await pinned.count() == 2
    assert not await pinned.exists(filters={"trade_id": 3})
    assert [item.trade_id for item in (await pinned.page(limit=10)).items] == [1, 2]
    for read in (pinned.get_by_id, pinned.exists, pinned.delete):
        with pytest.raises(CrossAccountAccessError, match="account 1001"):
            await read((1001, 3))
    with pytest.raises(CrossAccountAccessError):
        await pinned.get_many([(1000, 1), (1001, 3)])


async def test_a_pinned_session_writes_its_account_alone(pinned: TradeRepository) -> None:
    assert await pinned.update_many(None, {"amount": Decimal(0)}, all_rows=True) == 2
    assert await pinned.delete_many(None, all_rows=True) == 2
    for write in (pinned.create_many, pinned.upsert_many):
        with pytest.raises(CrossAccountAccessError, match="account 1001"):
            await write([trade(1000, 7), trade(1001, 8)])
    with pytest.raises(CrossAccountAccessError):
        await pinned.create(Trade(**trade(1001, 9)))
    left = (await pinned.session.execute(select(Trade.account_db_key, Trade.trade_id))).all()
    assert left == [(1001, 3)]


async def test_times_come_back_aware(trades: TradeRepository) -> None:
    created = await trades.create(Trade(**trade()))
    await trades.session.refresh(created)
    assert created.created_at.tzinfo is UTC
