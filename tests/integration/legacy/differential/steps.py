"""The words that scripts are written in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.sql import Executable

from shardwise.errors import (
    DuplicateEntityError,
    InvalidValueError,
    ShardwiseError,
    UnknownAccountError,
    WrongShardError,
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """A call that raises, leaving a row in the error log of its database if `logged`."""

    kind: type[Exception] = ShardwiseError
    logged: bool = True


@dataclass(frozen=True)
class First:
    """An answer of which only some columns of the first row are looked at."""

    columns: Row
    logged: bool = False


@dataclass(frozen=True)
class Answer:
    """All rows of an answer: columns by name and in their order, rows in their order."""

    rows: tuple[Row, ...]
    logged: bool = False


FAILS = Failure()
INVALID = Failure(InvalidValueError)
DUPLICATE = Failure(DuplicateEntityError)
NO_ACCOUNT = Failure(UnknownAccountError)
WRONG_SHARD = Failure(WrongShardError)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a procedure.

    Attributes:
        name: of the procedure.
        params: what is passed; `Kept` stands for values seen before.
        shard: None for the global database.
        expect: what comes of it.
        mends: the defect of the old system (D1–D30) that is mended where this is not what it answered.
        secrets: texts that no row of the error log may hold.
        by: one of the generated calls: what is swept (`null`, `long`, ...) and the parameter.
    """

    name: str
    params: tuple[Any, ...]
    shard: int | None
    expect: Answer | First | Failure
    mends: str | None = None
    secrets: tuple[str, ...] = ()
    by: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """Something that happens beside the procedures: a statement made of the kept values."""

    shard: int | None
    statement: Callable[[dict[str, Any]], Executable]


@dataclass(frozen=True, kw_only=True)
class Holds:
    """What a SELECT finds afterwards, as tuples."""

    shard: int | None
    statement: Callable[[dict[str, Any]], Executable]
    rows: tuple[tuple[Any, ...], ...]
    mends: str | None = None


@dataclass(frozen=True, kw_only=True)
class Derive:
    """Further values made of the kept ones."""

    values: Callable[[dict[str, Any]], dict[str, Any]]


Step = Call | Meanwhile | Holds | Derive


class Database:
    """Writes the steps of one database.

    Args:
        shard: None for the global database.
    """

    def __init__(self, shard: int | None) -> None:
        self.shard = shard

    def call(
        self, name: str, *params: Any, gives: Any = None, fails: Failure | None = None, **more: Any
    ) -> Call:
        """Return a call that gives one row, a list of rows, or fails."""
        logged = more.pop("logged", False)
        if fails is not None or isinstance(gives, First):
            expect = fails or gives
        else:
            expect = Answer((gives,) if isinstance(gives, dict) else tuple(gives), logged)
        return Call(name=name, params=params, shard=self.shard, expect=expect, **more)

    def meanwhile(self, statement: Callable[[dict[str, Any]], Executable]) -> Meanwhile:
        return Meanwhile(shard=self.shard, statement=statement)

    def holds(
        self,
        statement: Callable[[dict[str, Any]], Executable],
        *rows: tuple[Any, ...],
        mends: str | None = None,
    ) -> Holds:
        return Holds(shard=self.shard, statement=statement, rows=rows, mends=mends)


GLOBAL = Database(None)


def first(**columns: Any) -> First:
    """Return an answer of which only these columns of the first row matter."""
    return First(columns)


def done(message: str | None = None, **more: Any) -> Row:
    """Return the row of a success in words."""
    return words("SUCCESS", message, **more)


def words(result: str, message: str | None = None, **more: Any) -> Row:
    """Return a status row in words."""
    return {"result": result} | ({} if message is None else {"message": message}) | more


def numbers(code: int, message: Any, **more: Any) -> Row:
    """Return a status row in numbers."""
    return {"ErrorCode": code, "ErrorMessage": message} | more


OK = numbers(0, "SUCCESS")
