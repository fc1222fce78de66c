from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    URL,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Numeric,
    String,
    Table,
    func,
    insert,
    select,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from shardwise.finance import models
from shardwise.schema.base import GlobalBase, ShardBase
from shardwise.schema.types import MAX_UNSIGNED, ExactDecimal, UtcDateTime
from shardwise.topology.engines import create_engine

GLOBAL_KEYS = {
    "table_accountid": ["account_db_key"],
    "table_errorlog": ["idx"],
    "table_password_history": ["id"],
    "table_shard_config": ["shard_id"],
    "table_shard_stats": ["shard_id"],
    "table_user_api_keys": ["id"],
    "table_user_payments": ["id"],
    "table_user_profiles": ["account_db_key"],
    "table_user_shard_mapping": ["account_db_key"],
}
SHARD_KEYS = {
    "outbox_events": ["account_db_key", "id"],
    "outbox_sequences": ["account_db_key", "domain", "partition_key"],
    "saga_instances": ["account_db_key", "saga_id"],
    "saga_steps": ["account_db_key", "id"],
    "table_chat_messages": ["account_db_key", "idx"],
    "table_chat_rooms": ["account_db_key", "room_id"],
    "table_chat_statistics": ["account_db_key", "date"],
    "table_errorlog": ["idx"],
    "table_inapp_notification_stats": ["account_db_key", "date"],
    "table_inapp_notifications": ["account_db_key", "idx"],
    "table_kalman_history": ["account_db_key", "idx"],
    "table_signal_alarms": ["account_db_key", "alarm_id"],
    "table_signal_history": ["account_db_key", "signal_id"],
    "table_transactions": ["account_db_key", "transaction_id"],
    "table_tutorial_progress": ["account_db_key", "tutorial_type"],
    "table_user_accounts": ["account_db_key"],
    "table_user_portfolios": ["account_db_key", "portfolio_id"],
    "universal_outbox": ["account_db_key", "id"],
}
EXPECTED = {("global", name): key for name, key in GLOBAL_KEYS.items()} | {
    ("shard", name): key for name, key in SHARD_KEYS.items()
}
BASES = {"global": GlobalBase, "shard": ShardBase}

EMOJI = "조씨 \U0001f680'; DROP TABLE x; -- \\ \" %s :a"


def table(side: str, name: str) -> Table:
    return BASES[side].metadata.tables[name]


@pytest.mark.parametrize(("side", "name"), EXPECTED)
def test_the_table_is_mapped_on_its_side_under_its_primary_key(side: str, name: str) -> None:
    assert [column.name for column in table(side, name).primary_key] == EXPECTED[side, name]


@pytest.mark.parametrize("model", [getattr(models, name) for name in models.__all__])
def test_every_exported_model_maps_a_listed_table(model: Any) -> None:
    side = "global" if issubclass(model, GlobalBase) else "shard"
    assert (side, model.__tablename__) in EXPECTED


@pytest.mark.parametrize(("side", "name"), EXPECTED)
@pytest.mark.parametrize("dialect", [mysql.dialect(), sqlite.dialect()], ids=["mysql", "sqlite"])
def test_the_table_and_its_indexes_compile(side: str, name: str, dialect: Any) -> None:
    subject = table(side, name)
    assert str(CreateTable(subject).compile(dialect=dialect)).strip().startswith(f"CREATE TABLE {name} (")
    for index in subject.indexes:
        assert f"INDEX {index.name} ON {name}" in str(CreateIndex(index).compile(dialect=dialect))


@pytest.mark.parametrize("side", BASES)
def test_index_names_are_unique_in_the_database_as_sqlite_needs(side: str) -> None:
    names = Counter(index.name for each in BASES[side].metadata.tables.values() for index in each.indexes)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize(("side", "name"), EXPECTED)
def test_no_index_repeats_the_beginning_of_another_key(side: str, name: str) -> None:
    subject = table(side, name)
    indexes = {str(index.name): [column.name for column in index.columns] for index in subject.indexes}
    uniques = {
        str(each.name): [column.name for column in each.columns]  # type: ignore[attr-defined]
        for each in subject.constraints
        if type(each).__name__ in ("PrimaryKeyConstraint", "UniqueConstraint")
    }
    redundant = [
        (index, other)
        for index, columns in indexes.items()
        for other, longer in {**indexes, **uniques}.items()
        if other != index and longer[: len(columns)] == columns
    ]
    assert redundant == []


