import asyncio
from collections import UserDict
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import String, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import DuplicateEntityError, InvalidValueError, MissingShardKeyError
from shardwise.repository import UNSET, BaseRepository
from shardwise.schema.columns import account_key_column, created_at_column, updated_at_column
from shardwise.schema.types import MAX_UNSIGNED, ExactDecimal, UnsignedBigInt
from shardwise.topology.manager import DatabaseManager


class Base(DeclarativeBase):
    pass


class Position(Base):
    __tablename__ = "positions"
    __placement__ = "sharded"
    __table_args__ = (UniqueConstraint("account_db_key", "asset_code", name="uk_asset"),)

    account_db_key: Mapped[int] = account_key_column()
    position_id: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column("asset_code", String(12))
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal(20, 8), default=Decimal(1))
    note: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = created_at_column()
    updated_at: Mapped[datetime] = updated_at_column()


class Tag(Base):
    """One unique key only."""

    __tablename__ = "tags"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    color: Mapped[str | None] = mapped_column(String(20))


class Animal(Base):
    __tablename__ = "animals"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))


@pytest.fixture
def positions(session: AsyncSession) -> BaseRepository[Position]:
    return BaseRepository(session, Position)


@pytest.fixture
def tags(session: AsyncSession) -> BaseRepository[Tag]:
    return BaseRepository(session, Tag)


def position(number: int, **values: object) -> dict[str, object]:
    return {"account_db_key": 1000, "position_id": number, "code": f"C{number}", **values}


# Many rows


async def test_mappings_go_in_one_executemany_with_defaults(
    positions: BaseRepository[Position], statements
) -> None:
    statements.clear()
    assert await positions.create_many(position(number) for number in range(500)) == 500
    assert len(statements.starting_with("INSERT")) == 1
    stored = await positions.get_one((1000, 77))
    assert (stored.code, stored.quantity, stored.note) == ("C77", 1, None)
    assert stored.created_at.tzinfo is not None


async def test_rows_with_other_columns_keep_them(positions: BaseRepository[Position]) -> None:
    """SQLAlchemy alone takes the first row's columns and drops what only a later one has."""
    rows = [position(1), position(2, note="x", quantity=Decimal(5)), position(3, note=None)]
    assert await positions.create_many(rows) == 3
    found = [(item.note, item.quantity) for item in await positions.list()]
    assert found == [(None, 1), ("x", 5), (None, 1)]


async def test_any_mapping_is_a_row_and_stays_as_it_was(positions: BaseRepository[Position]) -> None:
    row = UserDict(position(1))
    given = position(2)
    assert await positions.create_many([row, given]) == 2
    assert given == position(2)


async def test_unknown_columns_are_refused_before_anything_is_sent(
    positions: BaseRepository[Position], statements
) -> None:
    statements.clear()
    for wrong, words in (
        (position(2, nte="x"), "did you mean note"),
        (position(2, asset_code="x"), "asset_code"),
        ({**position(2), 7: 1}, "7: Position has no column"),
    ):
        with pytest.raises(InvalidValueError, match=words):
            await positions.create_many([position(1), wrong])
    with pytest.raises(InvalidValueError, match="holds Position among mappings"):
        await positions.create_many([position(1), Position(**position(2))])
    with pytest.raises(InvalidValueError, match="dict is not a Position"):
        await positions.create_many([Position(**position(1)), position(2)])
    assert statements.texts == []


async def test_values_of_other_types_are_refused_before_anything_is_sent(
    positions: BaseRepository[Position], statements
) -> None:
    """SQLite would store a text among numbers; asyncmy puts a dict into the SQL text."""
    statements.clear()
    for name, value in (
        ("code", {"a": 1}),
        ("code", ["a"]),
        ("code", 5),
        ("position_id", "7"),
        ("position_id", 1.5),
    ):
        with pytest.raises(InvalidValueError, match=f"Position.{name}: takes"):
            await positions.create_many([position(1), {**position(2), name: value}])
        with pytest.raises(InvalidValueError, match=f"Position.{name}: takes"):
            await positions.create(Position(**{**position(2), name: value}))
        with pytest.raises(InvalidValueError, match=f"Position.{name}: takes"):
            await positions.upsert({**position(2), name: value})
    assert statements.texts == []


