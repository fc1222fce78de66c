"""What a session checks before it writes objects."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, Session, UOWTransaction

from shardwise.errors import CrossAccountAccessError, MissingShardKeyError, ShardKeyChangedError
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of
from shardwise.topology.committing import CommittingSession
from shardwise.topology.read_only import ReadOnlySession


class GuardedSession(CommittingSession):
    """A session on one shard that refuses rows of no account, of another account, or of a changed one."""

    account_db_key: int | None = None


class GuardedReadOnlySession(ReadOnlySession, GuardedSession):
    """A session on one shard that can't write at all."""


def written_objects(session: Session) -> Iterable[Any]:
    """Yield the objects whose rows the coming flush writes."""
    yield from session.new
    yield from session.deleted
    yield from (item for item in session.dirty if session.is_modified(item))


def checked_key(item: object) -> int | None:
    """Return the account key of an object about to be written, None if its model isn't sharded.

    Raises:
        MissingShardKeyError: it has none.
        ShardKeyChangedError: its stored row has another one.
    """
    if placement_of(type(item)) is not TablePlacement.SHARDED:
        return None
    key: int | None = getattr(item, SHARD_KEY)
    model = type(item).__name__
    if key is None:
        raise MissingShardKeyError(f"this {model} has no account_db_key; set it when the object is made")
    state: InstanceState[Any] = inspect(item)
    if state.persistent and (before := state.attrs[SHARD_KEY].history.deleted):
        raise ShardKeyChangedError(
            f"account_db_key of a stored {model} was changed from {before[0]} to {key}; a row doesn't change"
            " its account, delete it and create another one"
        )
    return key


@event.listens_for(GuardedSession, "before_flush")
def _guard(session: GuardedSession, context: UOWTransaction, instances: Any) -> None:
    for item in written_objects(session):
        key = checked_key(item)
        if key is not None and session.account_db_key is not None and key != session.account_db_key:
            raise CrossAccountAccessError(
                f"this session is pinned to account {session.account_db_key} and was given a"
                f" {type(item).__name__} of account {key}; open db.session({key}) for it"
            )
