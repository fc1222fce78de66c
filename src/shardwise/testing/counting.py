"""Counting the statements that a piece of work sends."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import event

from shardwise.database import ShardedDatabase
from shardwise.testing.isolation import managers

_FRAME = ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")  # SQLite's transactions begin with statements


@contextmanager
def count_statements(db: ShardedDatabase) -> Iterator[list[str]]:
    """Note every statement that goes to the global database and to the shards; transactions' ends are none.

    Args:
        db: an open database.

    Yields:
        The SQL, in the order sent; an executemany is one.
    """
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(_FRAME):
            seen.append(statement)

    with ExitStack() as stack:
        for manager in managers(db):
            engine = manager.engine.sync_engine
            event.listen(engine, "before_cursor_execute", note)
            stack.callback(event.remove, engine, "before_cursor_execute", note)
        yield seen