async def test_rows_without_account_are_refused_before_anything_is_sent(
    positions: BaseRepository[Position], statements
) -> None:
    statements.clear()
    for wrong in (position(2, account_db_key=None), {"position_id": 2, "code": "C"}):
        with pytest.raises(MissingShardKeyError, match="account_db_key"):
            await positions.create_many([position(1), wrong])
        with pytest.raises(MissingShardKeyError):
            await positions.create_many([Position(**position(1)), Position(**wrong)])
        with pytest.raises((MissingShardKeyError, InvalidValueError)):
            await positions.upsert(wrong)
    assert statements.texts == []


async def test_a_duplicate_among_many_is_named(positions: BaseRepository[Position]) -> None:
    with pytest.raises(DuplicateEntityError) as caught:
        await positions.create_many([position(1), position(2, code="C1")])
    assert (caught.value.entity, caught.value.constraint) == ("Position", "uk_asset")


async def test_none_at_all_are_fine(positions: BaseRepository[Position]) -> None:
    assert not await positions.create_many([])


async def test_objects_come_back_as_the_sessions_own(manager: DatabaseManager) -> None:
    given = [Position(**position(number)) for number in range(50)]
    async with manager.session() as session:
        positions = BaseRepository(session, Position)
        created = await positions.create_many(given)
        assert created == given
        created[7].note = "later"
    async with manager.session() as session:
        assert (await BaseRepository(session, Position).get_one((1000, 7))).note == "later"


async def test_objects_pending_before_are_stored_first(positions: BaseRepository[Position]) -> None:
    positions.session.add(Position(**position(1)))
    with pytest.raises(DuplicateEntityError):
        await positions.create_many([position(1)])


async def test_models_that_inherit_take_objects_only(session: AsyncSession) -> None:
    animals = BaseRepository(session, Animal)
    with pytest.raises(InvalidValueError, match="give Animal objects"):
        await animals.create_many([{"id": 1}])
    assert [item.kind for item in await animals.create_many([Animal(id=1)])] == ["animal"]


# Upsert


async def test_upsert_stores_then_changes(positions: BaseRepository[Position]) -> None:
    first = await positions.upsert(position(1, note="a"))
    assert (first.note, first.quantity) == ("a", 1)
    before = first.updated_at
    await asyncio.sleep(0.002)
    again = await positions.upsert(position(1, code="D", note=UNSET, quantity=Decimal(3)))
    assert again is first
    assert (again.code, again.note, again.quantity) == ("D", "a", 3)
    assert again.updated_at > before
    assert again.created_at <= before
    assert await positions.count() == 1


async def test_upsert_overwrites_only_what_it_is_told(positions: BaseRepository[Position]) -> None:
    await positions.upsert(position(1, note="a"))
    changed = await positions.upsert(position(1, note="b", quantity=Decimal(9)), update=["quantity"])
    assert (changed.note, changed.quantity) == ("a", 9)
    with pytest.raises(InvalidValueError, match="not among the values"):
        await positions.upsert(position(1), update=["note"])
    with pytest.raises(InvalidValueError, match="belongs to the key"):
        await positions.upsert(position(1), update=["position_id"])


async def test_upsert_by_a_unique_constraint_keeps_the_rows_key(positions: BaseRepository[Position]) -> None:
    await positions.upsert(position(1, code="X"))
    changed = await positions.upsert(
        position(2, code="X", quantity=Decimal(4)), on=["account_db_key", "code"]
    )
    assert (changed.position_id, changed.quantity) == (1, 4)
    with pytest.raises(InvalidValueError, match="not a unique key"):
        await positions.upsert(position(1, code="X"), on=["code"])
    with pytest.raises(InvalidValueError, match="code is missing"):
        await positions.upsert({"account_db_key": 1, "position_id": 1}, on=["account_db_key", "code"])


