"""Exact decimals on SQLite: text compared, added and averaged as `Decimal`, never as a float.

SQLite has no decimal type: NUMERIC columns hold REAL. Here a decimal is text of a fixed scale in a
column of declared type `DECIMAL_TEXT(p, s)` (text affinity) under the collation `decimal`, and every
connection that shardwise opens carries that collation, exact aggregates in place of the built-in `sum`
and `avg`, and functions for the arithmetic operators, which the compiler below emits. A file opened by
another program needs the same collation before it can sort or compare such a column.
"""

import sqlite3
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.functions import FunctionElement

_CONTEXT = Context(prec=65, rounding=ROUND_HALF_UP)  # MariaDB computes with 65 digits
_DIVISION_DIGITS = Decimal(1).scaleb(-30)


class SqliteDecimal(types.UserDefinedType[Decimal]):
    """A DECIMAL(precision, scale) stored as text on SQLite.

    Args:
        precision: digits in all, 1 to 65.
        scale: digits after the point, 0 to `precision`.
    """

    cache_ok = True

    def __init__(self, precision: int = 65, scale: int = 30) -> None:
        self.precision = precision
        self.scale = scale

    def get_col_spec(self, **kw: Any) -> str:
        return f"DECIMAL_TEXT({self.precision}, {self.scale}) COLLATE decimal"

    @property
    def python_type(self) -> type[Decimal]:
        return Decimal

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        unit, scale = Decimal(1).scaleb(-self.scale), self.scale

        def process(value: Any) -> str | None:
            if value is None:
                return None
            exact = value if isinstance(value, Decimal) else Decimal(str(value))
            if -exact.as_tuple().exponent < scale:  # type: ignore[operator]  # finite: checked by the column
                exact = exact.quantize(unit, context=_CONTEXT)
            return format(exact, "f")

        return process

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        bind = self.bind_processor(dialect)
        return lambda value: f"'{bind(value)}'"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Decimal | None]:
        def process(value: Any) -> Decimal | None:
            return None if value is None else Decimal(str(value))

        return process


def _is_decimal(kind: types.TypeEngine[Any]) -> bool:
    return isinstance(kind, (types.Numeric, SqliteDecimal)) and not isinstance(kind, types.Float)


class DecimalSQLiteCompiler(SQLiteCompiler):
    """Compile arithmetic on decimals to the exact functions, and keep results under the collation."""

    def _exact(self, name: str, binary: BinaryExpression[Any], kw: dict[str, Any]) -> str | None:
        if not (_is_decimal(binary.left.type) or _is_decimal(binary.right.type)):
            return None
        left, right = binary.left._compiler_dispatch(self, **kw), binary.right._compiler_dispatch(self, **kw)
        return f"(decimal_{name}({left}, {right}) COLLATE decimal)"

    def visit_add_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("add", binary, kw) or self._generate_generic_binary(binary, " + ", **kw)

    def visit_sub_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("sub", binary, kw) or self._generate_generic_binary(binary, " - ", **kw)

    def visit_mul_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("mul", binary, kw) or self._generate_generic_binary(binary, " * ", **kw)

    def visit_truediv_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("div", binary, kw) or super().visit_truediv_binary(binary, operator, **kw)

    def visit_neg_unary_operator(self, unary: Any, operator: Any, **kw: Any) -> str:
        inner = unary.element._compiler_dispatch(self, **kw)
        return f"(decimal_sub('0', {inner}) COLLATE decimal)" if _is_decimal(unary.type) else f"-{inner}"

    def visit_function(self, func: FunctionElement[Any], add_to_result_map: Any = None, **kwargs: Any) -> str:
        text = super().visit_function(func, add_to_result_map=add_to_result_map, **kwargs)
        return f"({text} COLLATE decimal)" if _is_decimal(func.type) else text


def _collate(left: str, right: str) -> int:
    try:
        a, b = Decimal(left), Decimal(right)
    except InvalidOperation:
        return (left > right) - (left < right)
    return (a > b) - (a < b)


def _arithmetic(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], str | None]:
    def run(left: Any, right: Any) -> str | None:
        if left is None or right is None:
            return None
        with localcontext(_CONTEXT):
            return format(operation(Decimal(str(left)), Decimal(str(right))), "f")

    return run


def _divide(left: Any, right: Any) -> str | None:
    if left is None or right is None or not Decimal(str(right)):
        return None  # as MariaDB and SQLite both answer
    with localcontext(_CONTEXT):
        quotient = Decimal(str(left)) / Decimal(str(right))
        return format(quotient.quantize(_DIVISION_DIGITS).normalize() + 0, "f")


class _Sum:
    """`sum`, exact over text decimals, as the built-in over integers and floats; also over windows."""

    def __init__(self) -> None:
        self.total: Any = 0
        self.count = 0
        self.decimals = 0

    def step(self, value: Any) -> None:
        self._move(value, 1)

    def inverse(self, value: Any) -> None:
        self._move(value, -1)

    def _move(self, value: Any, sign: int) -> None:
        if value is None:
            return
        self.count += sign
        if isinstance(value, str):
            self.decimals += sign
            with localcontext(_CONTEXT):
                self.total = Decimal(str(self.total)) + sign * Decimal(value)
        elif isinstance(self.total, Decimal):
            with localcontext(_CONTEXT):
                self.total += sign * Decimal(str(value))
        else:
            self.total += sign * value

    def value(self) -> Any:
        if not self.count:
            return None
        return format(self.total, "f") if isinstance(self.total, Decimal) else self.total

    def finalize(self) -> Any:
        return self.value()


class _Avg(_Sum):
    """`avg`, exact over text decimals to 30 digits after the point."""

    def value(self) -> Any:
        if not self.count:
            return None
        return _divide(self.total, self.count) if isinstance(self.total, Decimal) else self.total / self.count


class ExactSqliteConnection(sqlite3.Connection):
    """A SQLite connection that knows the collation, functions and aggregates for exact decimals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.create_collation("decimal", _collate)
        for name, operation in (
            ("add", operators.add),
            ("sub", operators.sub),
            ("mul", operators.mul),
        ):
            self.create_function(f"decimal_{name}", 2, _arithmetic(operation), deterministic=True)
        self.create_function("decimal_div", 2, _divide, deterministic=True)
        self.create_window_function("sum", 1, _Sum)
        self.create_window_function("avg", 1, _Avg)
