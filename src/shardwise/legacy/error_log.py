"""What a failed call leaves in `table_errorlog` of its database."""

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from shardwise.database import ShardedDatabase
from shardwise.errors import ShardwiseError
from shardwise.legacy.arguments import signature_for
from shardwise.legacy.procedure import Procedure
from shardwise.schema.control import ErrorLog, ErrorLogColumns, GlobalErrorLog

logger = logging.getLogger(__name__)

_DEADLINE = 5.0  # seconds, on a server: a caller who waits for an error doesn't wait long for its log
_MASK = "***"
_SHORT = 8  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failed call, as the log holds it."""

    procedure_name: str
    error_state: str
    error_no: str
    error_message: str
    param: str


def failure_of(procedure: Procedure, given: Sequence[Any], error: Exception) -> Failure:
    """Return the log's row for a failed call; it holds no secret argument and no driver's text.

    Args:
        procedure: what was called.
        given: the values that the caller passed.
        error: what the call ended with.
    """
    state, number = _codes(error)
    return Failure(
        procedure_name=_cut("procedure_name", procedure.name),
        error_state=_cut("error_state", state),
        error_no=_cut("error_no", number),
        error_message=_cut("error_message", _message(procedure, given, error)),
        param=_cut("param", _param(procedure, given)),
    )


async def write_failure(db: ShardedDatabase, shard_id: int | None, failure: Failure) -> None:
    """Store a row in the log of the global database or of a shard, in a transaction of its own.

    Never raises because of the database: whoever calls this has an error to hand on. That the row could
    not be written is a message of Python's logging.
    """
    model = GlobalErrorLog if shard_id is None else ErrorLog
    row = {name: getattr(failure, name) for name in Failure.__dataclass_fields__}
    scope = db.global_session() if shard_id is None else db.shard_session(shard_id, maintenance=True)
    try:
        async with asyncio.timeout(_DEADLINE) as deadline, scope as session:
            if session.get_bind().dialect.name == "sqlite":
                deadline.reschedule(None)  # it waits for the one writer in a thread, which can't be cancelled
            await session.execute(insert(model).values(row))
    except Exception as error:  # noqa: BLE001  # whatever it was, the caller's own error counts
        where = "the global database" if shard_id is None else f"shard {shard_id}"
        logger.error(
            "table_errorlog of %s can't be written (%s); the failed call was %s: %s %s",
            where, _said(error), failure.procedure_name, failure.error_no, failure.error_message,
        )  # fmt: skip


def _said(error: Exception) -> str:
    """Return what an error says, if it is one of ours; others may repeat values."""
    return f"{type(error).__name__}: {error}" if isinstance(error, ShardwiseError) else type(error).__name__


def _message(procedure: Procedure, given: Sequence[Any], error: Exception) -> str:
    said = _said(error)
    for one, value in zip(signature_for(procedure, given) or (), given, strict=False):
        if one.secret and isinstance(value, str) and value:
            # Whole words only if it is short: letters cut out of others would tell which ones it has.
            text = re.escape(value)
            said = re.sub(rf"(?<!\w){text}(?!\w)" if len(value) < _SHORT else text, _MASK, said)
    return said


def _param(procedure: Procedure, given: Sequence[Any]) -> str:
    signature = signature_for(procedure, given)
    if signature is None:
        return f"{len(given)} values"  # nobody knows which of them are secret
    return ", ".join(
        f"{one.name}={_shown(value) if not one.secret or value is None else _MASK}"
        for one, value in zip(signature, given, strict=True)
    )


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    try:
        if isinstance(value, (date, datetime)):
            return value.isoformat()
        if isinstance(value, (dict, list)):
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, (str, bytes, int, float, Decimal)):
            return str(value)
    except Exception:  # noqa: BLE001, S110  # the caller's own error counts
        pass
    return type(value).__name__


def _codes(error: BaseException) -> tuple[str, str]:
    """Return the SQLSTATE and the number of the driver's error that led to this one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DBAPIError):
        cause = cause.__cause__
    driver = None if cause is None else cause.orig
    if isinstance(driver, sqlite3.Error):
        return "HY000", str(getattr(driver, "sqlite_errorcode", 0))
    arguments: tuple[Any, ...] = getattr(driver, "args", ())
    number = arguments[0] if arguments and isinstance(arguments[0], int) else 0
    return getattr(driver, "sqlstate", None) or "HY000", str(number)


def _cut(column: str, text: str) -> str:
    """Return text that its column takes: not longer, and valid Unicode."""
    longest: int = getattr(ErrorLogColumns, column).column.type.length
    return text[:longest].encode("utf-8", "replace").decode()
