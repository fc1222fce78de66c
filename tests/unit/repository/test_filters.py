import re
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from sqlalchemy import String, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym
from sqlalchemy.schema import ForeignKey

from shardwise.errors import InvalidValueError, UnknownFilterError
from shardwise.repository import BaseRepository, Filters, OrderBy
from shardwise.schema.types import Choice, UtcDateTime


class Base(DeclarativeBase):
    pass


class State(StrEnum):
    NEW = "new"
    SOLD = "sold"


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column("item_name", String(40))
    price: Mapped[int | None]
    state: Mapped[State] = mapped_column(Choice(State), default=State.NEW)
    seen: Mapped[datetime | None] = mapped_column(UtcDateTime())
    odd__name: Mapped[int | None]
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    shop: Mapped["Shop | None"] = relationship(lazy="raise")
    label = synonym("name")

    @hybrid_property
    def twice(self) -> int | None:
        return None if self.price is None else self.price * 2

    @twice.inplace.expression
    @classmethod
    def _twice(cls):  # type: ignore[no-untyped-def]
        return cls.price * 2


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))


@pytest.fixture
async def items(session: AsyncSession) -> BaseRepository[Item]:
    repository = BaseRepository(session, Item)
    await repository.create_many(
        [
            {"id": 1, "name": "Apple", "price": 3, "odd__name": 7},
            {"id": 2, "name": "100%_pure", "price": None, "seen": datetime(2024, 5, 1, tzinfo=UTC)},
            {"id": 3, "name": "1000 pure", "price": 5, "state": "sold"},
            {"id": 4, "name": "banana", "price": 8, "state": State.SOLD},
        ]
    )
    return repository


async def found(items: BaseRepository[Item], filters: Filters) -> list[int]:
    return [item.id for item in await items.list(filters)]


CASES: list[tuple[Filters, list[int]]] = [
    (None, [1, 2, 3, 4]),
    ({}, [1, 2, 3, 4]),
    ({"price": 3}, [1]),
    ({"price": None}, [2]),
    ({"price": [3, 8]}, [1, 4]),
    ({"price": ()}, []),
    ({"price": {5}}, [3]),
    ({"price__eq": 5}, [3]),
    ({"price__ne": 3}, [3, 4]),
    ({"price__ne": None}, [1, 3, 4]),
    ({"price__gt": 3}, [3, 4]),
    ({"price__gte": 3, "price__lt": 8}, [1, 3]),
    ({"price__lte": 3}, [1]),
    ({"price__in": [3, 5]}, [1, 3]),
    ({"price__in": []}, []),
    ({"price__not_in": [3]}, [3, 4]),
    ({"price__not_in": []}, [1, 2, 3, 4]),
    ({"price__between": (4, 8)}, [3, 4]),
    ({"price__is_null": True}, [2]),
    ({"price__is_null": False}, [1, 3, 4]),
    ({"name__like": "1%pure"}, [2, 3]),
    ({"name__ilike": "APPLE"}, [1]),
    ({"name__contains": "0%_p"}, [2]),
    ({"name__startswith": "100%"}, [2]),
    ({"name__endswith": "_pure"}, [2]),
    ({"state": State.SOLD}, [3, 4]),
    ({"state": "new"}, [1, 2]),
    ({"seen": datetime(2024, 5, 1, tzinfo=UTC)}, [2]),
    ({"odd__name": 7}, [1]),
    ({"odd__name__gt": 8}, []),
    ({"label": "Apple"}, [1]),
    ({"twice": 16}, [4]),
    ({Item.price: 5}, [3]),
    (Item.price > 3, [3, 4]),
    ([Item.price > 3, Item.name == "banana"], [4]),
    ([func.length(Item.name) == 6], [4]),
    ([], [1, 2, 3, 4]),
]


async def test_filters(items: BaseRepository[Item]) -> None:
    wanted = {str(filters): ids for filters, ids in CASES}
    assert {str(filters): await found(items, filters) for filters, _ in CASES} == wanted


async def test_count_and_exists_take_the_same_filters(items: BaseRepository[Item]) -> None:
    for filters in ({"price__gt": 3}, [Item.price > 3], {"price__in": []}):
        ids = await found(items, filters)
        assert await items.count(filters) == len(ids)
        assert await items.exists(filters=filters) == bool(ids)


# No database is needed to be refused. "engine_kind" is narrowed to keep these quick.
refusals = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


UNKNOWN: list[tuple[Filters, list[str]]] = [
    ({"prise": 3}, ["Item has no attribute 'prise'", "did you mean price", "operators are"]),
    ({"prise__gt": 3}, ["'prise'", "did you mean price"]),
    ({"price__above": 3}, ["'price__above'", "unknown operator 'above'", "gte", "is_null"]),
    ({"item_name": "x"}, ["'item_name'", "did you mean name"]),
    ({"shop": 1}, ["Item.shop is a relationship", ".has("]),
    ({Shop.id: 1}, ["Shop.id"]),
    ({"metadata": 1}, ["'metadata'"]),
]


