"""Sessions that know a COMMIT whose outcome nobody knows."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shardwise.topology.driver_errors import wrap


class CommittingSession(Session):
    """A session that tells a connection lost during COMMIT from one lost before it."""

    def commit(self) -> None:
        """Flush, then commit.

        Raises:
            CommitOutcomeUnknownError: the connection was lost after COMMIT was sent.
            DatabaseError: the database refused the COMMIT.
        """
        self.flush()  # by itself, so that a connection lost by a late INSERT isn't taken for the COMMIT's
        try:
            super().commit()
        except DBAPIError as error:
            raise wrap(error, committing=True) from error
