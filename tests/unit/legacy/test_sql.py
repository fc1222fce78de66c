import sqlite3
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardwise.errors import InvalidValueError
from shardwise.legacy.binding import bind_for_server, bind_for_sqlite
from shardwise.legacy.sql import prepare


class Word(StrEnum):
    A = "a"


@pytest.mark.parametrize(
    ("query", "params", "sqlite", "server"),
    [
        ("a = %s AND b = %s", (1, "x"), "a = ? AND b = ?", "a = %s AND b = %s"),
        ("a = %s", 1, "a = ?", "a = %s"),
        ("a = %s", [1], "a = ?", "a = %s"),
        ("LIKE 'x%%' AND a = %s", (1,), "LIKE 'x%' AND a = ?", "LIKE 'x%%' AND a = %s"),
        ("LIKE 'x%%'", (), "LIKE 'x%'", "LIKE 'x%'"),
        ("LIKE 'x%'", None, "LIKE 'x%'", "LIKE 'x%'"),
        ("a % %s", None, "a % %s", "a % %s"),
        ("a IN %s AND b = %s", ([1, 2], 3), "a IN (?, ?) AND b = ?", "a IN (%s, %s) AND b = %s"),
        ("a = %(a)s OR b = %(a)s", {"a": 1}, "a = ? OR b = ?", "a = %s OR b = %s"),
        ("a %%%% %s", (1,), "a %% ?", "a %%%% %s"),
    ],
)
def test_signs_become_the_drivers(query: str, params: Any, sqlite: str, server: str) -> None:
    assert prepare(query, params, sqlite=True).text == sqlite
    assert prepare(query, params, sqlite=False).text == server


def test_on_sqlite_quotes_and_comments_keep_their_signs() -> None:
    query = "SELECT '%s', \"%s\", `%s`, 'it''s %s' -- %s\n /* %s */ FROM t WHERE a = %s"
    statement = prepare(query, (1,), sqlite=True)
    assert statement.text == query.removesuffix("%s") + "?"
    assert statement.values == (1,)


@pytest.mark.parametrize("sqlite", [True, False])
@pytest.mark.parametrize(
    ("query", "params", "message"),
    [
        ("a = %s", (), "the query has 1 %s and 0 values"),
        ("a = %s", (1, 2), "the query has 1 %s and 2 values"),
        ("a = 1", (1,), "the query has 0 %s and 1 values"),
        ("a LIKE 'x%' OR b = %s", (1,), "write %% for a percent sign"),
        ("a % 2", (), "write %% for a percent sign"),
        ("a = %(b)s", {"a": 1}, "no value for %\\(b\\)s"),
        ("a = %(b)s", (1,), "no value for %\\(b\\)s"),
        ("a = %s", {"a": 1}, "given by name"),
        ("a IN %s", ([],), "a list of values is empty"),
        ("a = %s", (object(),), "is a object"),
        ("a = %s", ({"a": 1},), "is a dict, .* pass JSON as text"),
        ("a = %s", (Decimal("NaN"),), "not a finite number"),
        ("a = %s", (float("inf"),), "not a finite number"),
        ("USE b", (), "USE is not possible"),
        ("SELECT 1; /* %s */ use `b`", None, "USE is not possible"),
        (None, (), "SQL as text, not NoneType"),
        ("a = %s", ("\udce4'",), "isn't valid Unicode"),
        ("a = %s", (datetime.min.replace(tzinfo=timezone(timedelta(hours=9))),), "out of range"),
    ],
)
def test_what_does_not_fit_is_refused(query: str, params: Any, message: str, sqlite: bool) -> None:
    with pytest.raises(InvalidValueError, match=message):
        prepare(query, params, sqlite=sqlite)


_NINE = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("value", "server", "sqlite"),
    [
        (None, None, None),
        (True, True, True),
        (Word.A, "a", "a"),
        (Decimal("1E+2"), Decimal("1E+2"), "100"),
        (Decimal("-0.10"), Decimal("-0.10"), "-0.10"),
        (datetime(2026, 1, 2, 9, tzinfo=_NINE), datetime(2026, 1, 2), "2026-01-02 00:00:00.000000"),  # noqa: DTZ001
        (datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02 03:04:05.000006"),  # noqa: DTZ001
        (date(2026, 1, 2), date(2026, 1, 2), "2026-01-02"),
        (time(1, 2), time(1, 2), "01:02:00"),
        (UUID(int=1), str(UUID(int=1)), str(UUID(int=1))),
        (bytearray(b"x"), b"x", b"x"),
        ((1 << 63) - 1, (1 << 63) - 1, (1 << 63) - 1),
        (1 << 63, 1 << 63, b"\x80" + bytes(7)),
    ],
)
def test_values_are_bound_as_the_tables_hold_them(value: Any, server: Any, sqlite: Any) -> None:
    assert bind_for_server(value) == server
    assert bind_for_sqlite(value) == sqlite
    assert type(bind_for_server(value)) is type(server)


def test_a_number_beyond_64_bits_is_refused() -> None:
    for value in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(InvalidValueError, match="beyond 64 bits"):
            bind_for_sqlite(value)


@pytest.mark.parametrize(
    ("query", "reads", "inserts", "can_be_undone"),
    [
        ("SELECT 1", True, False, True),
        (" -- x\n /* y */ ((select 1)) ; ", True, False, True),
        ("SHOW TABLES", True, False, True),
        ("SELECT a FROM b USE INDEX (c)", True, False, True),
        ("WITH a AS (SELECT 'DELETE') SELECT * FROM a", True, False, True),
        ("WITH a AS (SELECT 1) DELETE FROM b", False, False, False),
        ("INSERT INTO a VALUES (';')", False, True, True),
        ("replace into a values (1)", False, True, True),
        ("UPDATE a SET b = 1", False, False, True),
        ("CREATE TABLE a (b INT)", False, False, False),
        ("SELECT 1; DELETE FROM a", False, False, False),
        ("DELETE FROM a; COMMIT", False, False, False),
        ("SELECT 5--3; DELETE FROM a", False, False, False),
        ("SELECT '\\'; DELETE FROM a", True, False, True),
        ("/*!50000 DELETE FROM a */", False, False, False),
        ("SELECT 1 /*M! INTO OUTFILE 'a' */", False, False, False),
        ("CALL p()", False, False, False),
        ("", False, False, False),
    ],
)
def test_what_a_statement_does_is_read_off_its_words(
    query: str, reads: bool, inserts: bool, can_be_undone: bool
) -> None:
    if query.startswith("SELECT '\\'"):
        query += "'"  # to a server the backslash keeps the quote open
    statement = prepare(query, None, sqlite=False)
    assert (statement.reads, statement.inserts, statement.can_be_undone) == (reads, inserts, can_be_undone)


@given(st.lists(st.text(max_size=5) | st.integers(-9, 9) | st.none() | st.booleans(), max_size=6))
def test_sqlite_gives_back_what_it_was_given(values: list[Any]) -> None:
    marks = ["'%s'", *(["%s"] * len(values)), "'a%%b''%s'", "/* %s ' */ 1", '"%s""x"']
    query = f"SELECT {', '.join(marks)}"
    statement = prepare(query, values, sqlite=True)
    connection = sqlite3.connect(":memory:")
    try:
        [row] = connection.execute(statement.text.replace('"%s""x"', "1"), statement.values)
    finally:
        connection.close()
    assert row == ("%s", *values, "a%b'%s", 1, 1)
