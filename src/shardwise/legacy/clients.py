"""The two kinds of client that old programs hold: of the global database, and of one shard."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import ConfigurationError, ReadOnlySessionError
from shardwise.legacy.answers import Answer
from shardwise.legacy.arguments import sequence_of
from shardwise.legacy.calling import call_registered
from shardwise.legacy.following import follow_statement
from shardwise.legacy.last_ids import remember_id
from shardwise.legacy.procedure import Procedure, Row, Rows
from shardwise.legacy.raw import execute
from shardwise.legacy.registry import find_procedure
from shardwise.legacy.server_calls import call_on_server
from shardwise.legacy.sql import Statement, prepare
from shardwise.legacy.transactions import TransactionScope
from shardwise.topology.manager import DatabaseManager

_COUNTS = ("affected_rows", "updated_count", "deleted_count")


class DatabaseClient:
    """Statements and procedures on one database; every call is a transaction of its own.

    Args:
        db: the database.
        shard_id: the shard; None = the global database.
    """

    def __init__(self, db: ShardedDatabase, shard_id: int | None = None) -> None:
        self.shard_id = shard_id
        self._db = db

    async def init_pool(self) -> None:
        """Do nothing: connections are made when they are needed."""

    async def close_pool(self) -> None:
        """Do nothing: the service closes them all."""

    async def execute_query(self, query: str, params: Any = ()) -> Rows:
        """Run a statement, commit, and return its rows; none for a statement that returns none.

        A statement that only reads runs again if its connection is lost; no other does.

        Args:
            query: SQL with `%s` for values, `%%` for a percent sign.
            params: the values in order, one value, or a dict for `%(name)s`.

        Raises:
            InvalidValueError: the values don't match the query, or are of a type that no column takes.
            CommitOutcomeUnknownError: the connection was lost, and nobody knows whether it is stored.
            DatabaseError: the database refused or failed the statement.
        """
        return (await self._execute(query, params)).rows

    async def execute_non_query(self, query: str, params: Any = ()) -> int:
        """Run a statement, commit, and return how many rows it wrote or found as they should be.

        Raises:
            DatabaseError: as `execute_query`.
        """
        return (await self._execute(query, params)).affected

    async def execute_read_query(self, query: str, params: Any = ()) -> Rows:
        """Run a statement that only reads, and return its rows.

        Nothing is kept of what a function of the server writes in it.

        Raises:
            ReadOnlySessionError: by its words it may write, or it is several statements.
            DatabaseError: as `execute_query`.
        """
        manager = await self._manager()
        statement = prepare(query, params, sqlite=manager.dialect_name == "sqlite")
        if not statement.reads:
            raise ReadOnlySessionError(
                "a query that only reads was asked for; this one may write, or is several statements"
            )
        return (await self._db.with_retry(self._run)(statement, read_only=True)).rows

    async def execute_stored_procedure(self, procedure_name: str, params: Any = ()) -> Rows:
        """Call a procedure: one of this library if it knows the name, else the server's.

        Args:
            procedure_name: in any case; `schema.name` is always the server's.
            params: the parameters in order.

        Returns:
            The rows of all its result sets, one after the other.

        Raises:
            UnknownProcedureError: nobody has it.
            Exception: see `calling.call_registered` and `server_calls.call_on_server`.
        """
        given, procedure = sequence_of(params), self._find(procedure_name)
        if procedure is not None:
            return await call_registered(self._db, procedure, given, shard_id=self.shard_id)
        return (await self._call_on_server(procedure_name, given)).rows

    async def call_procedure_update(self, procedure_name: str, params: Any = ()) -> int:
        """Call a procedure for what it changes, and return how many rows that were.

        Returns:
            What its first row says: `affected_rows`, `updated_count` or `deleted_count` if it has one, else
            1 for a row that reports success and 0 for one that reports anything else. Without a row, what
            the server counted for the procedure's last statement.

        Raises:
            Exception: as `execute_stored_procedure`.
        """
        given, procedure = sequence_of(params), self._find(procedure_name)
        if procedure is not None:
            rows = await call_registered(self._db, procedure, given, shard_id=self.shard_id)
            return _changed(rows[0]) if rows else 0
        answer = await self._call_on_server(procedure_name, given)
        return _changed(answer.rows[0]) if answer.rows else answer.affected

    def transaction(self) -> TransactionScope:
        """Open a block whose statements and procedures are one transaction."""
        self.require_open()
        return TransactionScope(self._db, self.shard_id)

    async def _execute(self, query: str, params: Any) -> Answer:
        manager = await self._manager()
        sqlite = manager.dialect_name == "sqlite"
        statement = prepare(query, params, sqlite=sqlite)
        if statement.reads:  # on a server it may still write, by a function, so that it is committed
            return await self._db.with_retry(self._run)(statement, read_only=sqlite)
        answer = await self._run(statement)
        if statement.inserts:
            remember_id(self._db, answer.inserted_id)
        if self.shard_id is None:
            await follow_statement(self._db, statement)
        return answer

    async def _run(self, statement: Statement, *, read_only: bool = False) -> Answer:
        async with self._session(read_only=read_only) as session:
            return await execute(session, statement)

    async def _call_on_server(self, name: str, given: Sequence[Any]) -> Answer:
        async with self._session() as session:
            return await call_on_server(session, name, given)

    def _find(self, name: str) -> Procedure | None:
        self.require_open()
        return find_procedure(name)

    def _session(self, *, read_only: bool = False) -> AbstractAsyncContextManager[AsyncSession]:
        if self.shard_id is None:
            return self._db.global_session(read_only=read_only)
        return self._db.shard_session(self.shard_id, read_only=read_only)

    async def _manager(self) -> DatabaseManager:
        self.require_open()
        if self.shard_id is None:
            return self._db.global_manager
        return await self._db.topology.manager(self.shard_id)

    def require_open(self) -> None:
        """Refuse to go on before `init_service`, and after `close_service`.

        Raises:
            ConfigurationError: the database is not open.
        """
        if not self._db.is_open:
            raise ConfigurationError("the database is not open: `await service.init_service()` comes first")


def _changed(row: Row) -> int:
    for name in _COUNTS:
        if isinstance(count := row.get(name), int):
            return count
    return int(row.get("result") == "SUCCESS" or row.get("ErrorCode") == 0)
