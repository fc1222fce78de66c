"""What the old procedures for alarms and signals have in common."""

from collections.abc import Iterable
from typing import Any

from shardwise.legacy.procedure import OnError, Procedure, Row, Rows, Scope, Signature
from shardwise.legacy.rows import code

STATUS = ("ErrorCode", "ErrorMessage")
NO_ALARM = "Alert not found"


def procedure(name: str, run: Any, *signatures: Signature, **options: Any) -> Procedure:
    """Return a procedure of the shards that reports its failures in a row."""
    options.setdefault("results", (STATUS,))
    return Procedure(
        name=name, scope=Scope.SHARD, signatures=signatures, run=run, on_error=OnError.ERROR_ROW, **options
    )


def success() -> Row:
    """Return the row that comes before the data."""
    return code(0, "SUCCESS")


def rows(columns: tuple[str, ...], found: Iterable[object]) -> Rows:
    """Return some columns of what was found, in their order."""
    return [{name: getattr(row, name) for name in columns} for row in found]
