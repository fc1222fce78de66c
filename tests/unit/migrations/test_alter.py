"""The SQL of a change on MySQL and MariaDB, from what a database has to what a revision describes."""

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import mysql

from shardwise.migrations.alter import Alteration
from shardwise.migrations.columns import frozen, old_moment, tiny_integer
from shardwise.migrations.existing import Existing
from shardwise.schema.columns import current_moment
from shardwise.schema.types import UtcDateTime

DIALECT = mysql.dialect()


def statements(before: Table, after: Table, existing: Existing | None = None, **given: str) -> list[str]:
    return Alteration(before, after, existing or Existing.described(before), DIALECT).statements(given)


def clauses(before: Table, after: Table, existing: Existing | None = None, **given: str) -> list[str]:
    (statement,) = statements(before, after, existing, **given)
    head, *rest = statement.split("\n  ")
    assert head == f"ALTER TABLE {after.name}"
    return [clause.rstrip(",") for clause in rest]


ID = Column("id", Integer, primary_key=True, autoincrement=False)
NAME = Column("name", String(20))


def table(*items: object) -> Table:
    copies = [item._copy() if isinstance(item, Column) else item for item in items]
    return frozen("things", *copies)  # type: ignore[arg-type]


def test_nothing_to_do_is_nothing() -> None:
    one = table(ID, NAME, Index("idx_name", "name"))
    assert statements(one, one) == []


def test_columns_change_come_and_go() -> None:
    before = table(ID, Column("old", Integer), NAME)
    after = table(
        ID, Column("name", String(40)), Column("size", Integer, nullable=False, server_default=text("3"))
    )
    assert clauses(before, after) == [
        "DROP COLUMN old",
        "MODIFY COLUMN name VARCHAR(40)",
        "ADD COLUMN size INTEGER NOT NULL DEFAULT 3 AFTER name",
    ]


def test_columns_get_the_order_of_the_description() -> None:
    a, b, c = (Column(name, Integer) for name in "abc")
    before, after = table(ID, a, b, c), table(c, ID, b, a)
    assert clauses(before, after) == [
        "MODIFY COLUMN c INTEGER FIRST",
        "MODIFY COLUMN b INTEGER AFTER id",
    ]


def test_a_column_that_nobody_knows_stays_where_it_is() -> None:
    before, after = table(ID, NAME), table(ID, NAME, Column("size", Integer))
    existing = Existing(columns=("id", "mine", "name"), primary_key=("id",), keys={}, references={})
    assert clauses(before, after, existing) == ["ADD COLUMN size INTEGER AFTER name"]


def test_a_primary_key_changes_in_one_statement() -> None:
    before = table(Column("id", Integer, primary_key=True), Column("owner", Integer, nullable=False))
    after = table(
        Column("owner", Integer, primary_key=True, autoincrement=False),
        Column("id", Integer, primary_key=True, autoincrement=False),
    )
    assert clauses(before, after) == [
        "DROP PRIMARY KEY",
        "MODIFY COLUMN owner INTEGER NOT NULL FIRST",
        "MODIFY COLUMN id INTEGER NOT NULL",
        "ADD PRIMARY KEY (owner, id)",
    ]


def test_keys_change_by_name_and_by_columns() -> None:
    before = table(ID, NAME, Column("n", Integer), Index("idx_a", "name"), Index("idx_b", "n"))
    after = table(
        ID, NAME, Column("n", Integer), Index("idx_b", "n", "name"), UniqueConstraint("n", name="uk_n")
    )
    existing = Existing(
        columns=("id", "name", "n"),
        primary_key=("id",),
        keys={"idx_a": (False, ("name",)), "idx_b": (False, ("n",)), "mine": (False, ("n",))},
        references={},
    )
    assert clauses(before, after, existing) == [
        "DROP INDEX idx_a",
        "DROP INDEX idx_b",
        "ADD CONSTRAINT uk_n UNIQUE (n)",
        "ADD INDEX idx_b (n, name)",
    ]


