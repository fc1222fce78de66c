"""What a driver's error means, in our words: the only place that knows error codes.

Messages never hold values: MySQL's own texts do ("Duplicate entry 'x@y.z' for key ..."), so only names of
tables, columns and constraints are taken from them. The driver's error stays the cause.
"""

import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Index, Table, UniqueConstraint, inspect
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Mapper

from shardwise.errors import (
    CommitOutcomeUnknownError,
    ConstraintViolationError,
    DatabaseAccessError,
    DatabaseConnectionError,
    DatabaseError,
    DuplicateEntityError,
    InvalidValueError,
    MissingTableError,
    ShardwiseError,
    TransientDatabaseError,
    ValueRefusedError,
)

Entity = type[Any] | str | None

_DEADLOCK = 1213
_NO_SAVEPOINT = 1305
_SEVERAL_VALUES = 1242
_LOST = "the connection to the database was lost"
_NAMELESS = "row"  # where neither the caller nor the statement names one
_Plain = tuple[type[DatabaseError], str]
_MYSQL: dict[int, _Plain] = {
    1040: (DatabaseConnectionError, "the server has no free connection"),
    1203: (DatabaseConnectionError, "the server has no free connection for this user"),
    1053: (DatabaseConnectionError, "the server is shutting down"),
    1079: (DatabaseConnectionError, "the server is shutting down"),
    2002: (DatabaseConnectionError, "the server can't be reached"),
    2003: (DatabaseConnectionError, "the server can't be reached"),
    2005: (DatabaseConnectionError, "the server's name is unknown"),
    1836: (DatabaseConnectionError, "the server is read-only"),
    3169: (DatabaseConnectionError, "the session was killed"),
    **dict.fromkeys(
        (1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2014, 2045, 2055, 4031),
        (DatabaseConnectionError, _LOST),
    ),
    1020: (TransientDatabaseError, "a row has changed since this transaction read it"),
    1205: (TransientDatabaseError, "a lock was not free in time"),
    _DEADLOCK: (TransientDatabaseError, "a deadlock: the database gave up this transaction for another one"),
    _NO_SAVEPOINT: (TransientDatabaseError, "the savepoint is gone: a deadlock has undone the transaction"),
    3572: (TransientDatabaseError, "a lock is not free"),
    1044: (DatabaseAccessError, "the user may not use this database"),
    1045: (DatabaseAccessError, "the user or the password is wrong"),
    1049: (DatabaseAccessError, "there is no database of this name"),
    1142: (DatabaseAccessError, "the user may not do this to the table"),
    1143: (DatabaseAccessError, "the user may not do this to the column"),
    1227: (DatabaseAccessError, "the user lacks a privilege"),
    1698: (DatabaseAccessError, "the user or the password is wrong"),
}
_MYSQL_VALUE = {
    1264: "the number is out of the column's range",
    1265: "the value doesn't fit the column's type",
    1292: "the value doesn't fit the column's type",
    1366: "the value doesn't fit the column's type or character set",
    1406: "the value is too long",
    1690: "the number is out of the column's range",
    3140: "the value is not valid JSON",
}
_MYSQL_RULES = {
    **dict.fromkeys((1048, 1364), "not null"),
    **dict.fromkeys((1216, 1217, 1451, 1452), "foreign key"),
    **dict.fromkeys((3819, 4025), "check"),
}
_SQLITE_RULES = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign key",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not null",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
}
_SQLITE_UNIQUE = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)
_SQLITE: dict[int, _Plain] = {  # by the lower byte of the extended code
    sqlite3.SQLITE_BUSY: (TransientDatabaseError, "the database file is locked by another transaction"),
    sqlite3.SQLITE_LOCKED: (TransientDatabaseError, "a table is locked by another transaction"),
    sqlite3.SQLITE_CANTOPEN: (DatabaseConnectionError, "the database file can't be opened"),
    sqlite3.SQLITE_IOERR: (DatabaseConnectionError, "reading or writing the database file failed"),
    sqlite3.SQLITE_FULL: (DatabaseConnectionError, "the disk is full"),
    sqlite3.SQLITE_NOTADB: (DatabaseAccessError, "the file is not a SQLite database"),
    sqlite3.SQLITE_READONLY: (DatabaseAccessError, "the database file may not be written"),
    sqlite3.SQLITE_PERM: (DatabaseAccessError, "the database file may not be used"),
}