async def test_upsert_never_overwrites_another_row(
    positions: BaseRepository[Position], engine_kind: str
) -> None:
    """MySQL alone would change row 1, which only has the same code."""
    await positions.create_many([position(1, code="X", note="mine"), position(2, code="Y")])
    by_code = ["account_db_key", "code"]
    assert (await positions.upsert(position(9, code="X", note="mine"), on=by_code)).position_id == 1
    cases: list[tuple[dict[str, object], list[str] | None]] = [
        (position(3, code="X", note="stolen"), None),
        (position(2, code="X", note="stolen"), None),
    ]
    if engine_kind == "mariadb":  # which meets the primary key first; SQLite changes the row with this code
        cases.append((position(2, code="X", note="stolen"), by_code))
    for row, on in cases:
        async with positions.session.begin_nested() as savepoint:
            with pytest.raises(DuplicateEntityError):
                await positions.upsert(row, on=on)
            await savepoint.rollback()
    stored = (
        await positions.session.execute(select(Position.position_id, Position.code, Position.note))
    ).all()
    assert sorted(stored) == [(1, "X", "mine"), (2, "Y", None)]


async def test_upsert_many_never_overwrites_another_row(manager: DatabaseManager) -> None:
    """In a statement with several rows MySQL takes NULL for 0, also where it is strict."""

    async def upsert(session: AsyncSession) -> None:
        rows = [position(7), position(8, code="X", note="stolen"), position(9)]
        await BaseRepository(session, Position).upsert_many(rows)

    async with manager.session() as session:
        await BaseRepository(session, Position).create_many([position(1, code="X", note="mine")])
    with pytest.raises(DuplicateEntityError):
        async with manager.session() as session:
            await upsert(session)
    with pytest.raises(DuplicateEntityError):
        async with manager.session() as session:
            if manager.dialect_name != "sqlite":
                await session.execute(text("SET sql_mode = ''"))
            await upsert(session)
    async with manager.session() as session:
        positions = BaseRepository(session, Position)
        assert [(item.position_id, item.note) for item in await positions.list()] == [(1, "mine")]
        for note in ("b", "a"):
            await positions.upsert_many([position(MAX_UNSIGNED, code="M", note=note), position(2)])
        assert (await positions.get_one((1000, MAX_UNSIGNED))).note == "a"


@pytest.mark.parametrize("value", [None, func.lower("X")])
async def test_upsert_by_what_is_never_equal_is_refused(tags: BaseRepository[Tag], value: object) -> None:
    with pytest.raises(InvalidValueError, match="must be a value"):
        await tags.upsert({"name": value, "color": "red"})
    assert await tags.count() == 0


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_upsert_of_a_row_that_others_stored_meanwhile(manager: DatabaseManager) -> None:
    """It is as it should be, so nothing is written, and the snapshot goes on without it."""
    row = {"name": "a", "color": "red"}
    async with manager.session() as session:
        tags = BaseRepository(session, Tag)
        assert await tags.count() == 0
        async with manager.session() as other:
            await BaseRepository(other, Tag).create_many([row])
        assert (await tags.upsert(row)).color == "red"


async def test_upsert_many(positions: BaseRepository[Position]) -> None:
    await positions.create_many([position(1), position(2)])
    rows = [position(1, note="x"), position(3, note="y"), position(2, quantity=Decimal(8))]
    assert await positions.upsert_many(rows) == 3
    found = [(item.position_id, item.note, item.quantity) for item in await positions.list()]
    assert found == [(1, "x", 1), (2, None, 8), (3, "y", 1)]


async def test_upsert_of_nothing_but_the_key_changes_nothing(tags: BaseRepository[Tag]) -> None:
    await tags.upsert({"name": "a", "color": "red"})
    assert (await tags.upsert({"name": "a"})).color == "red"
    assert (await tags.upsert({"name": "a", "color": None})).color is None


async def test_upserts_at_once_make_one_row(manager: DatabaseManager) -> None:
    async def once(number: int) -> None:
        async with manager.session() as session:
            await BaseRepository(session, Tag).upsert({"name": "a", "color": str(number)})

    await asyncio.gather(*(once(number) for number in range(4)))
    async with manager.session() as session:
        assert await BaseRepository(session, Tag).count() == 1
