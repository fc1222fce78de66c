"""Statements as old programs write them, with `%s` for values, made ready for either driver."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shardwise.errors import InvalidValueError
from shardwise.legacy.binding import Bind, bind_for_server, bind_for_sqlite

_QUOTED = r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`"""
_QUOTED_SQLITE = r"""'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]"""
_COMMENT = r"/\*(?!M?!).*?\*/"  # a server runs what stands in /*! … */
_ASIDE = {
    False: re.compile(rf"{_QUOTED}|{_COMMENT}|--(?=\s|$)[^\n]*|#[^\n]*", re.DOTALL),
    True: re.compile(rf"{_QUOTED_SQLITE}|{_COMMENT}|--[^\n]*", re.DOTALL),
}
_PLACE = re.compile(r"%(?:\((?P<name>[^)]*)\)s|(?P<sign>.?))", re.DOTALL)
_FIRST_WORD = re.compile(r"[\s(]*([a-z]+)", re.IGNORECASE)
_USE = re.compile(r"(?:^|;)\s*USE\b", re.IGNORECASE)
_WRITING_WORD = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_READING = frozenset({"SELECT", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "WITH", "VALUES", "TABLE"})
_UNDONE_BY_ROLLBACK = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_ANSWERED_ONCE = _READING | _UNDONE_BY_ROLLBACK | {"CREATE", "ALTER", "DROP", "TRUNCATE", "SET"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement, ready for a driver.

    Attributes:
        text: the SQL, with the driver's own signs for values.
        values: what goes into it, in order; empty = the driver gets none, and leaves every `%` alone.
        bare: the SQL without its quoted parts and comments.
    """

    text: str
    values: tuple[Any, ...]
    bare: str

    @property
    def verb(self) -> str:
        """Return the first word, in capitals."""
        found = _FIRST_WORD.match(self.bare)
        return found[1].upper() if found else ""

    @property
    def reads(self) -> bool:
        """Return whether this is one statement, and its words say that it only reads."""
        writes = self.verb == "WITH" and _WRITING_WORD.search(self.bare) is not None
        return self.verb in _READING and self._is_one and not writes

    @property
    def inserts(self) -> bool:
        """Return whether it may have made an id."""
        return self.verb in ("INSERT", "REPLACE")

    @property
    def can_be_undone(self) -> bool:
        """Return whether a rollback undoes it; what defines tables, or calls, may commit on its own."""
        return self.reads or (self.verb in _UNDONE_BY_ROLLBACK and self._is_one)

    @property
    def answers_once(self) -> bool:
        """Return whether a server answers it with one set of rows or one count."""
        return self._is_one and self.verb in _ANSWERED_ONCE

    @property
    def _is_one(self) -> bool:
        return ";" not in self.bare.rstrip("; \t\r\n") and "/*" not in self.bare


def prepare(query: str, params: Any = (), *, sqlite: bool) -> Statement:
    """Return a statement for one of the two drivers.

    Args:
        query: SQL with `%s` or `%(name)s` for values and `%%` for a percent sign. SQLite gets `?` for each
            that stands outside of quotes and comments; within them only `%%` means something there.
        params: a tuple or list of values, a dict for named ones, or a single value. A value that is itself a
            tuple or list becomes `(a, b, …)`, for `IN %s`. None = there are none and `%` is only a sign.
        sqlite: for SQLite, not for a server.

    Raises:
        InvalidValueError: the number of values isn't the number of signs, a `%` stands alone, a value is
            of a type that no column takes, or the query is no text or chooses another database.
    """
    if not isinstance(query, str):
        raise InvalidValueError("query", f"it must be SQL as text, not {type(query).__name__}")
    aside = _ASIDE[sqlite]
    bare = aside.sub(" ", query)
    if _USE.search(bare):  # the connection would stay there, for whoever gets it next
        raise InvalidValueError("query", "USE is not possible; write `database.table` instead")
    if params is None:
        return Statement(text=query, values=(), bare=bare)
    places = _Places(params, bind_for_sqlite if sqlite else bind_for_server, "?" if sqlite else "%s")
    pieces = _pieces(aside, query) if sqlite else [(query, True)]
    text = "".join(_PLACE.sub(places.fill if code else places.keep, piece) for piece, code in pieces)
    values = places.finish()
    if not values or sqlite:
        text = text.replace("%%", "%")
    return Statement(text=text, values=values, bare=bare)


def _pieces(aside: re.Pattern[str], query: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a query, and whether each is code."""
    end = 0
    for match in aside.finditer(query):
        yield query[end : match.start()], True
        yield match[0], False
        end = match.end()
    yield query[end:], True


class _Places:
    """Puts the driver's signs where values go, and collects the values."""

    def __init__(self, params: Any, bind: Bind, sign: str) -> None:
        self._named = params if isinstance(params, Mapping) else None
        self._given = tuple(params) if isinstance(params, (tuple, list)) else (params,)
        self._bind = bind
        self._sign = sign
        self._used = 0
        self._values: list[Any] = []

    def fill(self, match: re.Match[str]) -> str:
        name = match["name"]
        if name is not None:
            return self._add(self._value_named(name))
        if match["sign"] == "s" and self._named is None:
            self._used += 1
            return self._add(self._given[self._used - 1] if self._used <= len(self._given) else None)
        if match["sign"] == "s":
            raise InvalidValueError("params", "%s stands for values in order, but they were given by name")
        return self.keep(match)

    def keep(self, match: re.Match[str]) -> str:
        if match["sign"] in ("%", "s") or match["name"] is not None:
            return match[0]
        raise InvalidValueError(
            "query", "a % stands alone in it; write %% for a percent sign, %s for a value"
        )

    def finish(self) -> tuple[Any, ...]:
        if self._named is None and self._used != len(self._given):
            raise InvalidValueError(
                "params", f"the query has {self._used} %s and {len(self._given)} values were given"
            )
        return tuple(self._values)

    def _value_named(self, name: str) -> Any:
        if self._named is None or name not in self._named:
            raise InvalidValueError("params", f"there is no value for %({name})s")
        return self._named[name]

    def _add(self, value: Any) -> str:
        if not isinstance(value, (tuple, list)):
            self._values.append(self._bind(value))
            return self._sign
        if not value:
            raise InvalidValueError("params", "a list of values is empty")
        self._values += map(self._bind, value)
        return f"({', '.join([self._sign] * len(value))})"
