"""Conditions that find rows by many primary keys at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from shardwise.repository.shape import ModelShape

_KEYS_A_QUERY = 5_000
_PREFIXES_A_QUERY = 500  # SQLite takes no more than 1,000 terms of an OR

Key = tuple[Any, ...]


def parts_of(keys: Iterable[Key]) -> Iterator[list[Key]]:
    """Yield the keys in lists that a statement can hold each, in their order."""
    part: list[Key] = []
    prefixes: set[Key] = set()
    for key in keys:
        prefixes.add(key[:-1])
        if len(part) == _KEYS_A_QUERY or len(prefixes) > _PREFIXES_A_QUERY:
            yield part
            part, prefixes = [], {key[:-1]}
        part.append(key)
    if part:
        yield part


def with_keys(shape: ModelShape, keys: Sequence[Key]) -> ColumnElement[bool]:
    """Return the condition that a row has one of the keys, led by equality of all parts but the last.

    So a key that begins with an account names it plainly, for the router and for the index.
    """
    *leading, last = (shape.columns[name] for name in shape.identity)
    groups: dict[Key, list[Any]] = {}
    for key in keys:
        groups.setdefault(key[:-1], []).append(key[-1])
    return or_(
        *(
            and_(
                *(column == value for column, value in zip(leading, prefix, strict=True)),
                last == values[0] if len(values) == 1 else last.in_(values),
            )
            for prefix, values in groups.items()
        )
    )
