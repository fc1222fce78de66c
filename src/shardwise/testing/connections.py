"""Which connections are checked out of their pools, and to which databases they lead."""

from types import TracebackType
from typing import Self

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

_KINDS = {"aiosqlite": "sqlite", "sqlite3": "sqlite", "asyncmy": "mariadb"}


def _kind(connection: DBAPIConnection) -> str:
    words = f"{type(connection).__module__}.{type(connection).__qualname__}".lower()
    return next((kind for word, kind in _KINDS.items() if word in words), "other")


class CheckedOutConnections:
    """Watches pools from `with` to its end: what is checked out now, and which kinds of database were used.

    Args:
        pools: the pools to watch; every pool of this process if none is given.
    """

    def __init__(self, *pools: Pool) -> None:
        self.kinds: set[str] = set()
        self._targets: tuple[Pool | type[Pool], ...] = pools or (Pool,)
        self._out: dict[int, str] = {}

    @property
    def count(self) -> int:
        """How many connections are checked out."""
        return len(self._out)

    def assert_none(self) -> None:
        """Check that every connection went back.

        Raises:
            AssertionError: naming the kinds of database whose connections did not.
        """
        assert not self._out, (
            f"{self.count} connection(s) left checked out: {', '.join(sorted(self._out.values()))};"
            " leave every session's block, and close every result of stream()"
        )

    def __enter__(self) -> Self:
        for target in self._targets:
            event.listen(target, "checkout", self._checked_out)
            event.listen(target, "checkin", self._checked_in)
            event.listen(target, "detach", self._checked_in)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for target in self._targets:
            event.remove(target, "checkout", self._checked_out)
            event.remove(target, "checkin", self._checked_in)
            event.remove(target, "detach", self._checked_in)

    def _checked_out(
        self, connection: DBAPIConnection, entry: ConnectionPoolEntry, proxy: PoolProxiedConnection
    ) -> None:
        kind = _kind(connection)
        self.kinds.add(kind)
        self._out[id(entry)] = kind

    def _checked_in(self, connection: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
        self._out.pop(id(entry), None)
