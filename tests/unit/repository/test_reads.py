from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import EntityNotFoundError, InvalidValueError
from shardwise.repository import BaseRepository
from shardwise.schema.columns import account_key_column
from shardwise.schema.types import MAX_UNSIGNED, ExactDecimal, UnsignedBigInt
from shardwise.topology.manager import DatabaseManager


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(40))


class Position(Base):
    __tablename__ = "positions"
    __placement__ = "sharded"

    account_db_key: Mapped[int] = account_key_column()
    code: Mapped[str] = mapped_column("asset_code", String(12), primary_key=True)
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal(20, 8), default=Decimal(0))
    nonce: Mapped[int] = mapped_column(UnsignedBigInt(), default=0)


@pytest.fixture
async def notes(session: AsyncSession) -> BaseRepository[Note]:
    repository = BaseRepository(session, Note)
    await repository.create_many([{"id": number, "text": f"note {number}"} for number in range(1, 6)])
    return repository


@pytest.fixture
async def positions(session: AsyncSession) -> BaseRepository[Position]:
    repository = BaseRepository(session, Position)
    await repository.create_many(
        [
            {"account_db_key": 1000, "code": "AAPL"},
            {"account_db_key": 1000, "code": "MSFT"},
            {"account_db_key": 1001, "code": "AAPL"},
            {"account_db_key": MAX_UNSIGNED, "code": "BTC", "nonce": MAX_UNSIGNED},
        ]
    )
    return repository


async def test_get_by_id(notes: BaseRepository[Note], statements) -> None:
    note = await notes.get_by_id(3)
    assert note is not None
    assert note.text == "note 3"
    statements.clear()
    assert await notes.get_by_id(3) is note
    assert statements.texts == []
    assert await notes.get_by_id(99) is None


async def test_get_one_says_what_is_missing(positions: BaseRepository[Position]) -> None:
    assert (await positions.get_one((1000, "MSFT"))).code == "MSFT"
    with pytest.raises(EntityNotFoundError, match="no Position has the primary key") as caught:
        await positions.get_one({"code": "XXX", "account_db_key": 1000})
    assert caught.value.identity == (1000, "XXX")


async def test_composite_keys(positions: BaseRepository[Position]) -> None:
    for id in (
        (1000, "AAPL"),
        [1000, "AAPL"],
        {"account_db_key": 1000, "code": "AAPL"},
        {Position.code: "AAPL", Position.account_db_key: 1000},
    ):
        found = await positions.get_by_id(id)
        assert found is not None
        assert (found.account_db_key, found.code) == (1000, "AAPL")
        assert await positions.exists(id)
        assert await positions.get_many([id, id]) == [found, found]


async def test_the_highest_key(positions: BaseRepository[Position]) -> None:
    positions.session.expunge_all()
    found = await positions.get_one((MAX_UNSIGNED, "BTC"))
    assert (found.account_db_key, found.nonce) == (MAX_UNSIGNED, MAX_UNSIGNED)


NOT_KEYS: list[tuple[object, str]] = [
    (1000, "has 1 values"),
    ((1000,), "has 1 values"),
    ((1000, "AAPL", 3), "has 3 values"),
    ((None, "AAPL"), "account_db_key is None"),
    ({"account_db_key": 1000}, "has account_db_key"),
    ({"account_db_key": 1000, "asset_code": "AAPL"}, "asset_code"),
    (("1000 or so", "AAPL"), "takes int values"),
    ((1000, 7), "takes str values"),
    (None, "has 1 values"),
]


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_what_is_not_a_key_is_refused(positions: BaseRepository[Position]) -> None:
    for id, words in NOT_KEYS:
        with pytest.raises(InvalidValueError, match=words):
            await positions.get_by_id(id)


async def test_get_many_keeps_the_order_and_skips_what_is_missing(
    notes: BaseRepository[Note], statements
) -> None:
    statements.clear()
    found = await notes.get_many([4, 99, 1, 4])
    assert [note.id for note in found] == [4, 1, 4]
    assert len(statements.texts) == 1
    assert await notes.get_many([]) == []


async def test_get_many_of_composite_keys_is_one_query(
    positions: BaseRepository[Position], statements
) -> None:
    keys = [(1001, "AAPL"), (1000, "MSFT"), (1000, "AAPL"), (1001, "MSFT")]
    statements.clear()
    found = await positions.get_many(keys)
    assert [(item.account_db_key, item.code) for item in found] == keys[:3]
    assert len(statements.texts) == 1


async def test_get_many_of_more_keys_than_a_statement_takes(notes: BaseRepository[Note]) -> None:
    found = await notes.get_many(range(40_000))
    assert [note.id for note in found] == [1, 2, 3, 4, 5]


async def test_get_many_of_more_accounts_than_a_condition_takes(positions: BaseRepository[Position]) -> None:
    keys = [(account, "AAPL") for account in range(3_000)]
    assert [item.account_db_key for item in await positions.get_many(keys)] == [1000, 1001]


async def test_exists(notes: BaseRepository[Note]) -> None:
    assert await notes.exists(1)
    assert not await notes.exists(99)
    assert await notes.exists(filters={"text__contains": "note"})
    assert not await notes.exists(1, filters={"text": "note 2"})
    assert await notes.exists()


async def test_for_update_reads_anew_and_keeps_pending_changes(manager: DatabaseManager) -> None:
    async with manager.session() as session:
        await BaseRepository(session, Note).create(Note(id=1, text="old"))
    async with AsyncSession(manager.engine, expire_on_commit=False, autoflush=False) as mine:
        repository = BaseRepository(mine, Note)
        note = await repository.get_one(1)
        await mine.commit()
        async with manager.session() as other:
            await BaseRepository(other, Note).update(1, text="new")
        assert note.text == "old"
        assert (await repository.get_one(1, for_update=True)).text == "new"
        note.text = "mine"
        assert (await repository.get_one(1, for_update=True)).text == "mine"


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_for_update_locks_the_row(notes: BaseRepository[Note], statements) -> None:
    statements.clear()
    await notes.get_one(1, for_update=True)
    assert statements.texts[0].endswith("FOR UPDATE")


# Which model


async def test_a_repository_without_a_model_is_refused(session: AsyncSession) -> None:
    class Nameless(BaseRepository):  # type: ignore[type-arg]
        pass

    with pytest.raises(TypeError, match="Nameless names no model"):
        Nameless(session)
    with pytest.raises(TypeError, match="names no model"):
        await BaseRepository(session).list()
    with pytest.raises(TypeError, match="not a mapped class"):
        BaseRepository(session, datetime)


async def test_the_model_is_found_through_generic_bases(session: AsyncSession) -> None:
    from typing import Generic, TypeVar

    A = TypeVar("A")
    B = TypeVar("B")

    class Audited(BaseRepository[B], Generic[A, B]):
        pass

    class Notes(Audited[int, Note]):
        pass

    class Special(Notes):
        pass

    class Forward(BaseRepository["Note"]):
        pass

    assert Notes(session).model is Note
    assert Special(session).model is Note
    assert Forward(session).model is Note
    assert BaseRepository[Note](session).model is Note


async def test_statements_of_a_subclass_start_from_query(session: AsyncSession) -> None:
    class Notes(BaseRepository[Note]):
        async def by_text(self, text: str) -> Note | None:
            note: Note | None = await self.session.scalar(self.query({"text": text}))
            return note

    await Notes(session).create(Note(text="x"))
    assert await Notes(session).by_text("x") is not None
