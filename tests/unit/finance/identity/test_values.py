from datetime import UTC, datetime
from typing import Any

import pytest

from shardwise.errors import InvalidValueError
from shardwise.finance.identity import values
from shardwise.finance.identity.models import Gender
from shardwise.finance.identity.values import SignUp

SQL = "x'); DROP TABLE table_accountid; --"


def request(**changes: Any) -> SignUp:
    return SignUp(**{"account_id": "kim", "password": "secret", "nickname": "Kim", **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"account_id": "x" * 100, "nickname": "\U0001f680" * 50, "password": "\U0001f511" * 256},
        {"account_id": SQL, "nickname": SQL, "password": SQL},
        {"account_id": "김철수\U0001f680", "nickname": "ü"},
        {"email": "a@b.c"},
        {"email": "o'neil+tag@mail.exämple.co.kr"},
        {"platform_type": 0},
        {"platform_type": 127},
        {"birth_year": 2000, "birth_month": 2, "birth_day": 29},
        {"birth_year": 1900},
        {"birth_month": 12, "birth_day": 31},
        {"gender": Gender.OTHER},
        {"gender": "M"},
    ],
)
def test_what_is_accepted_stays_as_it_is(changes: dict[str, Any]) -> None:
    made = request(**changes)
    assert {name: getattr(made, name) for name in changes} == changes


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", ""),
        ("account_id", "x" * 101),
        ("account_id", " kim"),
        ("account_id", "kim\t"),
        ("account_id", "ki\0m"),
        ("account_id", "ki\u200bm"),
        ("account_id", None),
        ("nickname", ""),
        ("nickname", "\U0001f680" * 51),
        ("nickname", "a\nb"),
        ("nickname", "a\ud800"),
        ("password", None),
        ("password", b"secret"),
        ("email", ""),
        ("email", "a" * 95 + "@b.com"),
        ("email", "no address"),
        ("email", "a@b"),
        ("email", "@b.c"),
        ("email", "a@@b.c"),
        ("email", "a@b..c"),
        ("email", "a@b.c "),
        ("email", SQL),
        ("platform_type", -1),
        ("platform_type", 128),
        ("platform_type", True),
        ("platform_type", "1"),
        ("birth_year", 1899),
        ("birth_year", datetime.now(UTC).year + 1),
        ("birth_month", 0),
        ("birth_month", 13),
        ("birth_day", 32),
        ("birth_day", 1.5),
        ("gender", "X"),
        ("gender", SQL),
    ],
)
def test_what_is_not_accepted_is_named(field: str, value: Any) -> None:
    with pytest.raises(InvalidValueError, match=f"^{field}: ") as caught:
        request(**{field: value})
    assert caught.value.field == field


def test_a_day_that_never_was_is_refused() -> None:
    with pytest.raises(InvalidValueError, match=r"^birth_day: 2023-02-29 is not a day"):
        request(birth_year=2023, birth_month=2, birth_day=29)


def test_a_day_that_has_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "utc_now", lambda: datetime(2024, 5, 1, tzinfo=UTC))
    assert request(birth_year=2024, birth_month=5, birth_day=2).birth_day == 2  # it is that day somewhere
    with pytest.raises(InvalidValueError, match=r"^birth_day: 2024-05-03 has not come yet"):
        request(birth_year=2024, birth_month=5, birth_day=3)


def test_a_password_and_an_address_are_never_shown() -> None:
    shown = repr(request(email="ada@example.com"))
    assert "secret" not in shown
    assert "ada@" not in shown
