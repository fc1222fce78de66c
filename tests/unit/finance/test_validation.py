import time
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.validation import (
    check_code,
    check_decimal,
    check_line,
    check_moment,
    check_name,
    check_text,
    to_scale,
)

SQL = "x'); DROP TABLE table_accountid; -- \\\" %s :a ${b}"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize("value", ["a", "x" * 50, "\U0001f680" * 50, "조 씨", SQL, FAMILY, "%", "e\u0301"])
def test_text_is_kept_as_it_is(value: str) -> None:
    assert check_text("nickname", value, longest=50) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "it has 0 characters; 1 to 50 are accepted"),
        ("x" * 51, "it has 51 characters; 1 to 50 are accepted"),
        ("\U0001f680" * 51, "it has 51 characters"),
        (" a", "begins or ends with white space"),
        ("a\n", "begins or ends with white space"),
        ("\u3000a", "begins or ends with white space"),
        ("a\0b", r"U\+0000"),
        ("a\nb", r"U\+000A"),
        ("a\x1b[2J", r"U\+001B"),
        ("a\ud800", r"U\+D800"),
        ("a\u2028b", r"U\+2028"),
        (None, "it must be text, not NoneType"),
        (5, "it must be text, not int"),
        (b"a", "it must be text, not bytes"),
    ],
)
def test_text_that_is_not_accepted(value: Any, reason: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^nickname: .*{reason}") as caught:
        check_text("nickname", value, longest=50)
    assert caught.value.field == "nickname"


def test_a_line_may_be_empty_and_have_spaces_around_it() -> None:
    for value in ("", " a ", "\u3000", FAMILY, SQL):
        assert check_line("p_nickname", value) == value
    for value in ("a\nb", "a\0", "\x1b", "\ud800", "\u2028"):
        with pytest.raises(InvalidValueError, match=r"^p_nickname: the character U\+"):
            check_line("p_nickname", value)


UNSEEN = "\u034f\u115f\u1160\u17b4\u180b\u180f\u2800\u3164\ufe0f\uffa0\U000e0100"


@pytest.mark.parametrize(
    "value",
    ["ki\u200bm", "\u202ekim", FAMILY, "ki\u00a0m", "ki\u3000m", *(f"ki{each}m" for each in UNSEEN)],
)
def test_names_that_look_like_others_are_not_accepted(value: str) -> None:
    assert check_text("note", value, longest=50) == value
    with pytest.raises(InvalidValueError, match=r"^account_id: the character U\+[\dA-F]{4,5} is not"):
        check_name("account_id", value, longest=50)


def test_a_name_has_one_form_for_one_look() -> None:
    assert check_name("account_id", "e\u0301 va", longest=4) == "\u00e9 va"
    assert check_name("account_id", "\u1100\u1161", longest=1) == "\uac00"


@pytest.mark.parametrize("value", [None, b"kim", "", "x" * 51, "k" + "\u0316\u0301" * 500_000])
def test_names_that_are_none_are_refused_at_once(value: Any) -> None:
    begin = time.process_time()
    with pytest.raises(InvalidValueError, match=r"^account_id: it "):
        check_name("account_id", value, longest=50)
    assert time.process_time() - begin < 0.1


@pytest.mark.parametrize("value", ["a", "0190-f3", "tx:1;DROP'--", "~" * 32])
def test_codes_are_kept(value: str) -> None:
    assert check_code("transaction_id", value, longest=32) == value


@pytest.mark.parametrize("value", ["", "a b", "é", "\U0001f680", "x" * 33, "a\t", "\u0661"])
def test_codes_that_are_not_accepted(value: str) -> None:
    with pytest.raises(InvalidValueError, match=r"^transaction_id: "):
        check_code("transaction_id", value, longest=32)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.01", "0.01"),
        ("9999999999999.99", "9999999999999.99"),
        ("1", "1.00"),
        ("1E+2", "100.00"),
        ("1.5000000000000000000000000000000000000", "1.50"),
    ],
)
def test_amounts_come_back_with_the_digits_of_their_column(value: str, text: str) -> None:
    with localcontext(prec=3):
        assert str(check_decimal("amount", Decimal(value), precision=15, scale=2)) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Decimal("0"), "not above zero"),
        (Decimal("-0.01"), "not above zero"),
        (Decimal("-1E+999999"), "not above zero"),
        (Decimal("NaN"), "not a finite number"),
        (Decimal("sNaN"), "not a finite number"),
        (Decimal("Infinity"), "not a finite number"),
        (Decimal("0.001"), "more than 2 digits after the point"),
        (Decimal("1E-999999"), "more than 2 digits after the point"),
        (Decimal("9999999999999.991"), "more than 2 digits after the point"),
        (Decimal("1E+13"), "too large for 13 digits"),
        (Decimal("1E+999999"), "too large"),
        (1.5, "must be a Decimal, not float"),
        (1, "must be a Decimal, not int"),
        (True, "must be a Decimal, not bool"),
        ("1.00", "must be a Decimal, not str"),
        (None, "must be a Decimal, not NoneType"),
    ],
)
def test_amounts_that_are_not_accepted(value: Any, reason: str) -> None:
    with pytest.raises(InvalidValueError, match=f"^amount: .*{reason}"):
        check_decimal("amount", value, precision=15, scale=2)


def test_zero_is_accepted_where_it_may_be_and_less_is_not() -> None:
    assert str(check_decimal("price", Decimal("0"), precision=10, scale=2, zero=True)) == "0.00"
    with pytest.raises(InvalidValueError, match=r"^price: -0\.01 is below zero"):
        check_decimal("price", Decimal("-0.01"), precision=10, scale=2, zero=True)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.005", "0.01"), ("0.0049999", "0.00"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("1", "1.00")],
)
def test_rounding_is_half_up(value: str, rounded: str) -> None:
    assert str(to_scale(Decimal(value), 2)) == rounded


def test_a_moment_has_a_time_zone() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert check_moment("start", moment) is moment
    for value in (datetime(2026, 1, 1), moment.date(), "2026-01-01", None):  # noqa: DTZ001
        with pytest.raises(InvalidValueError, match=r"^start: "):
            check_moment("start", value)
