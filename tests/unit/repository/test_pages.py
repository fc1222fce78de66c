import base64
import itertools
import json
import random
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import pytest
from sqlalchemy import DateTime, Double, Float, Numeric, String, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shardwise.errors import InvalidValueError, UnknownFilterError
from shardwise.repository import BaseRepository, OrderBy
from shardwise.schema.types import MAX_UNSIGNED, Choice, ExactDecimal, UnsignedBigInt, UtcDateTime

START = datetime(2024, 1, 1, tzinfo=UTC)


class Base(DeclarativeBase):
    pass


class Kind(StrEnum):
    # MySQL sorts an ENUM by position: zebra before ant.
    ZEBRA = "zebra"
    ANT = "ant"


class Foreign(Base):
    """Columns of SQLAlchemy's own types, as applications have them."""

    __tablename__ = "foreign_rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime(), server_default=func.now())
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class Row(Base):
    __tablename__ = "page_rows"

    id: Mapped[int] = mapped_column(UnsignedBigInt(), primary_key=True, autoincrement=False)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String(20))
    price: Mapped[Decimal | None] = mapped_column(ExactDecimal(30, 10))
    at: Mapped[datetime] = mapped_column(UtcDateTime())
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    ratio: Mapped[float | None] = mapped_column(Float)
    exact_ratio: Mapped[float | None] = mapped_column(Double)
    flag: Mapped[bool | None]


def some_rows() -> list[dict[str, object]]:
    random.seed(7)
    return [
        {
            "id": MAX_UNSIGNED - number // 3,
            "part": number % 3,
            "name": random.choice([None, "a", "B", "b", "ä", "🦊", "", "c' OR 1=1"]),
            "price": random.choice(
                [None, Decimal("-1.5"), Decimal("0.1"), Decimal("12345678901234567890.1234567891")]
            ),
            "at": START + timedelta(microseconds=random.choice([0, 1, 2, 1_000_000])),
            "kind": random.choice(list(Kind)),
            "exact_ratio": random.choice([None, 0.1, 1 / 3, 1e300]),
            "flag": random.choice([None, False, True]),
        }
        for number in range(60)
    ]


@pytest.fixture
async def rows(session: AsyncSession) -> BaseRepository[Row]:
    repository = BaseRepository(session, Row)
    await repository.create_many(some_rows())
    return repository


async def all_pages(rows: BaseRepository[Row], order_by: OrderBy, limit: int, **options: object) -> list[Row]:
    items: list[Row] = []
    cursor = None
    while True:
        page = await rows.page(order_by=order_by, after=cursor, limit=limit, **options)  # type: ignore[arg-type]
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items
        assert len(page.items) == limit


ORDERS: list[OrderBy] = [
    None,
    "-id",
    "name",
    "-name",
    ["-name", "price"],
    ["price", "-name", "-at"],
    ["-price", "name"],
    ["at", "-id", "part"],
    "exact_ratio",
    "-exact_ratio",
    ["flag", "-name"],
    ["-flag", "at"],
    Row.price.desc(),
    func.length(Row.name),
    [func.coalesce(Row.price, 0).desc(), "-name"],
]


async def test_pages_together_are_the_list(rows: BaseRepository[Row]) -> None:
    for order_by in ORDERS:
        whole = await rows.list(order_by=order_by)
        assert len(whole) == 60
        for limit in (1, 7, 60):
            assert await all_pages(rows, order_by, limit) == whole, (str(order_by), limit)


async def test_pages_by_a_choice_are_by_its_word_on_each_engine(rows: BaseRepository[Row]) -> None:
    kinds = [row.kind for row in await all_pages(rows, "kind", 7)]
    assert len(kinds) == 60
    assert kinds == sorted(kinds, key=lambda kind: kind.value)


@pytest.mark.parametrize(
    "order_by",
    ["made_at", "-made_at", "seen_at", "-seen_at", "price", ["-price", "made_at"], Foreign.price / 3],
)
async def test_pages_by_columns_of_other_types(session: AsyncSession, order_by: OrderBy) -> None:
    """SQLite holds CURRENT_TIMESTAMP in other words than a bound moment, and more digits than it shows."""
    rows = BaseRepository(session, Foreign)
    await rows.create_many([{"price": Decimal("0.1") + Decimal(number) / 300} for number in range(9)])
    await rows.create_many([{"price": 1, "made_at": START.replace(tzinfo=None), "seen_at": START}])
    await session.flush()
    listed = [row.id for row in await rows.list(order_by=order_by)]
    found: list[int] = []
    cursor = None
    while len(found) < len(listed):
        page = await rows.page(order_by=order_by, after=cursor, limit=2)
        found += [row.id for row in page.items]
        cursor = page.next_cursor
    assert (found, cursor) == (listed, None)


