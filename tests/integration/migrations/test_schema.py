"""What the revisions make: the recorded old schema at 0001, the models' tables at the head."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from shardwise.migrations.branches import Branch
from shardwise.migrations.runner import downgrade, upgrade
from shardwise.migrations.targets import Target

RECORD = json.loads((Path(__file__).parents[2] / "data" / "legacy_schema.json").read_text())

Ask = Callable[[Target, Callable[[Connection], Any]], Awaitable[Any]]
MakeTarget = Callable[[Branch], Target]
on_mariadb = pytest.mark.parametrize("engine_kind", ["mariadb"], indirect=True)
on_sqlite = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)


def baseline(target: Target) -> str:
    return f"{target.branch[0]}0001"


# 0001 is the old schema


@on_mariadb
async def test_first_revision_is_the_recorded_schema(target: Target, ask: Ask) -> None:
    await upgrade(target, baseline(target))
    assert await ask(target, facts) == RECORD[target.branch]


def facts(connection: Connection) -> dict[str, Any]:
    """What information_schema says of every table, in the form of the record."""
    found: dict[str, Any] = {}
    for row in connection.execute(COLUMNS):
        table = found.setdefault(row.tab, {"columns": {}, "keys": {}, "foreign_keys": []})
        default = None if row.d is None or (row.d == "NULL" and row.n == "YES") else row.d
        table["columns"][row.c] = [row.k, row.n == "YES", default, row.e]
    for row in connection.execute(KEYS):
        kind = "plain" if row.u else "unique"
        found[row.tab]["keys"].setdefault(row.k, [kind]).append(row.c)
    for row in connection.execute(REFERENCES):
        found[row.tab]["foreign_keys"].append([row.c, f"{row.rt}.{row.rc}", row.d])
    return found


COLUMNS = text(
    "SELECT table_name tab, column_name c, column_type k, is_nullable n, column_default d, extra e"
    " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
    " ORDER BY table_name, ordinal_position"
)
KEYS = text(
    "SELECT table_name tab, index_name k, non_unique u, column_name c FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
    " ORDER BY table_name, index_name, seq_in_index"
)
REFERENCES = text(
    "SELECT k.table_name tab, k.column_name c, k.referenced_table_name rt, k.referenced_column_name rc,"
    " r.delete_rule d FROM information_schema.key_column_usage k"
    " JOIN information_schema.referential_constraints r USING (constraint_schema, constraint_name)"
    " WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL ORDER BY 1, 2"
)


@on_mariadb
async def test_columns_of_the_record_stand_in_the_same_order(target: Target, ask: Ask) -> None:
    await upgrade(target, baseline(target))
    found = await ask(target, facts)
    for name, table in RECORD[target.branch].items():
        assert list(found[name]["columns"]) == list(table["columns"]), name


@on_sqlite
async def test_first_revision_has_the_recorded_names_on_sqlite(target: Target, ask: Ask) -> None:
    await upgrade(target, baseline(target))

    def names(connection: Connection) -> dict[str, list[str]]:
        look = inspect(connection)
        tables = [name for name in look.get_table_names() if name != "alembic_version"]
        return {name: [column["name"] for column in look.get_columns(name)] for name in tables}

    recorded = {name: list(table["columns"]) for name, table in RECORD[target.branch].items()}
    assert await ask(target, names) == recorded


@pytest.mark.parametrize("revision", ["g0001", "head"])
async def test_first_account_key_is_1000(make_target: MakeTarget, ask: Ask, revision: str) -> None:
    target = make_target(Branch.GLOBAL)
    await upgrade(target, revision)

    def sign_up(connection: Connection) -> int:
        connection.execute(
            text("INSERT INTO table_accountid (account_id, password_hash, nickname) VALUES ('a', 'b', 'c')")
        )
        return int(connection.execute(text("SELECT account_db_key FROM table_accountid")).scalar_one())

    assert await ask(target, sign_up) == 1000


# The head is what the models say


async def test_head_is_what_the_models_create(
    target: Target, make_target: MakeTarget, ask: Ask, engine_kind: str
) -> None:
    twin = make_target(target.branch)
    await upgrade(target)
    await ask(twin, target.branch.metadata.create_all)
    look = sqlite_definitions if engine_kind == "sqlite" else mariadb_definitions
    migrated, created = await ask(target, look), await ask(twin, look)
    assert migrated.pop("alembic_version")
    assert migrated == created


def mariadb_definitions(connection: Connection) -> dict[str, Any]:
    definitions = {}
    for name in inspect(connection).get_table_names():
        statement = connection.execute(text(f"SHOW CREATE TABLE `{name}`")).one()[1]
        columns, rest = [], []
        for line in re.sub(r"AUTO_INCREMENT=\d+ ", "", statement).splitlines()[1:]:
            (columns if line.startswith("  `") else rest).append(line.strip(" ,"))
        definitions[name] = (columns, sorted(rest))
    return definitions


def sqlite_definitions(connection: Connection) -> dict[str, Any]:
    rows = connection.execute(text("SELECT tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    definitions: dict[str, Any] = {}
    for table, name, sql in rows:
        if not table.startswith("sqlite_"):
            lines = [line.strip(" ,\t").replace('"', "") for line in sql.splitlines()]
            definitions.setdefault(table, {})[name] = (lines[0], sorted(lines[1:]))
    return definitions


# Back and forth


async def test_downgrade_to_base_drops_everything_and_upgrade_comes_back(target: Target, ask: Ask) -> None:
    def tables(connection: Connection) -> list[str]:
        return sorted(inspect(connection).get_table_names())

    await upgrade(target)
    full = await ask(target, tables)
    result = await downgrade(target, "base")
    assert (result.after, await ask(target, tables)) == (None, ["alembic_version"])
    result = await upgrade(target)
    assert (result.before, await ask(target, tables)) == (None, full)


@on_mariadb
async def test_downgrade_to_the_first_revision_is_the_recorded_schema_again(target: Target, ask: Ask) -> None:
    await upgrade(target)
    await downgrade(target, baseline(target))
    assert await ask(target, facts) == RECORD[target.branch]


@on_sqlite
async def test_downgrade_to_the_first_revision_is_what_it_made_on_sqlite(
    target: Target, make_target: MakeTarget, ask: Ask
) -> None:
    fresh = make_target(target.branch)
    await upgrade(fresh, baseline(fresh))
    await upgrade(target)
    await downgrade(target, baseline(target))
    assert await ask(target, sqlite_definitions) == await ask(fresh, sqlite_definitions)
