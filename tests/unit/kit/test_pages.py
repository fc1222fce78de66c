from datetime import UTC, date, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardwise.errors import InvalidValueError
from shardwise.kit.pages import decode_cursor, encode_cursor


class Size(Enum):
    SMALL = "s"


VALUES = st.lists(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 64), (1 << 64) + 1)
    | st.text()
    | st.binary()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30))))
    | st.dates()
    | st.uuids()
)


@given(signature=st.text(), values=VALUES)
def test_every_value_comes_back(signature: str, values: list[object]) -> None:
    cursor = encode_cursor(signature, values)
    assert cursor.isascii()
    assert not set(cursor) & set("+/= ")
    back = decode_cursor(cursor, signature)
    assert back == values
    assert list(map(type, back)) == list(map(type, values))


def test_decimals_keep_their_digits_and_enums_their_value() -> None:
    values = [Decimal("1.50"), Size.SMALL, date(2024, 2, 29), UUID(int=7)]
    back = decode_cursor(encode_cursor("x", values), "x")
    assert str(back[0]) == "1.50"
    assert back[1:] == ["s", date(2024, 2, 29), UUID(int=7)]


@given(text=st.text() | st.text(alphabet="ABCabc012-_", max_size=40))
def test_anything_else_is_refused_in_our_words(text: str) -> None:
    with pytest.raises(InvalidValueError, match="not a cursor"):
        decode_cursor(text, "x")


@given(values=VALUES, data=st.data())
def test_a_changed_character_is_noticed(values: list[object], data: st.DataObject) -> None:
    cursor = encode_cursor("x", values)
    place = data.draw(st.integers(0, len(cursor) - 2))
    other = data.draw(st.sampled_from([c for c in "ABCDabcd0123-_" if c != cursor[place]]))
    with pytest.raises(InvalidValueError):
        decode_cursor(cursor[:place] + other + cursor[place + 1 :], "x")


def test_another_signature_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="another list or order"):
        decode_cursor(encode_cursor("x", [1]), "y")


@pytest.mark.parametrize("value", [object(), {"a": 1}, [1], float("nan"), float("inf"), timedelta(1)])
def test_values_of_other_types_are_refused(value: object) -> None:
    with pytest.raises(InvalidValueError, match="can't be paged"):
        encode_cursor("x", [value])


def test_a_long_text_is_not_read() -> None:
    with pytest.raises(InvalidValueError, match="not a cursor"):
        decode_cursor("A" * 5000, "x")
    with pytest.raises(InvalidValueError, match="not a cursor"):
        decode_cursor(5, "x")  # type: ignore[arg-type]
