"""Keeping a session from committing the rest of a transaction that the server has already undone.

InnoDB answers a deadlock by rolling back the whole transaction, savepoints included, and the connection
silently starts a new one with the next statement. Whoever catches the error and goes on would commit half
of the unit of work.
"""

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from shardwise.errors import TransientDatabaseError

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
        raise TransientDatabaseError(
            "the database has undone this transaction after a deadlock; leave the session's block with the"
            " error and run the unit of work again"
        ) from error


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_MARK, None)
