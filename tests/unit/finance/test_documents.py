import pytest
from sqlalchemy import insert, select

from shardwise.database import ShardedDatabase
from shardwise.errors import InvalidValueError
from shardwise.finance.documents import check_document
from shardwise.finance.notifications.models import Notification


@pytest.mark.parametrize(
    "document", [None, True, 0, 0.1, 2**80, "", [], {}, {"a": [1, {"b": None}], "": "\U0001f680"}]
)
def test_what_json_can_hold_is_returned(document: object) -> None:
    assert check_document("data", document) is document


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (float("nan"), "data"),
        ([1, float("inf")], "data[1]"),
        ({"a": [{"b": float("-inf")}]}, "data.a[0].b"),
        ({"a": {1: 2}}, "data.a"),
        ({"a": b"x"}, "data.a"),
        ((1, 2), "data"),
        ({1}, "data"),
        ("\ud800", "data"),
        ({"a": ["\U0001f680", "x\udfff"]}, "data.a[1]"),
        ({"a": {"\ud83d": 1}}, "data.a"),
    ],
)
def test_a_part_that_json_can_not_hold_is_named(document: object, place: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        check_document("data", document)
    assert refused.value.field == place


def nested(levels: int, innermost: object = None) -> object:
    """Return lists and objects in turns within each other."""
    for level in range(levels):
        innermost = [innermost] if level % 2 else {"inside": innermost}
    return innermost


def test_nesting_ends_somewhere() -> None:
    for innermost in (1, "", None):
        deepest = nested(31, innermost)
        assert check_document("data", deepest) is deepest
    for document in (nested(32, 1), nested(31, []), nested(31, {}), nested(100_000)):
        with pytest.raises(InvalidValueError, match=r"^data: it is nested more than 31 deep"):
            check_document("data", document)


async def test_every_database_takes_the_deepest(db: ShardedDatabase) -> None:
    deepest = nested(31, "\U0001f680")
    key = 7
    await db.place_account(key)
    async with db.session(key) as session:
        await session.execute(
            insert(Notification),
            [{"account_db_key": key, "type_id": "t", "title": "t", "message": "m", "data": deepest}],
        )
    async with db.session(key) as session:
        assert await session.scalar(select(Notification.data)) == deepest
