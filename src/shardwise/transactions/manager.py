"""Transactions that nest: all of a block's changes, or none."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shardwise.topology.driver_errors import has_undone_transaction, wrap, wrapping
from shardwise.transactions.undone import mark_undone


class TransactionManager:
    """Blocks whose changes are stored together.

    Args:
        session: any `AsyncSession`; several managers may share one.
    """

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Open a block: leaving it keeps its changes, an exception undoes them and goes on its way.

        On a session that is in no transaction yet, the block is the transaction: BEGIN, and COMMIT or
        ROLLBACK at its end. On a session that is in one (an enclosing `transaction()`, or a statement was
        executed before), the block is a SAVEPOINT: an exception undoes the block alone, and what it keeps
        is stored when the owner of the transaction commits: the enclosing block, or `session()`'s.

        A deadlock undoes the whole transaction, not only the innermost block. The enclosing blocks then
        can't commit what is left of it, even if the error was caught.

        Yields:
            The session.

        Raises:
            CommitOutcomeUnknownError: the connection was lost during COMMIT.
            DatabaseError: the database refused to begin, to commit or to set the savepoint.
            Exception: what the block raised, as it is.
        """
        if self.session.in_transaction():
            async with self._savepoint():
                yield self.session
        else:
            async with self._outermost():
                yield self.session

    @asynccontextmanager
    async def _outermost(self) -> AsyncGenerator[None]:
        committing = False
        try:
            async with self.session.begin():
                yield
                await self._flush()
                committing = True
        except DBAPIError as error:
            if committing:
                raise wrap(error, committing=True) from error
            raise

    @asynccontextmanager
    async def _savepoint(self) -> AsyncGenerator[None]:
        failure: BaseException | None = None
        try:
            async with self.session.begin_nested():
                try:
                    yield
                    await self._flush()
                except BaseException as error:
                    failure = error
                    raise
        except BaseException as error:
            # After a deadlock it is ROLLBACK TO SAVEPOINT that fails, and hides what came before.
            cause = error if failure is None else failure
            if has_undone_transaction(error) or has_undone_transaction(failure):
                mark_undone(self.session.sync_session, cause)
                if isinstance(cause, DBAPIError):
                    raise wrap(cause) from cause
                raise cause from cause.__cause__
            if failure is None and isinstance(error, DBAPIError):
                raise wrap(error) from error
            raise

    async def _flush(self) -> None:
        # Before COMMIT, so that a connection lost by a late INSERT isn't taken for an unknown outcome.
        with wrapping():
            await self.session.flush()