_STATEMENT_TABLE = re.compile(
    r"\s*(?:INSERT(?: IGNORE)? INTO|UPDATE|DELETE FROM)\s+[`\"]?(\w+)", re.IGNORECASE
)
_QUOTED_KEY = re.compile(r"for key '([^']+)'$")
_NAME = re.compile(r"CONSTRAINT `([^`]+)`|^Check constraint '([^']+)'|^(?:Column|Field) '([^']+)'")
_COLUMN = re.compile(r"for column (?:'([^']+)'|(?:`[^`]*`\.)*`([^`]+)`)(?: at row \d+)?$")
_MISSING = re.compile(r"^Table '([^']+)' doesn't exist$|^no such table: (\S+)$")


def wrap(error: DBAPIError, entity: Entity = None, *, committing: bool = False) -> DatabaseError:
    """Return our error for a driver's; the driver's is its cause.

    Args:
        error: what SQLAlchemy raised.
        entity: the model (or a name) that the statement was about; by default the statement's table.
        committing: the statement was a COMMIT, after which a lost connection leaves its outcome unknown.
    """
    driver = error.orig
    if isinstance(driver, sqlite3.Error):
        wrapped = _of_sqlite(driver, error, entity)
    else:
        wrapped = _of_mysql(error, entity)
    if type(wrapped) is DatabaseError and error.connection_invalidated:
        wrapped = DatabaseConnectionError(_LOST)
    if committing and type(wrapped) is DatabaseConnectionError:
        wrapped = CommitOutcomeUnknownError()
    wrapped.__cause__ = error
    return wrapped


def translate(error: BaseException, entity: Entity = None, *, committing: bool = False) -> BaseException:
    """Return our error for anything that a statement can raise; an error that isn't a driver's as it is.

    Beside what `wrap` does: a refusal by one of our column types, which SQLAlchemy packs into its own
    error, is unpacked; a full pool and text that isn't valid Unicode get their names.
    """
    if isinstance(error, DBAPIError):
        return wrap(error, entity, committing=committing)
    if isinstance(error, StatementError):
        return _of_binding(error, entity)
    if isinstance(error, PoolTimeoutError):
        ours: ShardwiseError = DatabaseConnectionError(
            "all connections of the pool are in use; raise pool_size or make units of work shorter"
        )
    elif isinstance(error, UnicodeEncodeError):
        ours = InvalidValueError(_name(entity) or "text", "holds a character that isn't valid Unicode")
    elif isinstance(error, OverflowError):
        ours = ValueRefusedError(_name(entity) or "number", "the number is out of the column's range")
    else:
        return error
    ours.__cause__ = error
    return ours


@contextmanager
def wrapping(entity: Entity = None, *, committing: bool = False) -> Generator[None]:
    """Run a block whose driver errors leave it as ours.

    Args:
        entity: the model (or a name) that the block is about.
        committing: the block is a COMMIT.

    Raises:
        ShardwiseError: in place of the driver's error, which is its cause.
    """
    try:
        yield
    except (StatementError, PoolTimeoutError, UnicodeEncodeError, OverflowError) as error:
        ours = translate(error, entity, committing=committing)
        if ours is error:
            raise
        raise ours from ours.__cause__


def has_undone_transaction(error: BaseException | None) -> bool:
    """Return whether this error, or one that led to it, means that the server undid the whole transaction.

    InnoDB does so on a deadlock, savepoints included; what follows on the connection is a new transaction.
    """
    seen: set[int] = set()  # an error of binding is the cause of the one that it was taken out of
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, DBAPIError):
            code, text = _code_and_text(error.orig)
            if code == _DEADLOCK or (code == _NO_SAVEPOINT and "SAVEPOINT" in text):
                return True
        error = error.__cause__ or error.__context__
    return False


