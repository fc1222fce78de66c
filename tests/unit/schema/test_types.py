"""Keys, moments, choices and text mean the same on SQLite and MariaDB."""

# ruff: noqa: SIM300  # ACCOUNT is a column, not a constant

from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    func,
    insert,
    inspect,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shardwise.errors import InvalidValueError
from shardwise.schema.columns import current_moment
from shardwise.schema.types import (
    MAX_UNSIGNED,
    AutoBigInt,
    AutoUnsignedBigInt,
    Choice,
    UnsignedBigInt,
    UnsignedInt,
    UtcDateTime,
)


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell it"


METADATA = MetaData(naming_convention={"ck": "ck_%(table_name)s_%(constraint_name)s"})
KEYS = Table(
    "keys_table",
    METADATA,
    Column("account", UnsignedBigInt(), primary_key=True, autoincrement=False),
    Column("other", UnsignedBigInt(), unique=True),
    Column("small", UnsignedInt()),
)
COUNTED = Table(
    "counted", METADATA, Column("id", AutoUnsignedBigInt(), primary_key=True), Column("x", Integer)
)
SIGNED = Table("signed", METADATA, Column("id", AutoBigInt(), primary_key=True), Column("x", Integer))
VALUES = Table(
    "values_table",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("moment", UtcDateTime()),
    Column("made", UtcDateTime(), server_default=current_moment()),
    Column("changed", UtcDateTime(), server_default=current_moment(on_update=True)),
    Column("side", Choice(Side)),
    Column("flag", Boolean),
    Column("document", JSON(none_as_null=True)),
    Column("name", String(20)),
    Column("body", Text),
)
EXTREMES = [0, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, MAX_UNSIGNED - 1, MAX_UNSIGNED]
ROWS: dict[Table, list[dict[str, Any]]] = {
    KEYS: [{"account": key, "other": MAX_UNSIGNED - key, "small": 2**32 - 1} for key in EXTREMES],
    VALUES: [{"id": 1, "name": "first"}],
}
ACCOUNT = KEYS.c.account


async def accounts(connection: AsyncConnection, *where: Any, order_by: Any = ACCOUNT) -> list[int]:
    return list((await connection.scalars(select(ACCOUNT).where(*where).order_by(order_by))).all())


# Unsigned 64-bit keys


async def test_keys_come_back_and_sort_over_the_whole_range(connection: AsyncConnection) -> None:
    assert await accounts(connection) == EXTREMES
    assert await accounts(connection, order_by=ACCOUNT.desc()) == EXTREMES[::-1]
    assert await accounts(connection, order_by=KEYS.c.other) == EXTREMES[::-1]
    assert all(type(key) is int for key in await accounts(connection))


@pytest.mark.parametrize("key", EXTREMES)
async def test_a_key_is_found_by_equality(connection: AsyncConnection, key: int) -> None:
    assert await accounts(connection, ACCOUNT == key) == [key]
    assert await accounts(connection, ACCOUNT.in_([key])) == [key]
    assert await accounts(connection, ACCOUNT != key) == [other for other in EXTREMES if other != key]
    given = select(ACCOUNT).where(ACCOUNT == bindparam("key"))
    assert await connection.scalar(given, {"key": key}) == key
    by_other = select(KEYS.c.other).where(KEYS.c.other == MAX_UNSIGNED - key)
    assert await connection.scalar(by_other) == MAX_UNSIGNED - key


