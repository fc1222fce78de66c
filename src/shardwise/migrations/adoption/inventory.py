"""What a database holds, read from information_schema in a few statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from shardwise.migrations.existing import Existing, Key, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """A column as the server reports it: full type, type without its numbers, whether it takes NULL.

    Texts have their longest length, in characters or bytes, and a collation.
    """

    declared: str
    kind: str
    nullable: bool
    longest: int | None = None
    collation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A table: what it has, where and how it is kept, and its size in bytes, as the server estimates it."""

    name: str
    engine: str
    special: str
    collation: str
    size: int
    columns: Mapping[str, ColumnFacts]
    existing: Existing

    def of_kind(self, *kinds: str) -> list[str]:
        """Return the columns of these types."""
        return [name for name, column in self.columns.items() if column.kind in kinds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything in a database.

    Attributes:
        tables: by name.
        objects: what else there is, as (kind, name).
        update_triggers: the triggers among them that an UPDATE fires, as (table, name).
    """

    tables: Mapping[str, Facts]
    objects: tuple[tuple[str, str], ...] = field(default=())
    update_triggers: tuple[tuple[str, str], ...] = field(default=())


_TABLES = text(
    "SELECT table_name, COALESCE(engine, ''), COALESCE(table_collation, ''),"
    " COALESCE(data_length, 0) + COALESCE(index_length, 0), CASE"
    " WHEN table_type <> 'BASE TABLE' THEN 'system-versioned'"
    " WHEN create_options LIKE '%partitioned%' THEN 'partitioned' ELSE '' END"
    " FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)
_COLUMNS = text(
    "SELECT table_name, column_name, column_type, data_type, is_nullable, character_maximum_length,"
    " collation_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    " ORDER BY table_name, ordinal_position"
)
_KEYS = text(
    "SELECT table_name, index_name, non_unique, column_name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() ORDER BY table_name, index_name, seq_in_index"
)
_REFERENCES = text(
    "SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name"
    " FROM information_schema.key_column_usage"
    " WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL"
    " ORDER BY table_name, constraint_name, ordinal_position"
)
_OBJECTS = (
    "SELECT 'view', table_name FROM information_schema.views WHERE table_schema = DATABASE()",
    "SELECT 'trigger', trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    "SELECT LOWER(routine_type), routine_name FROM information_schema.routines"
    " WHERE routine_schema = DATABASE()",
    "SELECT 'event', event_name FROM information_schema.events WHERE event_schema = DATABASE()",
)
_UPDATE_TRIGGERS = text(
    "SELECT event_object_table, trigger_name FROM information_schema.triggers"
    " WHERE trigger_schema = DATABASE() AND event_manipulation = 'UPDATE' ORDER BY 1, 2"
)


def take_inventory(connection: Connection) -> Inventory:
    """Return what the connection's database holds; views are among the objects, not the tables."""
    columns: dict[str, dict[str, ColumnFacts]] = defaultdict(dict)
    for table, name, declared, kind, nullable, longest, collation in connection.execute(_COLUMNS):
        columns[table][name] = ColumnFacts(
            declared=declared,
            kind=kind.lower(),
            nullable=nullable == "YES",
            longest=longest,
            collation=collation,
        )
    keys, references = _keys(connection), _references(connection)
    tables = {
        name: Facts(
            name=name,
            engine=engine,
            special=special,
            collation=collation,
            size=int(size),
            columns=columns[name],
            existing=_existing(columns[name], keys[name], references[name]),
        )
        for name, engine, collation, size, special in connection.execute(_TABLES)
    }
    objects = [(kind, name) for query in _OBJECTS for kind, name in connection.execute(text(query))]
    triggers = [(table, name) for table, name in connection.execute(_UPDATE_TRIGGERS)]
    return Inventory(tables=tables, objects=tuple(sorted(objects)), update_triggers=tuple(triggers))


def _existing(columns: Iterable[str], keys: dict[str, Key], references: dict[str, Reference]) -> Existing:
    primary = keys.pop("PRIMARY", (True, ()))
    return Existing(columns=tuple(columns), primary_key=primary[1], keys=keys, references=references)


def _keys(connection: Connection) -> dict[str, dict[str, Key]]:
    found: dict[str, dict[str, Key]] = defaultdict(dict)
    for table, name, non_unique, column in connection.execute(_KEYS):
        before = found[table].get(name, (True, ()))[1]
        found[table][name] = (not non_unique, (*before, column or ""))
    return found


def _references(connection: Connection) -> dict[str, dict[str, Reference]]:
    found: dict[str, dict[str, Reference]] = defaultdict(dict)
    for table, name, column, other, other_column in connection.execute(_REFERENCES):
        own, _, theirs = found[table].get(name, ((), other, ()))
        found[table][name] = ((*own, column), other, (*theirs, other_column))
    return found
