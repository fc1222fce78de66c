import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.documents import check_document


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


def test_nesting_ends_somewhere() -> None:
    document: list[object] = []
    for _ in range(51):
        document = [document]
    with pytest.raises(InvalidValueError, match=r"^data: it is nested more than 50 deep"):
        check_document("data", document)
    assert check_document("data", document[0]) is document[0]