async def test_keys_are_compared_over_the_whole_range(connection: AsyncConnection) -> None:
    for bound in EXTREMES:
        assert await accounts(connection, ACCOUNT < bound) == [key for key in EXTREMES if key < bound]
        assert await accounts(connection, ACCOUNT >= bound) == [key for key in EXTREMES if key >= bound]
    assert await accounts(connection, ACCOUNT.between(2**63 - 1, 2**63)) == [2**63 - 1, 2**63]
    assert await accounts(connection, ACCOUNT.in_([0, 2**63, 5, MAX_UNSIGNED])) == [0, 2**63, MAX_UNSIGNED]
    assert await accounts(connection, ACCOUNT > KEYS.c.other) == [k for k in EXTREMES if k > MAX_UNSIGNED - k]
    both = (await connection.execute(select(func.min(ACCOUNT), func.max(ACCOUNT)))).one()
    assert both == (0, MAX_UNSIGNED)
    as_literals = select(ACCOUNT).where(ACCOUNT.in_([2**63 - 1, 2**63])).order_by(ACCOUNT)
    said = str(as_literals.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    assert len((await connection.exec_driver_sql(said)).all()) == 2


@pytest.mark.parametrize("key", EXTREMES)
async def test_a_counted_key_that_is_not_there_is_not_found(connection: AsyncConnection, key: int) -> None:
    counted = COUNTED.c.id
    assert (await connection.scalars(select(counted).where(counted == key))).all() == []
    assert (await connection.scalars(select(counted).where(counted.in_([key])))).all() == []
    assert (await connection.execute(update(COUNTED).where(counted == key).values(x=1))).rowcount == 0


@pytest.mark.parametrize("key", [0, 2**63 - 1, 2**63, MAX_UNSIGNED])
async def test_keys_are_unique(connection: AsyncConnection, key: int) -> None:
    with pytest.raises(IntegrityError):
        await connection.execute(insert(KEYS).values(account=key))
    with pytest.raises(IntegrityError):
        await connection.execute(insert(KEYS).values(account=77, other=MAX_UNSIGNED - key))


@pytest.mark.parametrize("key", [-1, 2**64, 2**70, 1.0, "1"])
async def test_a_key_out_of_range_is_refused(connection: AsyncConnection, key: Any) -> None:
    """SQLite needs our check; MariaDB refuses numbers out of range itself, and reads "1" as the number."""
    if connection.dialect.name == "sqlite":
        with pytest.raises(StatementError) as caught:
            await connection.execute(insert(KEYS).values(account=key))
        assert isinstance(caught.value.orig, InvalidValueError)
        assert f"{key!r} is not an integer from 0 to {MAX_UNSIGNED}" in str(caught.value.orig)
    elif key not in (1.0, "1"):
        with pytest.raises(DBAPIError, match="1264"):
            await connection.execute(insert(KEYS).values(account=key))


async def test_an_unsigned_int(connection: AsyncConnection) -> None:
    assert await connection.scalar(select(KEYS.c.small).limit(1)) == 2**32 - 1


@pytest.mark.parametrize("table", [COUNTED, SIGNED], ids=lambda table: table.name)
async def test_counted_keys(connection: AsyncConnection, table: Table) -> None:
    first = (await connection.execute(insert(table).values(x=1))).inserted_primary_key[0]
    second = (await connection.execute(insert(table).values(x=1))).inserted_primary_key[0]
    assert 0 < first < second


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_the_columns_on_mariadb(connection: AsyncConnection) -> None:
    def kinds(sync: Any) -> dict[str, str]:
        columns = [*inspect(sync).get_columns("keys_table"), *inspect(sync).get_columns("values_table")]
        return {column["name"]: str(column["type"].compile(sync.dialect)) for column in columns}

    found = await connection.run_sync(kinds)
    assert found["account"].lower().replace("(20)", "") == "bigint unsigned"
    assert found["small"].lower().replace("(10)", "") == "integer unsigned"
    assert found["moment"] == "DATETIME(6)"
    assert found["side"].startswith("ENUM('buy','sell it')")


# Moments


MOMENTS = [
    datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


async def test_moments_come_back_aware_in_utc_with_microseconds(connection: AsyncConnection) -> None:
    rows = [{"id": 10 + i, "moment": moment} for i, moment in enumerate(MOMENTS)]
    await connection.execute(insert(VALUES), rows)
    found = (
        await connection.scalars(select(VALUES.c.moment).where(VALUES.c.id >= 10).order_by(VALUES.c.id))
    ).all()
    assert list(found) == MOMENTS
    assert all(moment.tzinfo is UTC for moment in found)
    ordered = select(VALUES.c.moment).where(VALUES.c.moment.is_not(None)).order_by(VALUES.c.moment)
    assert list((await connection.scalars(ordered)).all()) == sorted(MOMENTS)
    assert await connection.scalar(select(func.max(VALUES.c.moment))) == max(MOMENTS)


async def test_moments_of_other_zones_are_the_same_moment(connection: AsyncConnection) -> None:
    tokyo = datetime(2026, 1, 1, 8, 30, tzinfo=timezone(timedelta(hours=9)))
    await connection.execute(insert(VALUES).values(id=10, moment=tokyo))
    found = await connection.scalar(select(VALUES.c.moment).where(VALUES.c.id == 10))
    assert found == tokyo
    assert found.isoformat() == "2025-12-31T23:30:00+00:00"
    same = datetime(2025, 12, 31, 18, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert await connection.scalar(select(VALUES.c.id).where(VALUES.c.moment == same)) == 10
    assert await connection.scalar(select(VALUES.c.id).where(VALUES.c.moment > same)) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(2026, 1, 1), "has no time zone"),  # noqa: DTZ001
        (date(2026, 1, 1), "date is not accepted, pass a datetime"),
        ("2026-01-01", "str is not accepted"),
    ],
)
async def test_what_is_no_moment_is_refused(connection: AsyncConnection, value: Any, reason: str) -> None:
    for statement in (
        insert(VALUES).values(id=10, moment=value),
        select(VALUES.c.id).where(VALUES.c.moment == bindparam("m", value, type_=UtcDateTime())),
    ):
        with pytest.raises(StatementError, match=reason) as caught:
            await connection.execute(statement)
        assert isinstance(caught.value.orig, InvalidValueError)


