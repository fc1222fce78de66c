"""Column types that mean the same on SQLite, MariaDB and MySQL."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Enum, Integer, Numeric, types
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.functions import GenericFunction

from shardwise.errors import InvalidValueError
from shardwise.schema.sqlite_decimal import SqliteDecimal

MAX_UNSIGNED = (1 << 64) - 1
_SIGN = 1 << 63
_DIGITS = 65  # as many as MariaDB has
_WIDE = Context(prec=_DIGITS)  # whatever the caller's context is


class SqliteUnsigned(types.UserDefinedType[int]):
    """An unsigned 64-bit number on SQLite, whose integers end at 2**63 - 1.

    Values below 2**63 are integers. Those above are 8 bytes, big-endian: SQLite sorts blobs after all
    numbers and compares them byte by byte, so order, equality and uniqueness hold over the whole range.
    Arithmetic in SQL works on the lower half only.
    """

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        return "BIGINT"

    @property
    def python_type(self) -> type[int]:
        return int

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], int | bytes | None]:
        def process(value: Any) -> int | bytes | None:
            if value is None:
                return None
            if not isinstance(value, int) or not 0 <= value <= MAX_UNSIGNED:
                raise InvalidValueError(
                    "unsigned 64-bit number", f"{value!r} is not an integer from 0 to {MAX_UNSIGNED}"
                )
            return value if value < _SIGN else value.to_bytes(8, "big")

        return process

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return lambda value: str(value) if value < _SIGN else f"X'{value.to_bytes(8, 'big').hex()}'"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], int | None]:
        def process(value: Any) -> int | None:
            return int.from_bytes(value, "big") if isinstance(value, bytes) else value

        return process


class SqliteCounted(Integer):
    """An unsigned 64-bit key that SQLite counts up itself, to 2**63 - 1; keys above are asked for in vain."""

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], int | bytes | None]:
        return SqliteUnsigned().bind_processor(dialect)

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        return SqliteUnsigned().literal_processor(dialect)


def UnsignedBigInt() -> types.TypeEngine[int]:  # noqa: N802  # reads as a type where it is used
    """Return the type of keys: unsigned 64 bits, 0 to 2**64 - 1."""
    return (
        BigInteger()
        .with_variant(mysql.BIGINT(unsigned=True), "mysql", "mariadb")
        .with_variant(SqliteUnsigned(), "sqlite")
    )


def AutoUnsignedBigInt() -> types.TypeEngine[int]:  # noqa: N802
    """Return the type of a single key that the database counts up itself (global tables only)."""
    return (
        BigInteger()
        .with_variant(mysql.BIGINT(unsigned=True), "mysql", "mariadb")
        .with_variant(SqliteCounted(), "sqlite")
    )


def AutoBigInt() -> types.TypeEngine[int]:  # noqa: N802
    """Return the type of a signed 64-bit key that the database counts up itself."""
    return BigInteger().with_variant(Integer(), "sqlite")


def UnsignedInt() -> types.TypeEngine[int]:  # noqa: N802
    """Return an unsigned 32-bit number, 0 to 2**32 - 1."""
    return Integer().with_variant(mysql.INTEGER(unsigned=True), "mysql", "mariadb")


class ExactDecimal(types.TypeDecorator[Decimal]):
    """A DECIMAL(precision, scale) that is an exact `Decimal` everywhere and never rounds on its own.

    Args:
        precision: digits in all.
        scale: digits after the point.

    Raises:
        InvalidValueError: on binding a float, NaN, an infinity, more digits after the point than `scale`
            or more before it than fit. (MariaDB would round the first silently.)
    """

    impl = Numeric
    cache_ok = True
    exact_decimal = True

    def __init__(self, precision: int, scale: int) -> None:
        super().__init__(precision, scale)
        self.precision = precision
        self.scale = scale
        self._limit = Decimal(1).scaleb(precision - scale)

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(SqliteDecimal(self.precision, self.scale))
        return dialect.type_descriptor(Numeric(self.precision, self.scale))

    def coerce_compared_value(self, op: Any, value: Any) -> types.TypeEngine[Any]:
        # A comparison or a computation may carry more digits than the column stores.
        return AnyDecimal() if isinstance(value, (Decimal, int)) else super().coerce_compared_value(op, value)

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or (type(value) is int and -self._limit < value < self._limit):
            return value
        exact = _finite(value)
        if exact.copy_abs() >= self._limit:
            raise InvalidValueError("decimal", f"{exact} does not fit DECIMAL({self.precision},{self.scale})")
        if -exact.as_tuple().exponent > self.scale:  # type: ignore[operator]  # finite
            exact = self._without_trailing_zeros(exact)
        return exact

    def _without_trailing_zeros(self, value: Decimal) -> Decimal:
        rounded = value.quantize(Decimal(1).scaleb(-self.scale), context=_WIDE)
        if rounded != value:
            raise InvalidValueError("decimal", f"{value} has more than {self.scale} digits after the point")
        return rounded


class AnyDecimal(types.TypeDecorator[Decimal]):
    """An exact decimal of any scale: an operand, or the result of a computation."""

    impl = Numeric
    cache_ok = True
    exact_decimal = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        kind = SqliteDecimal(65, 0) if dialect.name == "sqlite" else Numeric()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | int | None:
        if value is None or type(value) is int:
            return value
        exact = _finite(value)
        if exact and not -_DIGITS <= exact.adjusted() < _DIGITS:
            raise InvalidValueError("decimal", f"{exact} is beyond what databases compute with")
        return exact or Decimal(0)  # 0E-99999 is as many digits


def _finite(value: object) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, Decimal):
        raise InvalidValueError("decimal", f"{type(value).__name__} is not accepted, pass a Decimal")
    if not value.is_finite():
        raise InvalidValueError("decimal", f"{value} is not a number that can be stored")
    return value


class _DecimalFunction(GenericFunction[Any]):
    """A SQL function whose result is an exact decimal if its argument is one; else as it was."""

    _register = False
    inherit_cache = True

    def __init__(self, *clauses: Any, **kwargs: Any) -> None:
        super().__init__(*clauses, **kwargs)
        argument = next(iter(self.clauses), None)
        if kwargs.get("type_") is None and getattr(getattr(argument, "type", None), "exact_decimal", False):
            self.type = AnyDecimal()


class _Avg(_DecimalFunction):
    name = identifier = "avg"
    inherit_cache = True


class _Abs(_DecimalFunction):
    name = identifier = "abs"
    inherit_cache = True


class _Round(_DecimalFunction):
    name = identifier = "round"
    inherit_cache = True


class UtcDateTime(types.TypeDecorator[datetime]):
    """A moment, aware and in UTC in Python, DATETIME(6) in UTC in the database.

    Raises:
        InvalidValueError: on binding a naive datetime, whose moment nobody knows.
    """

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise InvalidValueError("datetime", f"{type(value).__name__} is not accepted, pass a datetime")
        if value.tzinfo is None:
            raise InvalidValueError(
                "datetime", f"{value.isoformat()} has no time zone; pass an aware datetime"
            )
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        try:
            return value.replace(tzinfo=UTC)
        except TypeError:  # the driver's answer to MySQL's 0000-00-00: the text as it is
            raise InvalidValueError("datetime", f"the database holds {value!r}, which is no moment") from None


def Choice(kind: type[StrEnum], name: str | None = None) -> Enum:  # noqa: N802
    """Return an ENUM of the values of a string enum; SQLite gets a CHECK with the same words.

    Args:
        kind: the enum; its values (not its names) are stored.
        name: the CHECK constraint's name; by default the enum's name in lower case.
    """
    return Enum(
        kind,
        values_callable=lambda members: [member.value for member in members],
        name=name or kind.__name__.lower(),
        native_enum=True,
        create_constraint=True,
        validate_strings=True,
    )
