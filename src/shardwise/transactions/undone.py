"""Keeping a session of any engine from committing the rest of a transaction that a deadlock has undone.

The engines of this library refuse that themselves (`topology.undone`); this is for those of others.
"""

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from shardwise.errors import TransientDatabaseError
from shardwise.topology.undone import UNDONE

_MARK = "shardwise_undone_by"
_WATCHED = "shardwise_undone_watched"


def mark_undone(session: Session, error: BaseException) -> None:
    """Make every commit of the session's transaction fail until it is rolled back.

    Args:
        session: the session whose transaction the server has undone.
        error: what the server said; the cause of the commit's failure.
    """
    if not session.in_transaction():
        return
    session.info[_MARK] = error
    if not session.info.get(_WATCHED):
        session.info[_WATCHED] = True
        event.listen(session, "before_commit", _refuse)
        event.listen(session, "after_transaction_end", _forget)


def _refuse(session: Session) -> None:
    error: BaseException | None = session.info.get(_MARK)
    if error is not None:
        raise TransientDatabaseError(UNDONE) from error


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_MARK, None)
