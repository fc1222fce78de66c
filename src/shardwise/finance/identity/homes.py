"""Giving accounts a shard, and telling the directory's cache of it when that is certain."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from shardwise.errors import DuplicateEntityError, UnknownAccountError
from shardwise.finance.identity.repository import AccountRepository, HomeRepository
from shardwise.routing.assignment import Assigner
from shardwise.routing.directory import Directory
from shardwise.routing.placement import Placement
from shardwise.schema.control import PlacementState
from shardwise.transactions import TransactionManager

_PLACED = "shardwise_placed"


async def give_home(
    session: AsyncSession, account_db_key: int, assignment: Assigner, *, state: PlacementState
) -> Placement:
    """Return where an account lives, placed and counted now if it lived nowhere.

    One caller at a time places an account; the others wait for it here and get the same answer, also if
    their transactions began to read before it was placed.

    Args:
        session: of the global database, in a transaction that the caller ends.
        account_db_key: an account that exists.
        assignment: chooses the shard.
        state: of a new home.

    Raises:
        NoActiveShardError: no shard can take it.
    """
    # Several who lose the race for the mapping would hold it shared, and wait for each other.
    await AccountRepository(session).get_by_id(account_db_key, for_update=True)
    homes = HomeRepository(session)
    placement = await homes.find(account_db_key)
    if placement is not None:
        return placement
    try:
        async with TransactionManager(session).transaction():
            with homes.translated():
                return await assignment.place(session, account_db_key, state=state)
    except DuplicateEntityError:  # committed by somebody after this transaction had begun to read
        placement = await homes.find(account_db_key, newest=True)
    if placement is None:
        raise UnknownAccountError(account_db_key)
    return placement


def remember_when_committed(
    session: AsyncSession, directory: Directory, account_db_key: int, placement: Placement
) -> None:
    """Let the directory keep a placement once the session's transaction is committed, not before.

    After any rollback in between, to a savepoint too, it is left to be looked up.
    """
    sync = session.sync_session
    if _PLACED not in sync.info:
        event.listen(sync, "after_commit", _remember)
        event.listen(sync, "after_soft_rollback", _forget)
    sync.info.setdefault(_PLACED, []).append((directory, account_db_key, placement))


def _remember(session: Session) -> None:
    if not session.in_nested_transaction():
        for directory, account_db_key, placement in session.info[_PLACED]:
            directory.remember(account_db_key, placement)
        session.info[_PLACED].clear()


def _forget(session: Session, transaction: SessionTransaction) -> None:
    session.info[_PLACED].clear()
