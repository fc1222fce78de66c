from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.legacy import parameters as of
from shardwise.legacy.parameters import Parameter

_NINE = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("parameter", "given", "accepted"),
    [
        (of.u64("key"), (1 << 64) - 1, (1 << 64) - 1),
        (of.u64("key"), "1000", 1000),
        (of.i32("count"), "-5", -5),
        (of.i32("count"), True, 1),
        (of.flag("on"), b"\x00", False),
        (of.flag("on"), b"\x01", True),
        (of.flag("on"), 1, True),
        (of.text("title", 5), "가나다라마", "가나다라마"),
        (of.word("type", "USER", "AI"), "user", "USER"),
        (of.dec("price", 19, 6), 0.1, Decimal("0.100000")),
        (of.dec("price", 19, 6), "1.2345675", Decimal("1.234568")),
        (of.dec("price", 19, 6), 3, Decimal("3.000000")),
        (of.moment("at"), datetime(2026, 1, 2, 9, tzinfo=_NINE), datetime(2026, 1, 2, tzinfo=UTC)),
        (of.moment("at"), datetime(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)),  # noqa: DTZ001
        (of.moment("at"), "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        (of.moment("at"), date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)),
        (of.day("on"), "2026-01-02", date(2026, 1, 2)),
        (of.day("on"), datetime(2026, 1, 2, 23, tzinfo=UTC), date(2026, 1, 2)),
        (of.json_document("data"), '{"a": [1]}', {"a": [1]}),
        (of.json_document("data"), [1], [1]),
    ],
)
def test_what_callers_pass_becomes_what_the_code_takes(
    parameter: Parameter, given: Any, accepted: Any
) -> None:
    value = parameter.value(given)
    assert (type(value), value) == (type(accepted), accepted)


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        (of.u64("key"), -1),
        (of.u64("key"), 1 << 64),
        (of.u64("key"), "1e3"),
        (of.u64("key"), 1.5),
        (of.u64("key"), "9" * 5000),
        (of.i32("count"), "--5"),
        (of.i32("count"), "-"),
        (of.i8("type"), -129),
        (of.u8("priority"), 256),
        (of.flag("on"), 2),
        (of.flag("on"), b"\x02"),
        (of.text("title", 5), "sixsix"),
        (of.text("title", 5), 5),
        (of.word("type", "USER"), "ROBOT"),
        (of.dec("price", 19, 6), "much"),
        (of.dec("price", 19, 6), float("nan")),
        (of.dec("price", 19, 6), Decimal("9999999999999.9999999")),
        (of.dec("price", 19, 6), True),
        (of.moment("at"), "yesterday"),
        (of.moment("at"), 5),
        (of.moment("at"), "0001-01-01T00:00:00+09:00"),
        (of.moment("at"), datetime.max.replace(tzinfo=timezone(-timedelta(hours=1)))),
        (of.day("on"), "yesterday"),
        (of.json_document("data"), "{"),
        (of.json_document("data"), 5),
        (of.json_document("data"), "[" * 100_000),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(parameter: Parameter, given: Any) -> None:
    with pytest.raises(InvalidValueError, match=f"^p_{parameter.name}: ") as caught:
        parameter.value(given)
    assert len(str(given)) < 2 or str(given) not in str(caught.value)


def test_null_stays_null() -> None:
    assert of.u64("key").value(None) is None
