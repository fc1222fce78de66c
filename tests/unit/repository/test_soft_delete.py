from datetime import UTC, datetime
from enum import StrEnum

import pytest
from sqlalchemy import DateTime, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.repository import BaseRepository, SoftDelete
from shardwise.schema.types import Choice, UtcDateTime


class Base(DeclarativeBase):
    pass


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    GONE = "gone"


class ByMoment(Base):
    __tablename__ = "by_moment"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10), default="x")
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class ByNaiveMoment(Base):
    __tablename__ = "by_naive_moment"
    __soft_delete__ = "removed_on"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10), default="x")
    removed_on: Mapped[datetime | None] = mapped_column(DateTime)


class ByFlag(Base):
    __tablename__ = "by_flag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10), default="x")
    is_deleted: Mapped[bool | None] = mapped_column(default=None)


class ByActivity(Base):
    __tablename__ = "by_activity"
    __soft_delete__ = "is_active"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10), default="x")
    is_active: Mapped[bool] = mapped_column(default=True)


class ByState(Base):
    __tablename__ = "by_state"
    __soft_delete__ = SoftDelete(column="state", deleted=State.GONE, alive=State.CLOSED)
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(10), default="x")
    state: Mapped[State] = mapped_column(Choice(State), default=State.OPEN)


class ByNumber(Base):
    __tablename__ = "by_number"
    __soft_delete__ = SoftDelete(column="state", deleted=9, alive=1)
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[int] = mapped_column()


class ByBareFlag(Base):
    __tablename__ = "by_bare_flag"
    __soft_delete__ = SoftDelete(column="gone", deleted=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    gone: Mapped[bool] = mapped_column(default=False)


class Plain(Base):
    __tablename__ = "plain"
    __soft_delete__ = None
    id: Mapped[int] = mapped_column(primary_key=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_deleted: Mapped[bool] = mapped_column(default=False)


class Undeclared(Base):
    __tablename__ = "undeclared"
    id: Mapped[int] = mapped_column(primary_key=True)
    is_active: Mapped[bool] = mapped_column(default=True)


@pytest.mark.parametrize("model", [ByMoment, ByNaiveMoment, ByFlag, ByActivity, ByState])
async def test_marked_rows_are_left_out_everywhere(session: AsyncSession, model: type[ByMoment]) -> None:
    rows = BaseRepository(session, model)
    await rows.create_many([{"id": number} for number in (1, 2, 3)])
    await rows.soft_delete(2)
    session.expunge_all()

    assert [row.id for row in await rows.list()] == [1, 3]
    assert [row.id for row in await rows.search("x", ["name"])] == [1, 3]
    assert [row.id for row in (await rows.page()).items] == [1, 3]
    assert [row.id for row in await rows.get_many([1, 2, 3])] == [1, 3]
    assert await rows.count() == 2
    assert await rows.get_by_id(2) is None
    assert not await rows.exists(2)
    assert await rows.update_many({"id__gte": 2}, {"name": "y"}) == 1
    for refused in (
        rows.update(2, name="z"),
        rows.soft_delete(2),
        rows.get_one(2),
        rows.update_rows([{"id": 2}]),
    ):
        with pytest.raises(EntityNotFoundError):
            await refused


@pytest.mark.parametrize("model", [ByMoment, ByNaiveMoment, ByFlag, ByActivity, ByState])
async def test_marked_rows_can_be_asked_for_and_restored(
    session: AsyncSession, model: type[ByMoment]
) -> None:
    rows = BaseRepository(session, model)
    await rows.create_many([{"id": number} for number in (1, 2, 3)])
    await rows.soft_delete(2)
    session.expunge_all()

    assert [row.id for row in await rows.list(include_deleted=True)] == [1, 2, 3]
    assert len(await rows.search("x", ["name"], include_deleted=True)) == 3
    assert len((await rows.page(include_deleted=True)).items) == 3
    assert len(await rows.get_many([1, 2, 3], include_deleted=True)) == 3
    assert await rows.count(include_deleted=True) == 3
    assert await rows.exists(2, include_deleted=True)
    assert (await rows.update(2, include_deleted=True, name="z")).name == "z"
    assert await rows.update_many({"id": 2}, {"name": "y"}, include_deleted=True) == 1

    assert (await rows.restore(2)).id == 2
    assert (await rows.restore(1)).id == 1
    assert [row.id for row in await rows.list()] == [1, 2, 3]
    with pytest.raises(EntityNotFoundError):
        await rows.restore(99)

    await rows.soft_delete(2)
    await rows.delete(2)
    assert await rows.count(include_deleted=True) == 2


async def test_the_moment_is_now_in_utc(session: AsyncSession) -> None:
    await session.run_sync(lambda _: None)
    aware = BaseRepository(session, ByMoment)
    await aware.create(ByMoment(id=1))
    row = await aware.soft_delete(1)
    await session.refresh(row)
    assert row.deleted_at is not None
    assert abs((datetime.now(UTC) - row.deleted_at).total_seconds()) < 60

    naive = BaseRepository(session, ByNaiveMoment)
    await naive.create(ByNaiveMoment(id=1))
    other = await naive.soft_delete(1)
    assert other.removed_on is not None
    assert other.removed_on.tzinfo is None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - other.removed_on).total_seconds() < 60


async def test_only_the_declared_value_hides_a_row(session: AsyncSession) -> None:
    numbers = BaseRepository(session, ByNumber)
    await numbers.create_many([{"id": 10 + state, "state": state} for state in (0, 1, 2, 9)])
    assert [row.id for row in await numbers.list()] == [10, 11, 12]
    assert await numbers.get_by_id(19) is None
    flags = BaseRepository(session, ByBareFlag)
    await flags.create_many([{"id": 1, "gone": False}, {"id": 2, "gone": True}])
    assert [row.id for row in await flags.list()] == [1]


async def test_restore_sets_the_declared_value(session: AsyncSession) -> None:
    rows = BaseRepository(session, ByState)
    await rows.create(ByState(id=1))
    assert (await rows.soft_delete(1)).state is State.GONE
    assert (await rows.restore(1)).state is State.CLOSED


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_models_without_a_deletion_column_say_so(session: AsyncSession) -> None:
    for model in (Plain, Undeclared):
        rows = BaseRepository(session, model)
        await rows.create_many([{"id": 1, "is_active": False}])
        assert await rows.count() == 1
        for refused in (rows.soft_delete(1), rows.restore(1)):
            with pytest.raises(InvalidValueError, match="__soft_delete__"):
                await refused


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_declarations_that_are_not_plain_are_refused(session: AsyncSession) -> None:
    class Other(DeclarativeBase):
        pass

    class Guess(Other):
        __tablename__ = "guess"
        __soft_delete__ = "archived"
        id: Mapped[int] = mapped_column(primary_key=True)
        archived: Mapped[bool]

    class Misspelt(Other):
        __tablename__ = "misspelt"
        __soft_delete__ = "deletd_at"
        id: Mapped[int] = mapped_column(primary_key=True)
        deleted_at: Mapped[datetime | None]

    with pytest.raises(TypeError, match="which value means deleted"):
        BaseRepository(session, Guess)
    with pytest.raises(TypeError, match="'deletd_at', which is not a column"):
        BaseRepository(session, Misspelt)
