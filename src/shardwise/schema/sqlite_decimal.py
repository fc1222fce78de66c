"""Exact decimals on SQLite: text compared, added and averaged as `Decimal`, never as a float.

SQLite has no decimal type: NUMERIC columns hold REAL. Here a decimal is text of a fixed scale in a
column of declared type `DECIMAL_TEXT(p, s)` (text affinity) under the collation `decimal`, and every
connection that shardwise opens carries that collation, exact aggregates in place of the built-in `sum`
and `avg` and of `abs` and `round`, and functions for the arithmetic operators, which the compiler below
emits. A file opened by another program needs the same collation before it can sort or compare such a column.
"""

import operator
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation, localcontext
from typing import Any

from sqlalchemy import ColumnElement, types
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.elements import BinaryExpression

_CONTEXT = Context(prec=65, rounding=ROUND_HALF_UP)  # MariaDB computes with 65 digits
_DIVISION_DIGITS = Decimal(1).scaleb(-30)


class SqliteDecimal(types.UserDefinedType[Decimal]):
    """A DECIMAL(precision, scale) stored as text on SQLite.

    Args:
        precision: digits in all, 1 to 65.
        scale: digits after the point, 0 to `precision`.
    """

    cache_ok = True
    exact_decimal = True

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
            return format(exact if exact else exact.copy_abs(), "f")  # there is no -0.00

        return process

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        bind = self.bind_processor(dialect)
        return lambda value: f"'{bind(value)}'"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Decimal | None]:
        def process(value: Any) -> Decimal | None:
            return None if value is None else Decimal(str(value))

        return process


def _is_exact(kind: types.TypeEngine[Any]) -> bool:
    return getattr(kind, "exact_decimal", False)


class DecimalSQLiteCompiler(SQLiteCompiler):
    """Compile arithmetic on exact decimals to functions, and keep every result under the collation.

    SQLite forgets a column's collation in whatever is computed from it; without it a comparison or an
    ORDER BY would look at the text.
    """

    def _collated(self, text: str, element: ColumnElement[Any]) -> str:
        if id(element) in self._bare or not _is_exact(element.type):
            return text
        return f"(CAST({text} AS TEXT) COLLATE decimal)"  # it may be an integer: coalesce(amount, 0)

    @property
    def _bare(self) -> set[int]:
        """Functions that OVER or FILTER follows: the collation goes behind the whole."""
        found: set[int] = self.__dict__.setdefault("_bare_functions", set())
        return found

    def _stock(self, visit: str, *args: Any, **kwargs: Any) -> str:
        text: str = getattr(super(), visit)(*args, **kwargs)  # by name: these are not typed
        return text

    def _exact(self, name: str, binary: BinaryExpression[Any], kw: dict[str, Any]) -> str | None:
        if not (_is_exact(binary.left.type) or _is_exact(binary.right.type)):
            return None
        left, right = binary.left._compiler_dispatch(self, **kw), binary.right._compiler_dispatch(self, **kw)
        return f"(decimal_{name}({left}, {right}) COLLATE decimal)"

    def visit_add_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("add", binary, kw) or self._generate_generic_binary(binary, " + ", **kw)

    def visit_sub_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("sub", binary, kw) or self._generate_generic_binary(binary, " - ", **kw)

    def visit_mul_binary(self, binary: BinaryExpression[Any], operator: Any, **kw: Any) -> str:
        return self._exact("mul", binary, kw) or self._generate_generic_binary(binary, " * ", **kw)

    def visit_truediv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._exact("div", binary, kw) or self._stock("visit_truediv_binary", binary, operator, **kw)

    def visit_mod_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        return self._exact("mod", binary, kw) or self._stock("visit_mod_binary", binary, operator, **kw)

    def visit_neg_unary_operator(self, unary: Any, operator: Any, **kw: Any) -> str:
        inner = unary.element._compiler_dispatch(self, **kw)
        return f"(decimal_sub('0', {inner}) COLLATE decimal)" if _is_exact(unary.type) else f"-{inner}"

    def visit_function(self, func: Any, add_to_result_map: Any = None, **kwargs: Any) -> str:
        text = super().visit_function(func, add_to_result_map=add_to_result_map, **kwargs)
        return self._collated(text, func)

    def visit_funcfilter(self, funcfilter: Any, **kwargs: Any) -> str:
        self._bare.add(id(funcfilter.func))
        return self._collated(self._stock("visit_funcfilter", funcfilter, **kwargs), funcfilter)

    def visit_over(self, over: Any, **kwargs: Any) -> str:
        self._bare.add(id(over.element))
        return self._collated(self._stock("visit_over", over, **kwargs), over)

    def visit_case(self, clause: Any, **kwargs: Any) -> str:
        return self._collated(self._stock("visit_case", clause, **kwargs), clause)

    def visit_grouping(self, grouping: Any, asfrom: Any = False, **kwargs: Any) -> str:
        text = self._stock("visit_grouping", grouping, asfrom=asfrom, **kwargs)
        return self._collated(text, grouping)  # a scalar subquery too


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


def _remainder(left: Any, right: Any) -> str | None:
    if left is None or right is None or not Decimal(str(right)):
        return None
    with localcontext(_CONTEXT):
        return format(Decimal(str(left)) % Decimal(str(right)), "f")  # the sign of `left`, as in MariaDB


_OPERATIONS: Mapping[str, Callable[[Any, Any], str | None]] = {
    "add": _arithmetic(operator.add),
    "sub": _arithmetic(operator.sub),
    "mul": _arithmetic(operator.mul),
    "div": _divide,
    "mod": _remainder,
}


def _absolute(value: Any) -> Any:
    return format(Decimal(value).copy_abs(), "f") if isinstance(value, str) else value and abs(value)


def _round(value: Any, digits: Any = 0) -> Any:
    if value is None or digits is None:
        return None
    rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), context=_CONTEXT)
    return format(rounded, "f") if isinstance(value, str) else float(rounded)


class _Sum:
    """`sum`, exact over text decimals, as the built-in over integers and floats; also over windows."""

    def __init__(self) -> None:
        self.total: Any = 0
        self.count = 0

    def step(self, value: Any) -> None:
        self._move(value, 1)

    def inverse(self, value: Any) -> None:
        self._move(value, -1)

    def _move(self, value: Any, sign: int) -> None:
        if value is None:
            return
        self.count += sign
        if isinstance(value, str):
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
    """A SQLite connection that knows the collation, functions and aggregates for exact decimals.

    Closing it always ends its transaction.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.create_collation("decimal", _collate)
        for name, operation in _OPERATIONS.items():
            self.create_function(f"decimal_{name}", 2, operation, deterministic=True)
        self.create_function("abs", 1, _absolute, deterministic=True)
        for arguments in (1, 2):
            self.create_function("round", arguments, _round, deterministic=True)
        self.create_window_function("sum", 1, _Sum)
        self.create_window_function("avg", 1, _Avg)

    def close(self) -> None:
        """Close, and undo what is under way first.

        A cursor that was not read to its end (its task was cancelled) keeps SQLite from really closing the
        file, and with it the lock of its transaction, for as long as anybody holds the cancelled task.
        """
        with suppress(sqlite3.Error):  # closed before, which is no error
            if self.in_transaction:
                self.rollback()
        super().close()