async def test_filters_hold_on_every_page(rows: BaseRepository[Row]) -> None:
    filters = {"price__is_null": False}
    assert await all_pages(rows, "-at", 4, filters=filters) == await rows.list(filters, order_by="-at")


async def test_the_last_page_has_no_cursor(rows: BaseRepository[Row]) -> None:
    page = await rows.page(limit=60)
    assert (len(page.items), page.next_cursor) == (60, None)
    assert (await rows.page(filters={"part": 9})).items == []


async def test_rows_added_and_removed_between_pages_move_no_other(rows: BaseRepository[Row]) -> None:
    before = {(row.id, row.part) for row in await rows.list()}
    seen: Counter[tuple[int, int]] = Counter()
    cursor = None
    numbers = itertools.count(1)
    for _ in range(100):
        page = await rows.page(order_by=["-price", "name"], after=cursor, limit=7)
        seen.update((row.id, row.part) for row in page.items)
        for price in (None, Decimal("-1.5"), Decimal("0.1"), Decimal(99)):
            await rows.create_many([{**some_rows()[0], "id": next(numbers), "part": 9, "price": price}])
        await rows.delete((page.items[-1].id, page.items[-1].part))
        if (cursor := page.next_cursor) is None:
            break
    assert cursor is None
    assert {key: seen[key] for key in before} == dict.fromkeys(before, 1)


async def test_a_page_begins_behind_the_row_not_the_object(rows: BaseRepository[Row]) -> None:
    """The object in the session has a value that the database does not have (yet)."""
    first = await rows.page(order_by="at", limit=5)
    with rows.session.no_autoflush:
        for row in await rows.list():
            row.at = START + timedelta(days=9)
        page = await rows.page(order_by="at", limit=5)
    assert page.next_cursor == first.next_cursor


# Cursors that can't be used. These need no second engine.
one_engine = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


def forged(cursor: str, change: object) -> str:
    """A cursor with other values and a right checksum."""
    parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[4:])
    payload = json.dumps(change(parts)).encode()  # type: ignore[operator]
    return base64.urlsafe_b64encode(zlib.crc32(payload).to_bytes(4, "big") + payload).decode().rstrip("=")


@one_engine
async def test_cursors_of_other_orders_are_refused(rows: BaseRepository[Row]) -> None:
    cursor = (await rows.page(order_by="name", limit=3)).next_cursor
    for order_by in (None, "-name", ["name", "price"], "price", func.lower(Row.name)):
        with pytest.raises(InvalidValueError, match="another list or order"):
            await rows.page(order_by=order_by, after=cursor)
    same = (await rows.page(order_by=Row.name, limit=3)).next_cursor
    assert same == cursor


@one_engine
async def test_damaged_and_forged_cursors_are_refused(rows: BaseRepository[Row]) -> None:
    cursor = (await rows.page(order_by=["name", "-at"], limit=30)).next_cursor
    assert cursor is not None
    damaged = ["", "x", "garbage!", cursor[:-1], cursor[1:], cursor + "A", cursor.upper(), "é", 5]
    wrong = [
        forged(cursor, lambda parts: parts[:-1]),
        forged(cursor, lambda parts: [*parts[:-1], "1 or so"]),
        forged(cursor, lambda parts: [*parts[:-1], None]),
        forged(cursor, lambda parts: [*parts[:-1], {"decimal": "NaN or so"}]),
        forged(cursor, lambda parts: [parts[0], 7, *parts[2:]]),
        forged(cursor, lambda parts: [*parts[:2], "2024-01-01 or so", *parts[3:]]),
        forged(cursor, lambda parts: [*parts[:-2], -5, parts[-1]]),
        forged(cursor, lambda parts: [*parts[:-2], 1 << 70, parts[-1]]),
        forged(cursor, lambda parts: [*parts[:2], {"datetime": "2024-01-01T00:00:00"}, *parts[3:]]),
        forged(cursor, lambda parts: {"a": 1}),
        forged(cursor, lambda parts: []),
    ]
    for bad in [*damaged, *wrong]:
        with pytest.raises(InvalidValueError):
            await rows.page(order_by=["name", "-at"], after=bad)  # type: ignore[arg-type]


@one_engine
async def test_orders_that_can_not_be_paged_are_refused(rows: BaseRepository[Row]) -> None:
    with pytest.raises(InvalidValueError, match="page by an exact column"):
        await rows.page(order_by="ratio")
    with pytest.raises(InvalidValueError, match="nulls_first"):
        await rows.page(order_by=Row.name.asc().nulls_last())
    with pytest.raises(UnknownFilterError):
        await rows.page(order_by="nmae")


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_a_page_starts_from_the_index(rows: BaseRepository[Row], statements) -> None:
    page = await rows.page(order_by="-at", limit=5)
    statements.clear()
    await rows.page(order_by="-at", limit=5, after=page.next_cursor)
    assert "page_rows.at <= " in statements.texts[0]