def test_references_get_their_name_and_unknown_ones_go() -> None:
    before = table(ID, Column("owner", Integer, ForeignKey("owners.id", ondelete="CASCADE")))
    after = table(ID, Column("owner", Integer, ForeignKey("owners.id", ondelete="CASCADE")))
    existing = Existing(
        columns=("id", "owner"),
        primary_key=("id",),
        keys={},
        references={"things_ibfk_1": (("owner",), "owners", ("id",))},
    )
    assert clauses(before, after, existing) == [
        "DROP FOREIGN KEY things_ibfk_1",
        "ADD CONSTRAINT fk_things_owner_owners FOREIGN KEY(owner) REFERENCES owners (id) ON DELETE CASCADE",
    ]


def test_missing_values_are_filled_first() -> None:
    before = table(ID, Column("n", Integer), Column("at", DateTime, server_default=old_moment()))
    after = table(
        ID,
        Column("n", Integer, nullable=False, server_default=text("7")),
        Column("at", UtcDateTime(), nullable=False, server_default=current_moment(on_update=True)),
    )
    update, alter = statements(before, after)
    assert update == (
        "UPDATE things SET n = COALESCE(n, 7), at = COALESCE(NULLIF(at, 0), CURRENT_TIMESTAMP(6))"
        " WHERE n IS NULL OR at IS NULL OR at = 0"
    )
    assert "MODIFY COLUMN n INTEGER NOT NULL DEFAULT 7" in alter


def test_filling_keeps_the_time_of_the_last_change() -> None:
    at = Column("at", DateTime, server_default=old_moment())
    update, _ = statements(
        table(ID, NAME, at), table(ID, Column("name", String(20), nullable=False), at), name="''"
    )
    assert update == "UPDATE things SET name = COALESCE(name, ''), at = at WHERE name IS NULL"


def test_numbers_become_yes_or_no() -> None:
    update, alter = statements(table(ID, Column("flag", tiny_integer())), table(ID, Column("flag", Boolean)))
    assert update == "UPDATE things SET flag = (flag <> 0) WHERE flag NOT IN (0, 1)"
    assert alter.endswith("MODIFY COLUMN flag BOOL")


def test_a_new_column_with_a_computed_value_is_added_empty_first() -> None:
    after = table(ID, NAME, Column("size", Integer, nullable=False))
    add, update, alter = statements(table(ID, NAME), after, size="LENGTH(name)")
    assert add == "ALTER TABLE things ADD COLUMN size INTEGER NULL"
    assert update == "UPDATE things SET size = COALESCE(size, LENGTH(name)) WHERE size IS NULL"
    assert alter.endswith("MODIFY COLUMN size INTEGER NOT NULL")


def test_what_is_there_after_a_crash_is_not_done_again() -> None:
    before = table(ID, NAME, Index("idx_a", "name"))
    after = table(
        Column("owner", Integer, primary_key=True, autoincrement=False, server_default=text("0")),
        ID,
        Column("name", String(20), nullable=False, server_default=text("''")),
        UniqueConstraint("id", name="uk_id"),
    )
    again = statements(before, after, Existing.described(after))
    assert again[0].startswith("UPDATE things SET name")
    assert again[1:] == [
        "ALTER TABLE things\n"
        "  MODIFY COLUMN owner INTEGER NOT NULL DEFAULT 0,\n"
        "  MODIFY COLUMN name VARCHAR(20) NOT NULL DEFAULT ''"
    ]


def test_only_missing_indexes_are_added_to_a_table_that_is_there() -> None:
    whole = table(ID, NAME, Index("idx_a", "name"), Index("idx_b", "name", "id"))
    existing = Existing(
        columns=("id", "name"), primary_key=("id",), keys={"idx_a": (False, ("name",))}, references={}
    )
    assert Alteration(whole, whole, existing, DIALECT).missing_keys() == [
        "ALTER TABLE things\n  ADD INDEX idx_b (name, id)"
    ]
    assert Alteration(whole, whole, Existing.described(whole), DIALECT).missing_keys() == []


@pytest.mark.parametrize("name", ["order", "with space"])
def test_names_are_quoted(name: str) -> None:
    after = table(ID, NAME, Column(name, Integer))
    assert clauses(table(ID, NAME), after) == [f"ADD COLUMN `{name}` INTEGER AFTER name"]
