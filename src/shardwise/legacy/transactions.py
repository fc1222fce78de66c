"""Blocks in which statements and procedures are one transaction."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.database import ShardedDatabase
from shardwise.errors import DatabaseError
from shardwise.legacy.answers import Answer
from shardwise.legacy.arguments import account_of, sequence_of
from shardwise.legacy.calling import Arguments, attempt, check_home, check_scope, follow, run_body
from shardwise.legacy.error_log import Failure, write_failure
from shardwise.legacy.following import follow_statement
from shardwise.legacy.procedure import Call, Procedure, Rows
from shardwise.legacy.raw import execute
from shardwise.legacy.registry import find_procedure
from shardwise.legacy.server_calls import call_on_server
from shardwise.legacy.sql import Statement, prepare
from shardwise.topology.manager import DatabaseManager
from shardwise.transactions.manager import TransactionManager


class Transaction:
    """One transaction on the global database or on a shard.

    Calls that several tasks make at once follow one another, each as a whole.

    Attributes:
        session: for repositories and models in the same transaction, for one task at a time; whoever
            opened the block ends it.
        shard_id: the shard, None in the global database.
        failures: of its procedures, for the log.
        ended: whether the block was left.
    """

    def __init__(
        self, db: ShardedDatabase, manager: DatabaseManager, session: AsyncSession, shard_id: int | None
    ) -> None:
        self.session = session
        self.shard_id = shard_id
        self.failures: list[Failure] = []
        self.ended = False
        self._db = db
        self._manager = manager
        self._turn = asyncio.Lock()  # a savepoint that is undone takes along what others write meanwhile
        self._inserted_id = 0
        self._called: list[Procedure] = []
        self._written: list[Statement] = []

    async def execute_query(self, query: str, params: Any = ()) -> Rows:
        """Run a statement and return its rows; see `DatabaseService.execute_query`."""
        return (await self._execute(query, params)).rows

    async def execute_non_query(self, query: str, params: Any = ()) -> int:
        """Run a statement and return how many rows it wrote or found as they should be."""
        return (await self._execute(query, params)).affected

    async def get_last_insert_id(self) -> int:
        """Return the id of the row that was inserted last in this transaction, 0 if there is none."""
        return self._inserted_id

    async def call_procedure(self, name: str, params: Any = ()) -> Rows:
        """Call a procedure as a part of this transaction.

        A procedure of this library that fails undoes its own work, and nothing else; the block may go on.
        Its row in `table_errorlog` is written when the block has ended, however it ends. A procedure of the
        server does what it does: one that begins or ends a transaction commits this one.

        Raises:
            ProcedureScopeError: it doesn't belong to this database.
            Exception: see `DatabaseService.call_global_procedure`.
        """
        async with self._turn:
            return await self._call(name, params)

    execute_stored_procedure = call_procedure

    async def end(self) -> None:
        """Take nothing more, once the call under way is over; called by whoever opened the block."""
        self.ended = True
        async with self._turn:
            pass

    async def committed(self) -> None:
        """Make known what other parts keep in memory; called once the transaction is committed."""
        for procedure in self._called:
            await follow(self._db, procedure)
        for statement in self._written:
            await follow_statement(self._db, statement)

    async def _call(self, name: str, params: Any) -> Rows:
        self._require_block()
        given, procedure = sequence_of(params), find_procedure(name)
        if procedure is None:
            return (await call_on_server(self.session, name, given)).rows
        check_scope(procedure, self.shard_id)

        async def run(arguments: Arguments) -> Rows:
            return await self._run(procedure, arguments)

        outcome = await attempt(procedure, given, run)
        if outcome.failure is not None:
            self.failures.append(outcome.failure)
        if outcome.error is not None:
            raise outcome.error
        if procedure.writes:
            self._called.append(procedure)
        return outcome.rows

    async def _execute(self, query: str, params: Any) -> Answer:
        async with self._turn:
            self._require_block()
            statement = prepare(query, params, sqlite=self._manager.dialect_name == "sqlite")
            answer = await execute(self.session, statement)
        if statement.inserts:
            self._inserted_id = answer.inserted_id
        if not statement.reads and self.shard_id is None:
            self._written.append(statement)
        return answer

    def _require_block(self) -> None:
        if self.ended:  # its session would silently begin another transaction, which nobody ends
            raise DatabaseError("the block of this transaction was left; open another one")

    async def _run(self, procedure: Procedure, arguments: Arguments) -> Rows:
        key = account_of(arguments)
        if key is not None and self.shard_id is not None:
            await check_home(self._db, procedure, key, self.shard_id)
        call = Call(db=self._db, session=self.session, shard_id=self.shard_id)
        block: AbstractAsyncContextManager[Any] = nullcontext()
        if procedure.writes:
            block = TransactionManager(self.session).transaction()  # a savepoint: the transaction has begun
        try:
            async with block:
                return await run_body(procedure, call, arguments)
        except Exception as error:
            ours = self._manager.translate(error)
            if ours is error:
                raise
            raise ours from ours.__cause__


class TransactionScope:
    """A block with one transaction: `async with service.get_transaction() as transaction`.

    May also be awaited first, as the old method had to be.
    """

    def __init__(self, db: ShardedDatabase, shard_id: int | None) -> None:
        self._block = _transaction(db, shard_id)

    def __await__(self) -> Generator[Any, None, "TransactionScope"]:
        return self._self().__await__()

    async def _self(self) -> "TransactionScope":
        return self

    async def __aenter__(self) -> Transaction:
        return await self._block.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._block.__aexit__(kind, error, trace)


@asynccontextmanager
async def _transaction(db: ShardedDatabase, shard_id: int | None) -> AsyncGenerator[Transaction]:
    manager = db.global_manager if shard_id is None else await db.topology.manager(shard_id)
    scope: AbstractAsyncContextManager[AsyncSession] = (
        db.global_session() if shard_id is None else db.shard_session(shard_id)
    )
    failures: list[Failure] = []
    try:
        async with scope as session:
            await session.connection()
            transaction = Transaction(db, manager, session, shard_id)
            failures = transaction.failures
            try:
                yield transaction
            finally:
                await transaction.end()
    finally:  # not before: on SQLite the block holds the one lock for writers
        for failure in failures:
            await write_failure(db, shard_id, failure)
    await transaction.committed()