@pytest.mark.parametrize(("side", "name"), EXPECTED)
def test_what_the_server_defaults_the_client_defaults_too(side: str, name: str) -> None:
    missing = [
        column.name
        for column in table(side, name).columns
        if column.server_default is not None and column.default is None and column.computed is None
    ]
    assert missing == []


@pytest.mark.parametrize(("side", "name"), EXPECTED)
def test_types_are_the_portable_ones(side: str, name: str) -> None:
    for column in table(side, name).columns:
        assert not issubclass(type(column.type), (DateTime, Numeric)), column


LARGEST: dict[type, Callable[[Any], Any]] = {
    Enum: lambda kind: list(kind.enum_class)[-1],
    ExactDecimal: lambda kind: -Decimal(10**kind.precision - 1).scaleb(-kind.scale),
    UtcDateTime: lambda kind: datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    String: lambda kind: (EMOJI * 300)[: kind.length or 10_000],
    Boolean: lambda kind: True,
    Date: lambda kind: date(9999, 12, 31),
    JSON: lambda kind: {"emoji": EMOJI, "deep": [[1.5, None], {"a": [True]}], "text": "x" * 1000},
}


def largest(column: Column[Any]) -> Any:
    if column.name == "account_db_key" and not column.foreign_keys and not column.autoincrement:
        return MAX_UNSIGNED
    make = next((make for kind, make in LARGEST.items() if isinstance(column.type, kind)), None)
    return 127 if make is None else make(column.type)


@pytest.mark.parametrize("side", BASES)
async def test_extreme_values_come_back_as_they_went_in(database_url: str, side: str) -> None:
    engine = create_engine(database_url)
    async with engine.begin() as connection:
        await connection.run_sync(BASES[side].metadata.create_all)
        for subject in BASES[side].metadata.sorted_tables:
            stored = [column for column in subject.columns if column.computed is None]
            row = {column.name: largest(column) for column in stored}
            await connection.execute(insert(subject), row)
            found = (await connection.execute(select(*stored))).mappings().one()
            assert dict(found) == row, subject.name
    await engine.dispose()


async def test_a_row_needs_only_what_has_no_default(tmp_path: Path) -> None:
    engine = create_engine(URL.create("sqlite+aiosqlite", database=str(tmp_path / "shard.db")))
    async with engine.begin() as connection:
        await connection.run_sync(ShardBase.metadata.create_all)
        await connection.execute(insert(models.LedgerAccount), {"account_db_key": 1, "account_number": "1"})
        await connection.exec_driver_sql(
            "INSERT INTO table_user_accounts (account_db_key, account_number) VALUES (2, '2')"
        )
        rows = (await connection.execute(select(models.LedgerAccount.__table__))).mappings().all()
    await engine.dispose()
    ours, theirs = (
        {k: v for k, v in row.items() if k not in ("account_db_key", "account_number")} for row in rows
    )
    assert ours["balance"] == theirs["balance"] == Decimal("0.00")
    assert str(theirs["balance"]) == "0.00"
    assert {k: v for k, v in ours.items() if not k.endswith("_at")} == {
        k: v for k, v in theirs.items() if not k.endswith("_at")
    }
    assert abs((ours["created_at"] - theirs["created_at"]).total_seconds()) < 5


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("account_id", "Kim", "kIM"), ("email", "Kim@Example.com", "kim@example.COM")],
)
async def test_names_and_addresses_are_taken_in_any_case(
    tmp_path: Path, column: str, first: str, second: str
) -> None:
    engine = create_engine(URL.create("sqlite+aiosqlite", database=str(tmp_path / "global.db")))
    row = {"account_id": "a", "password_hash": "h", "nickname": "n", "email": "a@b.c"}
    other = {"account_id": "b", "password_hash": "h", "nickname": "n", "email": "b@b.c"}
    async with engine.begin() as connection:
        await connection.run_sync(GlobalBase.metadata.create_all)
        await connection.execute(insert(models.Account), row | {column: first})
        with pytest.raises(IntegrityError):
            await connection.execute(insert(models.Account), other | {column: second})
        count = await connection.scalar(select(func.count()).select_from(models.Account))
    await engine.dispose()
    assert count == 1


def test_json_null_is_sql_null() -> None:
    columns = [column for each in ShardBase.metadata.tables.values() for column in each.columns]
    kinds = [column.type for column in columns if isinstance(column.type, JSON)]
    assert len(kinds) == 11
    assert all(kind.none_as_null for kind in kinds)
