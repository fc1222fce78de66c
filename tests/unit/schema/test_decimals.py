"""ExactDecimal means the same on both engines: no digit is lost, in Python or in SQL."""

# ruff: noqa: SIM300  # A and R are columns, not constants

import sqlite3
from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    case,
    cast,
    delete,
    distinct,
    func,
    insert,
    inspect,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection

from shardwise.errors import InvalidValueError
from shardwise.schema.sqlite_decimal import DecimalSQLiteCompiler, SqliteDecimal
from shardwise.schema.types import ExactDecimal

D = Decimal
METADATA = MetaData()
PRICES = Table(
    "prices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(10)),
    Column("amount", ExactDecimal(15, 2)),
    Column("rate", ExactDecimal(19, 6)),
    Column("huge", ExactDecimal(38, 10)),
    Column("fee", ExactDecimal(15, 2), nullable=False, server_default="0.00"),
    CheckConstraint("fee >= 0", name="fee_not_negative"),
    Index("by_amount", "amount"),
)
A, R = PRICES.c.amount, PRICES.c.rate
AMOUNT_END, RATE_END = D("9999999999999.99"), D("9999999999999.999999")
PRICE_ROWS = [
    {"id": 1, "kind": "a", "amount": D("10.10"), "rate": D("0.1")},
    {"id": 2, "kind": "a", "amount": D("9.90"), "rate": D("0.2")},
    {"id": 3, "kind": "b", "amount": AMOUNT_END, "rate": RATE_END},
    {"id": 4, "kind": "b", "amount": -AMOUNT_END, "rate": -RATE_END},
    {"id": 5, "kind": "b", "amount": D("0.00"), "rate": D("0.000001")},
    {"id": 6, "kind": "c", "amount": None, "rate": None},
    {"id": 7, "kind": "d", "amount": D("10.1"), "rate": D("100")},
]
ROWS = {PRICES: PRICE_ROWS}


async def ids(connection: AsyncConnection, *where: Any, order_by: Any = PRICES.c.id) -> list[int]:
    ordered = select(PRICES.c.id).where(*where).order_by(order_by, PRICES.c.id)
    return list((await connection.scalars(ordered)).all())


# Storing


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("amount", AMOUNT_END),
        ("amount", -AMOUNT_END),
        ("amount", D("0.01")),
        ("amount", D("-0.01")),
        ("amount", D("1E+2")),
        ("amount", D("1.500000000000")),
        ("amount", D(0)),
        ("amount", 9_999_999_999_999),
        ("rate", RATE_END),
        ("rate", -RATE_END),
        ("rate", D("0.000001")),
        ("huge", D("9999999999999999999999999999.9999999999")),
        ("huge", D("-0.0000000001")),
    ],
)
async def test_a_value_comes_back_as_it_was(connection: AsyncConnection, column: str, value: D) -> None:
    with localcontext(Context(prec=5)):  # the caller's own precision has no say
        await connection.execute(insert(PRICES).values({"id": 100, column: value}))
        found = await connection.scalar(select(PRICES.c[column]).where(PRICES.c.id == 100))
    assert type(found) is Decimal
    assert found == value
    assert -found.as_tuple().exponent == PRICES.c[column].type.scale  # type: ignore[operator]


async def test_zero_has_no_sign(connection: AsyncConnection) -> None:
    await connection.execute(insert(PRICES).values(id=100, amount=D("-0.00")))
    assert str(await connection.scalar(select(A).where(PRICES.c.id == 100))) == "0.00"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("amount", 1.5, "float is not accepted"),
        ("amount", "1.50", "str is not accepted"),
        ("amount", True, "bool is not accepted"),
        ("amount", D("NaN"), "NaN is not a number"),
        ("amount", D("sNaN"), "sNaN is not a number"),
        ("amount", D("Infinity"), "Infinity is not a number"),
        ("amount", D("-Infinity"), "-Infinity is not a number"),
        ("amount", D("0.001"), r"0.001 has more than 2 digits after the point"),
        ("amount", D("1E-400"), r"more than 2 digits after the point"),
        ("amount", D("10000000000000"), r"does not fit DECIMAL\(15,2\)"),
        ("amount", 10_000_000_000_000, r"does not fit DECIMAL\(15,2\)"),
        ("amount", D("-1E+400"), r"does not fit DECIMAL\(15,2\)"),
        ("amount", D("9999999999999.999"), r"more than 2 digits"),
        ("rate", D("0.0000001"), "more than 6 digits"),
        ("huge", D("1" * 29), "does not fit"),
        ("huge", D("1" * 28 + ".12345678901"), "more than 10 digits"),
    ],
)
async def test_a_value_that_would_change_is_refused(
    connection: AsyncConnection, column: str, value: object, reason: str
) -> None:
    before = (await connection.execute(select(PRICES).where(PRICES.c.id == 1))).one()
    for statement in (
        insert(PRICES).values({"id": 100, column: value}),
        update(PRICES).where(PRICES.c.id == 1).values({column: value}),
    ):
        with pytest.raises(StatementError, match=reason) as caught:
            await connection.execute(statement)
        assert isinstance(caught.value.orig, InvalidValueError)
    assert (await connection.execute(select(PRICES).where(PRICES.c.id == 1))).one() == before
    assert await ids(connection, PRICES.c.id == 100) == []


