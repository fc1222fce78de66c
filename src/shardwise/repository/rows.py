"""Rows given as mappings, made ready for one statement with many parameter sets."""

from collections.abc import Iterable, Mapping
from typing import Any

from shardwise.errors import CrossAccountAccessError, InvalidValueError, MissingShardKeyError
from shardwise.repository.shape import ModelShape
from shardwise.repository.values import check_stored

Row = Mapping[str, object]


def grouped_rows(
    shape: ModelShape, rows: Iterable[Row], account: int | None
) -> dict[frozenset[str], list[dict[str, Any]]]:
    """Return the rows, keyed by the table's columns, in groups by the attributes that they name.

    One group is one statement: SQLAlchemy takes the columns from the first row and would drop what only
    later ones have. Rows that name other columns keep their own, so that defaults apply.

    Args:
        shape: the model.
        rows: mappings from attribute names to values.
        account: the account that the session is pinned to, if it is.

    Raises:
        InvalidValueError: something isn't a mapping, names what isn't a column, or holds a value that
            isn't of its column's type.
        MissingShardKeyError: a row of a sharded model has no account_db_key.
        CrossAccountAccessError: a row belongs to another account than the session.
    """
    require_one_table(shape)
    groups: dict[frozenset[str], list[Any]] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidValueError("rows", f"holds {type(row).__name__} among mappings")
        groups.setdefault(frozenset(row), []).append(row)
    for names, group in groups.items():
        for name in names:
            if name not in shape.writable:
                raise shape.unknown(name)
            check_stored(shape.columns[name], [row[name] for row in group])
        check_accounts(shape, [row.get(shape.shard_key) for row in group], account)
    return {names: _by_column(shape, names, group) for names, group in groups.items()}


def require_one_table(shape: ModelShape) -> None:
    """Check that a model's rows can be written without its mapper.

    Raises:
        InvalidValueError: it takes part in inheritance.
    """
    if len(shape.mapper.tables) > 1 or shape.mapper.polymorphic_on is not None:
        raise InvalidValueError("rows", f"{shape.name} uses inheritance; give {shape.name} objects instead")


def check_accounts(shape: ModelShape, keys: Iterable[object], account: int | None) -> None:
    """Check the account keys of rows about to be written.

    Raises:
        MissingShardKeyError: one is None though the model is sharded.
        CrossAccountAccessError: one isn't the account of the session.
    """
    if shape.shard_key is None:
        return
    found = set(keys)
    if None in found:
        raise MissingShardKeyError(f"a {shape.name} has no {shape.shard_key}; nothing was sent")
    if account is not None and found - {account}:
        other = min(found - {account}, key=str)
        raise CrossAccountAccessError(
            f"this session is pinned to account {account} and was given a {shape.name} of account {other};"
            f" open db.session({other}) for it"
        )


def _by_column(shape: ModelShape, names: frozenset[str], group: list[Any]) -> list[dict[str, Any]]:
    columns = {name: shape.columns[name].property.columns[0].key for name in names}
    if all(name == column for name, column in columns.items()):
        return [row if type(row) is dict else dict(row) for row in group]
    return [{columns[name]: value for name, value in row.items()} for row in group]
