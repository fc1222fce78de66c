"""Rows survive every revision, up and down: typical ones, those full of NULLs, and extremes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Enum,
    Integer,
    SmallInteger,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError

from shardwise.errors import MigrationError
from shardwise.migrations.baseline import GLOBAL, SHARD
from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import downgrade, upgrade
from shardwise.migrations.targets import Target
from shardwise.schema.types import ExactDecimal, UtcDateTime

Ask = Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]
MakeTarget = Callable[[Branch], Target]
Rows = dict[str, dict[Any, dict[str, Any]]]

BASELINES = {Branch.GLOBAL: GLOBAL, Branch.SHARD: SHARD}
TYPICAL, EMPTY, EXTREME = range(3)


def example(column: "Column[Any]", kind: int) -> Any:
    """A value for a column; columns that refer to each other have the same name or the same type."""
    if kind == EMPTY and column.nullable:
        return None
    if column.name == "account_db_key":
        top = 2**63 - 1 if column.table.metadata is GLOBAL else 2**64 - 1
        return (1000, 1001, top)[kind]
    return by_type(column.type, kind)


def by_type(kind_of: Any, kind: int) -> Any:  # noqa: PLR0911  # a table of types
    extreme = kind == EXTREME
    match kind_of:
        case ExactDecimal(precision=precision, scale=scale):
            return -(Decimal(10**precision - 1).scaleb(-scale)) if extreme else Decimal("12.50")
        case Enum(enums=words):
            return words[-1] if extreme else words[0]
        case Text():
            return "𝄞 四字 \\ ' \" :name %s\n" * 50 if extreme else "some words"
        case JSON():
            return {"a": [1.5, None, "𝄞", {"b": -(2**53)}]} if extreme else {"n": kind}
        case Boolean():
            return kind != EMPTY
        case UtcDateTime():
            return datetime(9999 if extreme else 2024, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
        case DateTime():
            return datetime(9999 if extreme else 2024, 12, 31, 23, 59, 59)  # noqa: DTZ001
        case Date():
            return date(9999, 12, 31) if extreme else date(2024, 1, 1 + kind)
        case SmallInteger():
            return int(kind != EMPTY)
        case Integer():
            return 2**31 - 1 if extreme else 1 + kind
    return text_of(kind_of.length, kind)


def text_of(length: int, kind: int) -> str:
    return ("x" * (length - 1) + "𝄞") if kind == EXTREME else f"t{kind}"[:length]


def insert_examples(connection: Connection, tables: list[Table]) -> None:
    for table in tables:
        for kind in (TYPICAL, EMPTY, EXTREME):
            row = {column.name: example(column, kind) for column in table.columns}
            connection.execute(insert(table).values(row))


def read(connection: Connection, tables: list[Table], keys: dict[str, list[str]]) -> Rows:
    rows: Rows = {}
    for table in tables:
        found = [dict(row) for row in connection.execute(select(table)).mappings()]
        rows[table.name] = {tuple(row[name] for name in keys[table.name]): row for row in found}
    return rows


def plain(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


async def test_rows_survive_both_ways_twice(target: Target, ask: Ask) -> None:
    old = BASELINES[target.branch].sorted_tables
    new = target.branch.metadata.sorted_tables
    keys = {table.name: [column.name for column in table.primary_key] for table in old}
    first = f"{target.branch[0]}0001"
    await upgrade(target, first)
    await ask(target, lambda connection: insert_examples(connection, old))
    before = await ask(target, lambda connection: read(connection, old, keys))
    assert {len(rows) for rows in before.values()} == {3}

    await upgrade(target)
    at_head = await ask(target, lambda connection: read(connection, new, keys))
    required = {table.name: {c.name for c in table.columns if not c.nullable} for table in new}
    check_kept(before, at_head, required)

    await downgrade(target, first)
    back = await ask(target, lambda connection: read(connection, old, keys))
    check_kept(before, back, required)

    await upgrade(target)
    assert await ask(target, lambda connection: read(connection, new, keys)) == at_head


def check_kept(before: Rows, after: Rows, required: dict[str, set[str]]) -> None:
    """Every value is the same, but for NULLs where there may be none any more."""
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert rows.keys() == after[table].keys(), table
        for key, row in rows.items():
            for column, value in row.items():
                now = after[table][key][column]
                if value is None and column in required[table]:
                    assert now is not None, (table, column)
                else:
                    assert plain(now) == plain(value), (table, column)


async def test_values_for_what_was_null(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")

    def old_rows(connection: Connection) -> None:
        for statement in (
            "INSERT INTO table_user_accounts"
            " (account_db_key, account_number, balance, updated_at, created_at)"
            " VALUES (7, 'AC-7', NULL, NULL, '2020-02-02 02:02:02')",
            "INSERT INTO table_transactions (transaction_id, account_db_key, account_number, amount,"
            " transaction_type) VALUES ('t1', 7, NULL, 1, 'deposit'), ('t2', 8, NULL, 1, 'deposit'),"
            " ('t3', 7, 'AC-9', 1, 'deposit')",
        ):
            connection.execute(text(statement))

    await ask(target, old_rows)
    await upgrade(target)
    tables = Branch.SHARD.metadata.tables
    account = await ask(target, lambda c: c.execute(select(tables["table_user_accounts"])).mappings().one())
    assert account["balance"] == Decimal("0.00")
    assert account["updated_at"] == account["created_at"] == datetime(2020, 2, 2, 2, 2, 2, tzinfo=UTC)
    transactions = tables["table_transactions"]
    numbers = select(transactions.c.account_number).order_by(transactions.c.transaction_id)
    assert await ask(target, lambda c: c.scalars(numbers).all()) == ["AC-7", "", "AC-9"]


async def test_any_number_but_zero_becomes_true(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    flags = {"a": (0, 0), "b": (1, 1), "c": (-3, 1), "d": (None, 1)}  # a NULL gets the column's default

    def old_rows(connection: Connection) -> None:
        for name, (old, _) in flags.items():
            connection.execute(
                text(
                    "INSERT INTO table_signal_alarms"
                    " (alarm_id, account_db_key, symbol, is_active, updated_at)"
                    " VALUES (:name, 1, :name, :flag, '2020-01-01')"
                ),
                {"name": name, "flag": old},
            )

    await ask(target, old_rows)
    await upgrade(target)
    query = text("SELECT alarm_id, is_active FROM table_signal_alarms ORDER BY alarm_id")
    found = await ask(target, lambda c: [tuple(row) for row in c.execute(query)])
    assert found == [(name, new) for name, (_, new) in flags.items()]


async def test_a_flag_of_one_digit_becomes_yes_or_no(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    room = text(
        "INSERT INTO table_chat_rooms (room_id, account_db_key, title, ai_persona, is_active)"
        " VALUES ('a', 1, 't', 'p', 2), ('b', 1, 't', 'p', -1), ('c', 1, 't', 'p', 0)"
    )
    await ask(target, lambda c: c.execute(room))
    await upgrade(target)
    rooms = Branch.SHARD.metadata.tables["table_chat_rooms"]
    active = select(rooms.c.room_id).where(rooms.c.is_active == True)  # noqa: E712  # as applications ask
    assert sorted(await ask(target, lambda c: c.scalars(active).all())) == ["a", "b"]


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_dates_of_zeros_become_missing_values(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.GLOBAL)
    await upgrade(target, "g0001")

    def old_row(connection: Connection) -> None:
        mode = connection.scalar(text("SELECT @@sql_mode"))
        connection.execute(text("SET sql_mode = ''"))
        connection.execute(
            text(
                "INSERT INTO table_accountid"
                " (account_id, password_hash, nickname, block_endtime, plan_expires_at, create_time)"
                " VALUES ('a', 'b', 'c', 0, 0, '2020-01-01')"
            )
        )
        connection.execute(text("SET sql_mode = :mode"), {"mode": mode})

    await ask(target, old_row)
    await upgrade(target)
    accounts = Branch.GLOBAL.metadata.tables["table_accountid"]
    account = await ask(target, lambda c: c.execute(select(accounts)).mappings().one())
    assert account["plan_expires_at"] is None
    assert account["block_endtime"] > account["create_time"] == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
async def test_filling_does_not_count_as_a_change_of_the_row(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    row = (
        "INSERT INTO table_user_accounts (account_db_key, account_number, balance, updated_at)"
        " VALUES (7, 'AC-7', NULL, '2020-01-01')"
    )
    await ask(target, lambda c: c.execute(text(row)))
    await upgrade(target)
    moment = await ask(target, lambda c: c.scalar(text("SELECT updated_at FROM table_user_accounts")))
    assert moment == datetime(2020, 1, 1)  # noqa: DTZ001  # as stored


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_numbers_go_on_where_they_were_on_sqlite(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.GLOBAL)
    await upgrade(target, "g0001")
    account = text(
        "INSERT INTO table_accountid (account_db_key, account_id, password_hash, nickname)"
        " VALUES (:key, :name, 'b', 'c')"
    )
    await ask(target, lambda c: c.execute(account, [{"key": 5000, "name": "a"}, {"key": None, "name": "b"}]))
    await ask(target, lambda c: c.execute(text("DELETE FROM table_accountid")))
    await upgrade(target)
    await ask(target, lambda c: c.execute(account, {"key": None, "name": "c"}))
    assert await ask(target, lambda c: c.scalar(text("SELECT account_db_key FROM table_accountid"))) == 5002


def old_alarm(name: str, symbol: str, *, deleted: int = 0, account: int = 7) -> str:
    """The INSERT of a program that knows the old columns only."""
    return (
        "INSERT INTO table_signal_alarms (alarm_id, account_db_key, symbol, is_deleted, updated_at)"
        f" VALUES ('{name}', {account}, '{symbol}', {deleted}, '2020-01-01')"
    )


async def run(ask: Ask, target: Target, *statements: str) -> None:
    await ask(target, lambda connection: [connection.execute(text(each)) for each in statements])


async def test_accounts_with_several_live_alarms_for_a_symbol_stop_the_upgrade(
    make_target: MakeTarget, ask: Ask
) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0019")
    await run(ask, target, old_alarm("a", "AAPL"), old_alarm("b", "aapl"))
    with pytest.raises(
        MigrationError, match=r"the same account_db_key, live_symbol.* `SELECT .*` shows them"
    ) as refused:
        await upgrade(target)
    query = str(refused.value).split("`")[1:-1]
    (row,) = await ask(target, lambda c: c.execute(text("`".join(query))).all())
    assert (row[0], row[1].lower(), row[2]) == (7, "aapl", 2)
    columns = await ask(
        target, lambda c: [each["name"] for each in inspect(c).get_columns("table_signal_alarms")]
    )
    assert "live_symbol" not in columns

    await run(ask, target, "UPDATE table_signal_alarms SET is_deleted = 1 WHERE alarm_id = 'b'")
    await upgrade(target)


async def test_deleted_alarms_and_other_accounts_are_no_duplicates(make_target: MakeTarget, ask: Ask) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0001")
    kept = [old_alarm("a", "AAPL"), old_alarm("b", "AAPL", account=8)]
    gone = [old_alarm(name, "AAPL", deleted=1) for name in "cd"]
    await run(ask, target, *kept, *gone)
    await upgrade(target)
    live = text("SELECT alarm_id, live_symbol FROM table_signal_alarms ORDER BY alarm_id")
    found = await ask(target, lambda c: [tuple(row) for row in c.execute(live)])
    assert found == [("a", "AAPL"), ("b", "AAPL"), ("c", None), ("d", None)]


async def test_programs_that_know_the_old_columns_get_one_live_alarm_for_a_symbol(
    make_target: MakeTarget, ask: Ask
) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target)
    await run(ask, target, old_alarm("a", "AAPL"), old_alarm("b", "MSFT"), old_alarm("c", "aapl", deleted=1))
    for refused in (
        old_alarm("d", "aapl"),
        "UPDATE table_signal_alarms SET is_deleted = 0 WHERE alarm_id = 'c'",
        "UPDATE table_signal_alarms SET symbol = 'Aapl' WHERE alarm_id = 'b'",
    ):
        with pytest.raises(IntegrityError):
            await run(ask, target, refused)
    again = ("UPDATE table_signal_alarms SET is_deleted = 1 WHERE alarm_id = 'a'", old_alarm("d", "aapl"))
    await run(ask, target, *again)


@pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
async def test_of_a_tutorial_s_spellings_the_one_with_the_furthest_step_is_kept(
    make_target: MakeTarget, ask: Ask
) -> None:
    target = make_target(Branch.SHARD)
    await upgrade(target, "s0022")
    rows = ((7, "Chat", 1), (7, "CHAT", 5), (7, "chat", 5), (8, "chat", 2), (7, "other", 1))
    for account, name, step in rows:
        await run(
            ask,
            target,
            "INSERT INTO table_tutorial_progress (account_db_key, tutorial_type, completed_step)"
            f" VALUES ({account}, '{name}', {step})",
        )
    await upgrade(target)
    kept = text("SELECT account_db_key, tutorial_type, completed_step FROM table_tutorial_progress")
    found = await ask(target, lambda c: {tuple(row) for row in c.execute(kept)})
    assert found == {(7, "CHAT", 5), (8, "chat", 2), (7, "other", 1)}