# Comparing and ordering


async def test_order_is_by_value(connection: AsyncConnection) -> None:
    assert await ids(connection, A.is_not(None), order_by=A) == [4, 5, 2, 1, 7, 3]
    assert await ids(connection, R.is_not(None), order_by=R.desc()) == [3, 7, 2, 1, 5, 4]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (A == D("10.1"), [1, 7]),
        (A == D("10.100000"), [1, 7]),
        (A != D("10.1"), [2, 3, 4, 5]),
        (A == D("10.1001"), []),
        (A < D("10.1001"), [1, 2, 4, 5, 7]),
        (A > D("9.9"), [1, 3, 7]),
        (A >= D("9.9000001"), [1, 3, 7]),
        (A > 9, [1, 2, 3, 7]),
        (A < 0, [4]),
        (A == 0, [5]),
        (D("10.0999") < A, [1, 3, 7]),
        (A.between(D("9.95"), D("10.1")), [1, 7]),
        (A.in_([D("9.9"), D("0.000"), D("1")]), [2, 5]),
        (A.not_in([D("9.9"), D("10.1")]), [3, 4, 5]),
        (A > R, [1, 2, 4]),
        (A == literal(D("9.9"), ExactDecimal(15, 2)), [2]),
        (A * 2 > D("20.1"), [1, 3, 7]),
        (A + R == D("10.2"), [1]),
        (-A > D("100"), [4]),
        (func.abs(A) > D("100"), [3, 4]),
        (case((PRICES.c.id < 100, A), else_=None) > D("9.91"), [1, 3, 7]),
        (func.coalesce(A, 0) == 0, [5, 6]),
        (cast(R, ExactDecimal(19, 6)) < D("9"), [1, 2, 4, 5]),
        (select(func.max(R)).where(PRICES.c.kind == "d").scalar_subquery() > A, [1, 2, 4, 5, 7]),
        (select(func.max(R)).where(PRICES.c.kind == "d").scalar_subquery() > D("9"), [1, 2, 3, 4, 5, 6, 7]),
        (A == select(func.max(PRICES.alias().c.amount)).scalar_subquery(), [3]),
    ],
    ids=str,
)
async def test_comparisons_are_by_value(
    connection: AsyncConnection, condition: Any, expected: list[int]
) -> None:
    assert await ids(connection, condition) == expected


@pytest.mark.parametrize("value", [1.5, D("NaN"), D("Infinity"), "1.5", D("1E+65"), D("-1E-999999999")])
async def test_a_comparison_with_what_is_no_exact_number_is_refused(
    connection: AsyncConnection, value: Any
) -> None:
    with pytest.raises(StatementError) as caught:
        await ids(connection, A > value)
    assert isinstance(caught.value.orig, InvalidValueError)


# Computing in SQL


async def one(connection: AsyncConnection, expression: Any, row: int) -> Any:
    return await connection.scalar(select(expression).where(PRICES.c.id == row))


@pytest.mark.parametrize(
    ("expression", "row", "expected"),
    [
        (A + R, 3, D("19999999999999.989999")),
        (A - R, 3, D("-0.009999")),
        (A * R, 3, D("99999999999999899990000000.00000001")),
        (A * R, 1, D("1.01")),
        (A * 3, 1, D("30.3")),
        (3 * A, 4, D("-29999999999999.97")),
        (A + D("0.001"), 3, D("9999999999999.991")),
        (D("0.3") - A, 1, D("-9.8")),
        (A / 4, 1, D("2.525")),
        (A / R, 1, D("101")),
        (A / 0, 1, None),
        (A % 3, 1, D("1.1")),
        (A % 3, 4, D("-0.99")),
        (-A, 4, AMOUNT_END),
        (-(A - R), 3, D("0.009999")),
        (func.abs(A), 4, AMOUNT_END),
        (func.round(R, 2), 3, D("10000000000000")),
        (func.round(R, 1), 5, D("0")),
        (func.round(A), 2, D("10")),
        (A + None, 1, None),
        (A + R, 6, None),
        (A * 2 + R * 3 - 1, 2, D("19.4")),
        (func.coalesce(A, D("7.5")), 6, D("7.5")),
    ],
    ids=str,
)
async def test_arithmetic_is_exact(
    connection: AsyncConnection, expression: Any, row: int, expected: D | None
) -> None:
    found = await one(connection, expression, row)
    assert found == expected
    assert expected is None or type(found) is Decimal