def has_several_values(error: DatabaseError) -> bool:
    """Return whether MySQL refused a statement because a subquery for one value gave several."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and _code_and_text(cause.orig)[0] == _SEVERAL_VALUES


def _of_binding(error: StatementError, entity: Entity) -> BaseException:
    reason = error.orig
    if isinstance(reason, ShardwiseError):
        return reason
    if isinstance(reason, (LookupError, TypeError, ValueError, OverflowError)):
        ours = InvalidValueError(_name(entity) or "value", "a value is not of its column's type")
        ours.__cause__ = error
        return ours
    return error


def _of_mysql(error: DBAPIError, entity: Entity) -> DatabaseError:
    code, text = _code_and_text(error.orig)
    entity_name = _entity_of(error, entity)
    if code == 1062:
        return DuplicateEntityError(entity_name, _last_part(_group(_QUOTED_KEY, text)))
    if code == _NO_SAVEPOINT and "SAVEPOINT" not in text:
        code = 0  # the same code says that a stored procedure doesn't exist
    if code == 1290 and "read-only" in text.replace("_", "-"):
        code = 1836
    if code in _MYSQL_RULES:
        return ConstraintViolationError(entity_name, _MYSQL_RULES[code], _group(_NAME, text))
    if code in _MYSQL_VALUE:
        column = _group(_COLUMN, text)
        return ValueRefusedError(f"{entity_name}.{column}" if column else entity_name, _MYSQL_VALUE[code])
    if code == 1146:
        return MissingTableError(_last_part(_group(_MISSING, text)))
    return _plain(_MYSQL, code, f"{code or type(error.orig).__name__}", entity_name)


def _of_sqlite(driver: sqlite3.Error, error: DBAPIError, entity: Entity) -> DatabaseError:
    code, text = getattr(driver, "sqlite_errorcode", 0), str(driver)
    entity_name, detail = _entity_of(error, entity), text.partition(": ")[2] or None
    if code in _SQLITE_UNIQUE:
        return DuplicateEntityError(entity_name, _sqlite_constraint(entity, detail))
    if code in _SQLITE_RULES:
        name = _last_part(detail) if code == sqlite3.SQLITE_CONSTRAINT_NOTNULL else detail
        return ConstraintViolationError(entity_name, _SQLITE_RULES[code], name)
    if (missing := _group(_MISSING, text)) is not None:
        return MissingTableError(missing)
    if text == "no active connection":
        return DatabaseConnectionError(_LOST)
    if code in (sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG) or "binding parameter" in text:
        return ValueRefusedError(entity_name, "the value is not of a type or size that the column takes")
    return _plain(_SQLITE, code & 0xFF, f"SQLite error {code}", entity_name)


def _plain(reasons: dict[int, _Plain], code: int, shown: str, entity_name: str) -> DatabaseError:
    if code in reasons:
        kind, reason = reasons[code]
        return kind(f"{reason} ({shown})")
    where = "" if entity_name == _NAMELESS else f" on {entity_name}"
    return DatabaseError(f"the database refused a statement{where} ({shown})")


def _code_and_text(driver: BaseException | None) -> tuple[int, str]:
    arguments: tuple[Any, ...] = getattr(driver, "args", ())
    code = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return code, str(arguments[1]) if len(arguments) > 1 else ""


def _group(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return next((part for part in found.groups("") if part), None) if found else None


def _last_part(name: str | None) -> str | None:
    return name.rpartition(".")[2] if name else None


def _name(entity: Entity) -> str | None:
    return entity.__name__ if isinstance(entity, type) else entity


def _table(entity: Entity) -> Table | None:
    mapper = inspect(entity, raiseerr=False) if isinstance(entity, type) else None
    table = mapper.local_table if isinstance(mapper, Mapper) else None
    return table if isinstance(table, Table) else None


def _entity_of(error: DBAPIError, entity: Entity) -> str:
    """Return the name to show: a flush for one model may fail on a row of another one."""
    found = _STATEMENT_TABLE.match(error.statement or "")
    known = _table(entity)
    if entity is None or (found and known is not None and found[1] != known.name):
        return found[1] if found else _NAMELESS
    return _name(entity) or _NAMELESS


def _sqlite_constraint(entity: Entity, detail: str | None) -> str | None:
    """Return the name of the constraint that SQLite describes as `table.column, table.column`."""
    if detail is None or detail.startswith("index '"):
        return detail and detail.removeprefix("index ").strip("'")
    columns = {part.rpartition(".")[2] for part in detail.split(", ")}
    table = _table(entity)
    if table is not None and table.name == detail.partition(".")[0]:
        if columns == {column.name for column in table.primary_key.columns}:
            return "PRIMARY"  # what MySQL calls it
        uniques: list[UniqueConstraint | Index] = [index for index in table.indexes if index.unique]
        uniques += [item for item in table.constraints if isinstance(item, UniqueConstraint)]
        for unique in uniques:
            if columns == {getattr(column, "name", None) for column in unique.columns}:
                return str(unique.name)
    return detail
