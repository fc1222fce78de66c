"""Checks of what callers hand in, before any of it reaches a database. Each error names the field."""

import re
import unicodedata
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from shardwise.errors import InvalidValueError

EXACT = Context(prec=65, rounding=ROUND_HALF_UP)

_BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line and paragraph ends
# Letters, marks and symbols that show nothing, by whatever category (Unicode's Default_Ignorable_Code_Point).
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
MOST_PARTS = 4  # of one composed character
_CODE = re.compile(r"[!-~]+")


def check_text(field: str, value: object, *, longest: int) -> str:
    """Return a text that has 1 to `longest` characters, on one line, with no white space around it.

    Args:
        field: what to call it in an error.
        value: any Unicode text; 4-byte characters count as one.
        longest: characters, as the column counts them.

    Raises:
        InvalidValueError: it is not such a text.
    """
    if not isinstance(value, str):
        raise InvalidValueError(field, f"it must be text, not {type(value).__name__}")
    if not 1 <= len(value) <= longest:
        raise InvalidValueError(field, f"it has {len(value)} characters; 1 to {longest} are accepted")
    if value != value.strip():
        raise InvalidValueError(field, "it begins or ends with white space")
    return check_line(field, value)


def check_line(field: str, value: str) -> str:
    """Return a text of any length that stays on one line and that every database can store.

    Raises:
        InvalidValueError: it has control characters, line ends or lone surrogates.
    """
    for character in value:
        if unicodedata.category(character) in _BREAKS:
            raise _not_accepted(field, character)
    return value


def check_name(field: str, value: object, *, longest: int) -> str:
    """Return a text by which somebody is found, in Unicode's composed form (NFC).

    One look has one form, so that a name is found however a keyboard composes its accents. Look-alikes of
    other scripts stay different names.

    Raises:
        InvalidValueError: as `check_text`, or a character shows nothing, or is a space other than U+0020.
    """
    if isinstance(value, str) and len(value) <= MOST_PARTS * longest:  # a long one would take long
        value = unicodedata.normalize("NFC", value)
    name = check_text(field, value, longest=longest)
    for character in name:
        unseen = unicodedata.category(character) in ("Cf", "Zs") and character != " "
        if unseen or _BLANK.match(character):
            raise _not_accepted(field, character)
    return name


def _not_accepted(field: str, character: str) -> InvalidValueError:
    return InvalidValueError(field, f"the character U+{ord(character):04X} is not accepted")


def check_code(field: str, value: str, *, longest: int) -> str:
    """Return an identifier: 1 to `longest` visible ASCII characters with no space.

    Raises:
        InvalidValueError: it is not one.
    """
    check_text(field, value, longest=longest)
    if not _CODE.fullmatch(value):
        raise InvalidValueError(field, "only visible ASCII characters without spaces are accepted")
    return value


def check_moment(field: str, value: object) -> datetime:
    """Return an aware datetime.

    Raises:
        InvalidValueError: it is something else.
    """
    if not isinstance(value, datetime):
        raise InvalidValueError(field, f"it must be a datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise InvalidValueError(field, "it has no time zone; pass an aware datetime")
    return value


def check_decimal(field: str, value: Decimal, *, precision: int, scale: int, zero: bool = False) -> Decimal:
    """Return a number above zero that fits DECIMAL(precision, scale) exactly, with `scale` digits.

    Args:
        field: what to call it in an error.
        value: the number.
        precision: digits in all.
        scale: digits after the point.
        zero: accept zero too.

    Raises:
        InvalidValueError: it is no `Decimal`, not finite, not above zero, too large, or has more than
            `scale` digits after the point (it is never rounded).
    """
    if not isinstance(value, Decimal):
        raise InvalidValueError(field, f"it must be a Decimal, not {type(value).__name__}")
    if not value.is_finite():
        raise InvalidValueError(field, f"{value} is not a finite number")
    if value < 0 or (value == 0 and not zero):
        raise InvalidValueError(field, f"{value} is {'below' if zero else 'not above'} zero")
    if value >= Decimal(1).scaleb(precision - scale):
        raise InvalidValueError(
            field, f"{value} is too large for {precision - scale} digits before the point"
        )
    exact = to_scale(value, scale)
    if exact != value:
        raise InvalidValueError(field, f"{value} has more than {scale} digits after the point")
    return exact


def to_scale(value: Decimal, scale: int) -> Decimal:
    """Return a number rounded half up to `scale` digits after the point."""
    return value.quantize(Decimal(1).scaleb(-scale), context=EXACT)
