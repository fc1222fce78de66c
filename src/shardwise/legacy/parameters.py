"""The types of the old procedures' parameters: what is accepted, and what reaches the code."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from shardwise.errors import InvalidValueError

_U64 = (1 << 64) - 1
_I64 = (1 << 63) - 1
_I32 = (1 << 31) - 1
_WHOLE = re.compile("-?[0-9]{1,40}")
_EXACT = Context(prec=65, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a procedure.

    Attributes:
        name: without the `p_` of the old scripts, as the function calls it.
        type: what the old scripts call it: `u64`, `text(100)`, `dec(19,6)`.
        accept: turns what a caller passes, never None, into what the function gets.
        secret: never written to the error log, not even in part.
    """

    name: str
    type: str
    accept: Callable[[str, Any], Any]
    secret: bool = False

    def value(self, given: Any) -> Any:
        """Return what the function gets; NULL stays None.

        Raises:
            InvalidValueError: the value is not of this type; the message doesn't repeat it.
        """
        return None if given is None else self.accept(f"p_{self.name}", given)


def u64(name: str) -> Parameter:
    """Return an unsigned 64-bit number."""
    return _whole(name, "u64", 0, _U64)


def i64(name: str) -> Parameter:
    """Return a signed 64-bit number."""
    return _whole(name, "i64", -_I64 - 1, _I64)


def i32(name: str) -> Parameter:
    """Return a signed 32-bit number."""
    return _whole(name, "i32", -_I32 - 1, _I32)


def i8(name: str) -> Parameter:
    """Return a signed number of one byte."""
    return _whole(name, "i8", -128, 127)


def u8(name: str) -> Parameter:
    """Return an unsigned number of one byte."""
    return _whole(name, "u8", 0, 255)


def flag(name: str) -> Parameter:
    """Return a yes or no, which the old scripts call bit(1): a bool, 0 or 1, or a byte of those."""

    def accept(called: str, given: Any) -> bool:
        if isinstance(given, bytes) and len(given) == 1:
            given = given[0]
        if isinstance(given, int) and given in (0, 1):
            return bool(given)
        raise InvalidValueError(called, "it must be true or false, 1 or 0")

    return Parameter(name=name, type="bit", accept=accept)


def text(name: str, longest: int, *, secret: bool = False) -> Parameter:
    """Return a text of at most so many characters."""

    def accept(called: str, given: Any) -> str:
        if not isinstance(given, str):
            raise InvalidValueError(called, f"it must be text, not {type(given).__name__}")
        if len(given) > longest:
            raise InvalidValueError(called, f"it has {len(given)} characters; at most {longest} are accepted")
        return given

    return Parameter(name=name, type=f"text({longest})", accept=accept, secret=secret)


def word(name: str, *words: str) -> Parameter:
    """Return one of several words, in any case, as an ENUM takes them."""
    by_folded = {known.casefold(): known for known in words}

    def accept(called: str, given: Any) -> str:
        if not isinstance(given, str) or given.casefold() not in by_folded:
            raise InvalidValueError(called, f"it must be one of {', '.join(words)}")
        return by_folded[given.casefold()]

    return Parameter(name=name, type=f"enum({','.join(words)})", accept=accept)


def dec(name: str, precision: int, scale: int) -> Parameter:
    """Return an exact decimal, rounded half up like the old server; a float is what it prints as."""
    limit = Decimal(1).scaleb(precision - scale)

    def accept(called: str, given: Any) -> Decimal:
        try:
            exact = Decimal(str(given)) if isinstance(given, (int, float, str)) else given
        except InvalidOperation:
            exact = None
        if isinstance(given, bool) or not isinstance(exact, Decimal) or not exact.is_finite():
            raise InvalidValueError(called, "it must be a number")
        if abs(exact) < limit:
            exact = exact.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
        if abs(exact) >= limit:
            raise InvalidValueError(called, f"it has more than {precision - scale} digits before the point")
        return exact

    return Parameter(name=name, type=f"dec({precision},{scale})", accept=accept)


def moment(name: str) -> Parameter:
    """Return a moment in UTC, from an aware datetime, a naive one (taken as UTC), a date or ISO 8601 text."""

    def accept(called: str, given: Any) -> datetime:
        if isinstance(given, str):
            try:
                given = datetime.fromisoformat(given)
            except ValueError:
                raise InvalidValueError(called, "it is no date and time in ISO 8601") from None
        if type(given) is date:
            given = datetime.combine(given, time())
        if not isinstance(given, datetime):
            raise InvalidValueError(called, f"it must be a datetime, not {type(given).__name__}")
        try:
            return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
        except OverflowError:
            raise InvalidValueError(called, "it is before the year 1 or after 9999 in UTC") from None

    return Parameter(name=name, type="dt6", accept=accept)


def day(name: str) -> Parameter:
    """Return a date, from a date or ISO 8601 text; a datetime's time of day is dropped."""

    def accept(called: str, given: Any) -> date:
        if isinstance(given, str):
            try:
                given = datetime.fromisoformat(given)
            except ValueError:
                raise InvalidValueError(called, "it is no date in ISO 8601") from None
        if isinstance(given, datetime):
            return given.date()
        if not isinstance(given, date):
            raise InvalidValueError(called, f"it must be a date, not {type(given).__name__}")
        return given

    return Parameter(name=name, type="date", accept=accept)


def json_document(name: str) -> Parameter:
    """Return what a JSON text says; a dict or a list is taken as it is."""

    def accept(called: str, given: Any) -> Any:
        if isinstance(given, (dict, list)):
            return given
        if not isinstance(given, (str, bytes)):
            raise InvalidValueError(called, f"it must be JSON text, not {type(given).__name__}")
        try:
            return json.loads(given)
        except (ValueError, RecursionError):  # the latter: nested too deep
            raise InvalidValueError(called, "it is not valid JSON") from None

    return Parameter(name=name, type="JSON", accept=accept)


def _whole(name: str, kind: str, lowest: int, highest: int) -> Parameter:
    def accept(called: str, given: Any) -> int:
        if isinstance(given, bool):
            given = int(given)
        if isinstance(given, str) and _WHOLE.fullmatch(given):
            given = int(given)  # the old driver pasted it into the statement, and the server converted it
        if not isinstance(given, int):
            raise InvalidValueError(called, f"it must be a whole number, not {type(given).__name__}")
        if not lowest <= given <= highest:
            raise InvalidValueError(called, f"it must be from {lowest} to {highest}")
        return given

    return Parameter(name=name, type=kind, accept=accept)