async def test_a_division_has_at_least_four_digits_more(connection: AsyncConnection) -> None:
    found = await one(connection, A / 3, 2)
    assert abs(found - D("3.3")) < D("0.000001")
    assert abs(await one(connection, A / 7, 1) - D("1.442857142857")) < D("0.000001")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (func.sum(A), D("30.10")),
        (func.sum(R), D("100.300001")),
        (func.sum(A) - func.sum(R), D("-70.200001")),
        (func.sum(A * R), None),
        (func.min(A), -AMOUNT_END),
        (func.max(A), AMOUNT_END),
        (func.max(R), RATE_END),
        (func.sum(distinct(A)), D("20.00")),
        (func.count(distinct(A)), 5),
        (func.count(A), 6),
        (func.sum(func.abs(A)), D("20000000000030.08")),
        (func.sum(case((A > 0, A), else_=0)), D("10000000000030.09")),
        (func.coalesce(func.sum(A), 0), D("30.10")),
    ],
    ids=str,
)
async def test_aggregates_are_exact(connection: AsyncConnection, expression: Any, expected: Any) -> None:
    found = await connection.scalar(select(expression))
    if expected is None:
        with localcontext(Context(prec=60)):
            expected = sum((r["amount"] * r["rate"] for r in PRICE_ROWS if r["amount"] is not None), D(0))
    assert found == expected


async def test_an_average_is_a_decimal(connection: AsyncConnection) -> None:
    found = await connection.scalar(select(func.avg(A)).where(PRICES.c.kind == "a"))
    assert type(found) is Decimal
    assert found == D("10")
    third = await connection.scalar(select(func.avg(R).label("mean")).where(PRICES.c.id.in_([1, 2, 7])))
    assert abs(third - D("100.3") / 3) < D("0.000001")
    assert await connection.scalar(select(func.avg(A)).where(PRICES.c.kind == "none")) is None


async def test_aggregates_of_other_columns_are_as_ever(connection: AsyncConnection) -> None:
    row = (await connection.execute(select(func.sum(PRICES.c.id), func.avg(PRICES.c.id)))).one()
    assert row == (28, 4)
    assert await connection.scalar(select(func.sum(PRICES.c.id)).where(PRICES.c.id > 100)) is None
    rounded = await connection.scalar(select(func.round(func.avg(PRICES.c.id) + 0.4, 0)))
    assert rounded == 4
    assert await connection.scalar(select(func.abs(PRICES.c.id - 8)).where(PRICES.c.id == 1)) == 7


async def test_group_by_and_having(connection: AsyncConnection) -> None:
    total = func.sum(A)
    groups = select(PRICES.c.kind, total).group_by(PRICES.c.kind)
    found = (await connection.execute(groups.having(total > D("9")).order_by(total))).all()
    assert found == [("d", D("10.10")), ("a", D("20.00"))], "as text '9' is above '20.00'"
    by_average = groups.having(func.avg(A) > D("9")).order_by(func.avg(A).desc())
    assert [row.kind for row in await connection.execute(by_average)] == ["d", "a"]
    by_value = select(A, func.count()).where(A.is_not(None)).group_by(A).order_by(A)
    assert dict((await connection.execute(by_value)).fetchall())[D("10.10")] == 2  # type: ignore[arg-type]


async def test_window_functions(connection: AsyncConnection) -> None:
    running = func.sum(A).over(order_by=PRICES.c.id).label("running")
    found = (await connection.scalars(select(running).where(A.is_not(None)).order_by(PRICES.c.id))).all()
    assert list(found) == [D("10.10"), D("20.00"), D("10000000000019.99"), D("20.00"), D("20.00"), D("30.10")]
    moving = func.sum(R).over(order_by=PRICES.c.id, rows=(-1, 0))
    found = (await connection.scalars(select(moving).where(R.is_not(None)).order_by(PRICES.c.id))).all()
    assert list(found) == [
        D("0.1"),
        D("0.3"),
        D("10000000000000.199999"),
        D("0"),
        D("-9999999999999.999998"),
        D("100.000001"),
    ]
    ranked = select(PRICES.c.id, func.rank().over(order_by=A.desc())).where(A > 0).order_by(PRICES.c.id)
    assert (await connection.execute(ranked)).all() == [(1, 2), (2, 4), (3, 1), (7, 2)]
    best = (
        select(PRICES.c.id).where(A > 0).order_by(func.max(A).over(partition_by=PRICES.c.kind), PRICES.c.id)
    )
    assert (await connection.scalars(best)).all() == [1, 2, 7, 3]


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_filtered_aggregates(connection: AsyncConnection) -> None:
    filtered = func.sum(A).filter(PRICES.c.id < 3)
    assert await connection.scalar(select(filtered)) == D("20.00")
    assert await connection.scalar(select(filtered).having(filtered > D("9"))) == D("20.00")
    windowed = filtered.over(order_by=PRICES.c.id)
    assert (await connection.scalars(select(windowed).order_by(windowed).limit(2))).all() == [
        D("10.10"),
        D("20.00"),
    ]


