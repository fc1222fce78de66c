"""What a caller wants to set, with "leave it alone" told apart from "set it to NULL"."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Literal

from shardwise.errors import InvalidValueError, ShardKeyChangedError
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import check_stored


class UnsetType(Enum):
    """The type of `UNSET`, for annotations: `name: str | UnsetType | None = UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = UnsetType.UNSET
"""A value that was not given: the column stays as it is, whereas None sets it to NULL."""


def checked_changes(shape: ModelShape, changes: Mapping[str, object]) -> dict[str, Any]:
    """Return the changes without those that are UNSET.

    Raises:
        InvalidValueError: the model has no such column, or a value isn't of the column's type.
        ValueRefusedError: a text is too long.
    """
    given = {name: value for name, value in changes.items() if value is not UNSET}
    for name, value in given.items():
        if name not in shape.writable:
            raise shape.unknown(name)
        check_stored(shape.columns[name], [value])
    return given


def without_identity(
    shape: ModelShape, changes: Mapping[str, Any], key: tuple[Any, ...] | None
) -> dict[str, Any]:
    """Return the changes without parts of the primary key that stay as they are.

    Args:
        shape: the model.
        changes: from `checked_changes`.
        key: the row's primary key; None for several rows, whose keys can't be named at all.

    Raises:
        ShardKeyChangedError: `account_db_key` would change.
        InvalidValueError: another part of the primary key would.
    """
    current = dict(zip(shape.identity, key, strict=True)) if key is not None else {}
    for name in changes.keys() & ({*shape.identity, shape.shard_key} - {None}):
        if name in current and current[name] == changes[name]:
            continue
        if name == shape.shard_key:
            raise ShardKeyChangedError(
                f"{name} of a stored {shape.name} can't be changed; a row moves between accounts by"
                " being deleted there and created here"
            )
        raise InvalidValueError(name, f"is part of {shape.name}'s primary key, which doesn't change")
    return {name: value for name, value in changes.items() if name not in shape.identity}
