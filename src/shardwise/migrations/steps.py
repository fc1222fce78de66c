"""How far a migration got, for the message if it fails."""

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy.exc import DBAPIError

from shardwise.errors import DatabaseError, MigrationError
from shardwise.topology.driver_errors import wrap


class Steps:
    """The revision that is being applied, and those that were.

    Args:
        migration: whose steps to follow, before they are run.
    """

    def __init__(self, migration: MigrationContext) -> None:
        self.current: str | None = None
        self._done = 0
        self._rolls_back = migration.impl.transactional_ddl
        work = migration._migrations_fn
        assert work is not None  # noqa: S101  # every command has one

        def followed(heads: Any, context: MigrationContext) -> Iterator[Any]:
            steps: Iterable[Any] = work(heads, context)
            for step in steps:
                self._done += self.current is not None
                self.current = str(step).rstrip(".")
                yield step

        migration._migrations_fn = followed

    def failure(self, target: str, error: Exception) -> MigrationError:
        """Return the error that says what failed and how to go on."""
        message = f"{target}: {self.current}: failed: {_cause(error)}."
        if self._rolls_back:
            return MigrationError(f"{message} Nothing was changed: all of it was rolled back")
        done = f"{self._done} before it stay applied" if self._done else "None was applied before it"
        return MigrationError(
            f"{message} {done}, and since the server commits each statement by itself, parts of this one"
            " may be in place. Put right what the cause says and run the same command again: it goes on"
            " where it stopped and does nothing twice"
        )


def _cause(error: Exception) -> str:
    if not isinstance(error, DBAPIError):
        return str(error).rstrip(".") or type(error).__name__
    ours = wrap(error)
    said: tuple[Any, ...] = getattr(error.orig, "args", ())
    # A refusal that has no name of ours is about structure: the server's words hold no values.
    return f"{ours}: {said[-1]}" if type(ours) is DatabaseError and said else str(ours)