async def test_the_servers_clock_as_a_default(connection: AsyncConnection) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)  # SQLite's clock has milliseconds
    await connection.execute(insert(VALUES).values(id=10))
    made, changed = (
        await connection.execute(select(VALUES.c.made, VALUES.c.changed).where(VALUES.c.id == 10))
    ).one()
    assert before <= made <= datetime.now(UTC)
    assert before <= changed <= datetime.now(UTC)
    assert made.tzinfo is UTC
    first = await connection.scalar(select(VALUES.c.made).where(VALUES.c.id == 1))
    newest = select(VALUES.c.id).order_by(VALUES.c.made.desc()).limit(1)
    assert first < made
    assert await connection.scalar(newest) == 10


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_mariadb_moves_the_moment_of_change_itself(connection: AsyncConnection) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    await connection.execute(insert(VALUES).values(id=10, changed=past, made=past))
    await connection.exec_driver_sql("UPDATE values_table SET name = 'x' WHERE id = 10")
    made, changed = (
        await connection.execute(select(VALUES.c.made, VALUES.c.changed).where(VALUES.c.id == 10))
    ).one()
    assert made == past
    assert changed > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_the_default_on_sqlite_is_stored_like_a_value(connection: AsyncConnection) -> None:
    await connection.execute(insert(VALUES).values(id=10, moment=MOMENTS[1]))
    stored = (await connection.exec_driver_sql("SELECT moment, made FROM values_table WHERE id = 10")).one()
    assert [len(value) for value in stored] == [26, 26], "text of one length sorts by time"


# Choices


async def test_a_choice_stores_the_value_and_gives_the_member(connection: AsyncConnection) -> None:
    await connection.execute(insert(VALUES).values(id=10, side=Side.SELL))
    assert await connection.scalar(select(VALUES.c.side).where(VALUES.c.side == Side.SELL)) is Side.SELL
    assert await connection.scalar(select(VALUES.c.side).where(VALUES.c.side == "sell it")) is Side.SELL
    stored = await connection.exec_driver_sql("SELECT side FROM values_table WHERE id = 10")
    assert stored.scalar() == "sell it"


@pytest.mark.parametrize("side", ["hold", "SELL", "", " buy"])
async def test_a_value_that_is_no_choice_is_refused_in_python(connection: AsyncConnection, side: str) -> None:
    with pytest.raises(StatementError) as caught:
        await connection.execute(insert(VALUES).values(id=10, side=side))
    assert isinstance(caught.value.orig, LookupError)


