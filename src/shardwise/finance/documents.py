"""Checks of JSON documents before they are stored: some databases keep also what JSON can't say."""

import math
from collections.abc import Iterator

from shardwise.errors import InvalidValueError

_DEEPEST = 31  # lists and objects within each other; MariaDB takes no more


def check_document(field: str, value: object) -> object:
    """Return a value that JSON can hold and that comes back equal, number by number.

    Args:
        field: what to call it in an error; the place inside is added: `data.levels[3]`.
        value: None, or bool, int, finite float, str without lone surrogates, and lists and dicts of those
            with str keys, nested at most 31 deep.

    Raises:
        InvalidValueError: a part of it is something else; the part is named.
    """
    pending = [(field, value, 0)]
    while pending:
        place, part, depth = pending.pop()
        if isinstance(part, (dict, list)):
            if depth == _DEEPEST:
                raise InvalidValueError(field, f"it is nested more than {_DEEPEST} deep")
            pending += [(inside, item, depth + 1) for inside, item in _items(place, part)]
        elif isinstance(part, str):
            _check_characters(place, part)
        elif isinstance(part, float) and not math.isfinite(part):
            raise InvalidValueError(place, f"{part} is not a number that JSON can hold")
        elif part is not None and not isinstance(part, (bool, int, float)):
            raise InvalidValueError(place, f"JSON has no {type(part).__name__}")
    return value


def _items(place: str, part: dict[object, object] | list[object]) -> Iterator[tuple[str, object]]:
    if isinstance(part, list):
        yield from ((f"{place}[{number}]", item) for number, item in enumerate(part))
        return
    for key, item in part.items():
        if not isinstance(key, str):
            raise InvalidValueError(place, f"JSON's keys are text, not {type(key).__name__}")
        _check_characters(place, key)
        yield f"{place}.{key}", item


def _check_characters(place: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        surrogate = ord(text[error.start])
        raise InvalidValueError(place, f"the character U+{surrogate:04X} is not accepted") from None