async def test_unions_and_subqueries_keep_values(connection: AsyncConnection) -> None:
    both = select(A.label("v")).where(A.is_not(None)).union(select(R).where(R.is_not(None))).subquery()
    found = (await connection.scalars(select(both.c.v).where(both.c.v < 11).order_by(both.c.v))).all()
    assert list(found) == [-RATE_END, -AMOUNT_END, 0, D("0.000001"), D("0.1"), D("0.2"), D("9.9"), D("10.1")]
    doubled = select((A * 2).label("v")).subquery()
    assert await connection.scalar(select(func.max(doubled.c.v))) == 2 * AMOUNT_END


async def test_updates_compute_exactly(connection: AsyncConnection) -> None:
    raised = update(PRICES).where(PRICES.c.id.in_([1, 2, 3])).values(amount=A - D("0.01"))
    assert (await connection.execute(raised)).rowcount == 3
    assert await one(connection, A, 3) == D("9999999999999.98")
    await connection.execute(delete(PRICES).where(A == D("10.09")))
    assert await ids(connection, PRICES.c.kind == "a") == [2]


async def test_defaults_and_checks_of_the_database(connection: AsyncConnection) -> None:
    assert await one(connection, PRICES.c.fee, 1) == D("0.00")
    with pytest.raises((IntegrityError, StatementError), match=r"(?i)check|constraint"):
        await connection.execute(update(PRICES).where(PRICES.c.id == 1).values(fee=D("-0.01")))


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_a_comparison_can_use_the_index(connection: AsyncConnection) -> None:
    statement = select(PRICES.c.id).where(A == D("10.1"))
    text = str(statement.compile(dialect=connection.dialect))
    plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", ("10.10",))).all()
    assert "USING COVERING INDEX by_amount" in plan[0][-1]


# The column on SQLite


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_the_stored_form_has_a_fixed_scale(connection: AsyncConnection) -> None:
    found = (await connection.exec_driver_sql("SELECT amount, typeof(rate) FROM prices WHERE id = 7")).one()
    assert found == ("10.10", "text")


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_our_engines_reflect_the_type(connection: AsyncConnection) -> None:
    columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("prices"))
    kinds = {column["name"]: column["type"] for column in columns}
    assert isinstance(kinds["rate"], SqliteDecimal)
    assert (kinds["rate"].precision, kinds["rate"].scale) == (19, 6)
    reflected = MetaData()
    await connection.run_sync(reflected.reflect)
    prices = reflected.tables["prices"]
    assert await connection.scalar(select(prices.c.rate).where(prices.c.id == 3)) == RATE_END


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_the_column_on_mariadb_is_a_decimal(connection: AsyncConnection) -> None:
    columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("prices"))
    rate = next(column["type"] for column in columns if column["name"] == "rate")
    assert (rate.precision, rate.scale) == (19, 6)


def test_literals_are_exact_text() -> None:
    dialect = sqlite.dialect()
    dialect.statement_compiler = DecimalSQLiteCompiler
    statement = select(PRICES.c.id).where(A == D("1.005"))
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    assert text.endswith("prices.amount = '1.005'")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.decimals(min_value=-(10**13) + 1, max_value=10**13 - 1, places=6, allow_nan=False), max_size=8
    )
)
def test_sqlite_sorts_sums_and_compares_any_decimals_as_python_does(values: list[D]) -> None:
    from shardwise.schema.sqlite_decimal import ExactSqliteConnection

    connection = sqlite3.connect(":memory:", factory=ExactSqliteConnection)
    try:
        connection.execute("CREATE TABLE t (v DECIMAL_TEXT(19, 6) COLLATE decimal)")
        connection.executemany("INSERT INTO t VALUES (?)", [(format(v, "f"),) for v in values])
        found = [D(row[0]) for row in connection.execute("SELECT v FROM t ORDER BY v")]
        assert found == sorted(values)
        total, mean, biggest = connection.execute("SELECT sum(v), avg(v), max(v) FROM t").fetchone()
        if not values:
            assert (total, mean, biggest) == (None, None, None)
            return
        with localcontext(Context(prec=60)):
            assert D(total) == sum(values)
            assert abs(D(mean) - sum(values) / len(values)) < D("1E-25")
        assert D(biggest) == max(values)
        for pivot in values[:2]:
            (count,) = connection.execute("SELECT count(*) FROM t WHERE v < ?", (str(pivot),)).fetchone()
            assert count == sum(v < pivot for v in values)
    finally:
        connection.close()