@refusals
async def test_unknown_names_are_explained(items: BaseRepository[Item]) -> None:
    for filters, words in UNKNOWN:
        with pytest.raises(UnknownFilterError) as caught:
            await items.list(filters)
        for word in words:
            assert word in str(caught.value)


UNSUITABLE: list[tuple[object, str]] = [
    # MySQL would find row 1 for the first and every name that begins with a letter for the second.
    ({"id": "1 or so"}, "Item.id: takes int values, str is not one"),
    ({"name": 0}, "Item.name: takes str values, int is not one"),
    ({"id": [1, "2"]}, "Item.id: takes int values"),
    ({"seen": "2024-05-01"}, "Item.seen: takes datetime values"),
    ({"seen": datetime(2024, 5, 1)}, "no time zone"),  # noqa: DTZ001
    ({"state": "stolen"}, "'stolen' is not one of new, sold"),
    ({"price__gt": None}, "use is_null"),
    ({"price__in": [1, None]}, "use is_null"),
    ({"price__in": 3}, "take a list"),
    ({"name__in": "abc"}, "take a list"),
    ({"price__between": (1,)}, "two values"),
    ({"price__between": (1, None)}, "two values"),
    ({"price__is_null": 1}, "True or False"),
    ({"name__contains": 5}, "a text is needed"),
    ("price = 3", "mapping or expressions"),
    (3, "mapping or expressions"),
    ([True], "True is not a SQLAlchemy expression"),
    (["price = 3"], "not a SQLAlchemy expression"),
]


@refusals
async def test_values_that_do_not_suit_are_refused(items: BaseRepository[Item]) -> None:
    for filters, words in UNSUITABLE:
        with pytest.raises(InvalidValueError, match=re.escape(words)):
            await items.list(filters)  # type: ignore[arg-type]


# Order


ORDERS: list[tuple[OrderBy, list[int]]] = [
    (None, [1, 2, 3, 4]),
    ("-id", [4, 3, 2, 1]),
    ("price", [2, 1, 3, 4]),
    ("-price", [4, 3, 1, 2]),
    (["state", "-id"], [2, 1, 4, 3]),
    (Item.price, [2, 1, 3, 4]),
    (Item.price.desc(), [4, 3, 1, 2]),
    ([Item.state.desc(), Item.price.asc()], [3, 4, 2, 1]),
    (func.length(Item.name).desc(), [3, 2, 4, 1]),
    ("state", [1, 2, 3, 4]),
    ("-state", [4, 3, 2, 1]),  # the key follows the last term
]


async def test_orders(items: BaseRepository[Item]) -> None:
    for order_by, ids in ORDERS:
        assert [item.id for item in await items.list(order_by=order_by)] == ids, order_by


@refusals
async def test_unknown_orders_are_explained(items: BaseRepository[Item]) -> None:
    with pytest.raises(UnknownFilterError, match="did you mean price"):
        await items.list(order_by="-prise")
    for wrong in (3, [3], [None]):
        with pytest.raises(InvalidValueError, match="order_by"):
            await items.list(order_by=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_nulls_may_be_placed_in_a_list(items: BaseRepository[Item]) -> None:
    order = Item.price.asc().nulls_last()
    assert [item.id for item in await items.list(order_by=order)] == [1, 3, 4, 2]


# Cuts


async def test_skip_and_limit(items: BaseRepository[Item]) -> None:
    assert [item.id for item in await items.list(skip=1, limit=2)] == [2, 3]
    assert [item.id for item in await items.list(skip=3)] == [4]
    assert [item.id for item in await items.list(limit=10_000)] == [1, 2, 3, 4]


@refusals
async def test_numbers_out_of_range_are_refused(items: BaseRepository[Item]) -> None:
    for limit in (0, -1, 10_001, "3", True):
        with pytest.raises(InvalidValueError, match="limit"):
            await items.list(limit=limit)  # type: ignore[arg-type]
        with pytest.raises(InvalidValueError, match="limit"):
            await items.page(limit=limit)  # type: ignore[arg-type]
    for skip in (-1, 1.0, None):
        with pytest.raises(InvalidValueError, match="skip"):
            await items.list(skip=skip)  # type: ignore[arg-type]


# Search


async def test_search_takes_wildcards_as_they_are(items: BaseRepository[Item]) -> None:
    assert [item.id for item in await items.search("APP", ["name"])] == [1]
    assert [item.id for item in await items.search("%", [Item.name])] == [2]
    assert [item.id for item in await items.search("_", ["label"])] == [2]
    assert [item.id for item in await items.search("pure", ["name"], filters={"price__gt": 1})] == [3]
    assert [item.id for item in await items.search("a", ["name"], order_by="-id", limit=1)] == [4]
    assert len(await items.search("", ["name"])) == 4


@refusals
async def test_search_needs_fields(items: BaseRepository[Item]) -> None:
    with pytest.raises(InvalidValueError, match="name the attributes of Item"):
        await items.search("x")
    with pytest.raises(UnknownFilterError):
        await items.search("x", ["secret"])

    class Searching(BaseRepository[Item]):
        search_fields = ("name",)

    assert [item.id for item in await Searching(items.session).search("app")] == [1]