async def test_a_value_that_is_no_choice_is_refused_by_the_database(connection: AsyncConnection) -> None:
    with pytest.raises(DBAPIError):
        await connection.exec_driver_sql("INSERT INTO values_table (id, side) VALUES (10, 'hold')")
    with pytest.raises(DBAPIError):
        await connection.exec_driver_sql("UPDATE values_table SET side = 'hold' WHERE id = 1")


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_the_check_has_a_name(connection: AsyncConnection) -> None:
    checks = await connection.run_sync(lambda sync: inspect(sync).get_check_constraints("values_table"))
    assert "ck_values_table_side" in {check["name"] for check in checks}


# Other values


@pytest.mark.parametrize(
    "document", [{}, [], {"a": [1, 2.5, None, True, "😀"]}, "text", 0, False, {"deep": {"er": ["x" * 5000]}}]
)
async def test_json(connection: AsyncConnection, document: Any) -> None:
    await connection.execute(insert(VALUES).values(id=10, document=document))
    found = await connection.scalar(select(VALUES.c.document).where(VALUES.c.id == 10))
    assert found == document
    assert type(found) is type(document)


async def test_no_json_is_null(connection: AsyncConnection) -> None:
    await connection.execute(insert(VALUES).values(id=10, document=None))
    assert (
        await connection.scalar(select(VALUES.c.id).where(VALUES.c.id == 10, VALUES.c.document.is_(None)))
        == 10
    )
    nulls = await connection.exec_driver_sql("SELECT document IS NULL FROM values_table WHERE id = 10")
    assert nulls.scalar() == 1


async def test_booleans(connection: AsyncConnection) -> None:
    await connection.execute(insert(VALUES), [{"id": 10, "flag": True}, {"id": 11, "flag": False}])
    assert await connection.scalar(select(VALUES.c.flag).where(VALUES.c.id == 10)) is True
    assert await connection.scalar(select(VALUES.c.flag).where(VALUES.c.id == 11)) is False
    assert await connection.scalar(select(VALUES.c.id).where(VALUES.c.flag.is_(False))) == 11


@pytest.mark.parametrize(
    "value",
    [
        "😀 𝄞 𠜎",
        "e\u0301 vs é",
        "'; DROP TABLE values_table; --",
        "\\' OR 1=1 -- ",
        "100% _ \\",
        "\x00 \x1a \n\r\t",
        "",
        "日本語",
    ],
)
async def test_text_comes_back_as_it_was(connection: AsyncConnection, value: str) -> None:
    await connection.execute(insert(VALUES).values(id=10, name=value[:20], body=value * 100))
    found = (await connection.execute(select(VALUES.c.name, VALUES.c.body).where(VALUES.c.id == 10))).one()
    assert found == (value[:20], value * 100)
    assert await connection.scalar(select(VALUES.c.id).where(VALUES.c.body == value * 100)) == 10


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_text_too_long_is_refused_by_mariadb(connection: AsyncConnection) -> None:
    with pytest.raises(DBAPIError, match="1406"):
        await connection.execute(insert(VALUES).values(id=10, name="😀" * 21))
    await connection.execute(insert(VALUES).values(id=10, name="😀" * 20))


# Without our connection's help


@pytest.fixture
async def empty_engine(engine: AsyncEngine) -> AsyncEngine:
    async with engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    return engine


async def test_tables_can_be_made_again_from_what_is_reflected(empty_engine: AsyncEngine) -> None:
    reflected = MetaData()
    async with empty_engine.begin() as connection:
        await connection.run_sync(reflected.reflect)
        await connection.run_sync(METADATA.drop_all)
        await connection.run_sync(reflected.create_all)
        await connection.execute(insert(VALUES).values(id=1, side=Side.BUY, moment=MOMENTS[0]))
        await connection.execute(update(VALUES).values(name="again"))
        assert await connection.scalar(select(VALUES.c.moment)) == MOMENTS[0]
        assert await connection.scalar(select(literal_column("1")).select_from(VALUES)) == 1
        assert await connection.scalar(text("SELECT count(*) FROM values_table")) == 1


def test_a_date_that_is_none_is_named() -> None:
    # asyncmy hands on what it can't parse, such as the zero dates of servers without strict mode
    with pytest.raises(InvalidValueError, match="'0000-00-00 00:00:00', which is no moment"):
        UtcDateTime().process_result_value("0000-00-00 00:00:00", mysql.dialect())  # type: ignore[arg-type]
