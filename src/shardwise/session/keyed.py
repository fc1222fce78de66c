"""The session that routes each statement by the account key that it names."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.horizontal_shard import ShardedSession as HorizontalSession
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, SessionTransaction, UOWTransaction, object_mapper
from sqlalchemy.util import await_only

from shardwise.errors import CrossShardWriteError, MissingShardKeyError, UnroutableStatementError
from shardwise.routing.keys import statement_keys
from shardwise.routing.router import Router
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of
from shardwise.session.guards import checked_key, written_objects
from shardwise.topology.committing import CommittingSession
from shardwise.topology.manager import DatabaseManager


class KeyedSession(CommittingSession, HorizontalSession):
    """SQLAlchemy's horizontally sharded session with routing of our own in place of its choosers' loop.

    The stock session adds a listener to every instance and executes each statement from inside another
    execution. Here one listener of the class finds the shard and lets the statement go on; objects, lazy
    loads and refreshes keep to their shard by the identity token as in the stock session.
    """

    def __init__(self, *, router: Router, **options: Any) -> None:
        Session.__init__(self, **options)  # not the stock constructor, which would listen for itself
        self.shard_chooser = self._shard_of_object
        self.identity_chooser = self._shards_of_identity
        self._router = router
        self.written: set[int] = set()
        self.last_manager: DatabaseManager | None = None

    def get_bind(
        self,
        mapper: Any = None,
        *,
        shard_id: Any = None,
        instance: Any = None,
        clause: Any = None,
        **kw: Any,
    ) -> Any:
        """Return the engine of the shard that was found for a statement or an object."""
        if shard_id is None:
            if instance is None:
                raise UnroutableStatementError(
                    "a sharded_session has no connection of its own; use db.session(account_db_key)"
                    " or db.shard_session(shard_id)"
                )
            shard_id = self._choose_shard_and_assign(mapper, instance)
        manager = self._router.topology.serving(shard_id)
        if manager is None:
            manager = await_only(self._router.topology.manager(shard_id))
        self.last_manager = manager
        return manager.bind

    def find_shard(self, keys: Iterable[int] | None, what: str) -> int:
        """Return the shard of the keys; waits (in SQLAlchemy's greenlet) only for what isn't cached."""
        if isinstance(keys, frozenset) and len(keys) == 1:
            (key,) = keys
            if found := self._router.resolved(key):
                return found[0].shard_id
        return await_only(self._router.shard_of(keys, what))

    def note_write(self, shard_id: int) -> None:
        """Remember that a shard is written.

        Raises:
            CrossShardWriteError: another one was before, in the same transaction.
        """
        self.written.add(shard_id)
        if len(self.written) > 1:
            raise CrossShardWriteError(
                f"this session would write to the shards {sorted(self.written)} in one transaction, which one"
                " COMMIT can't make atomic; nothing was committed. Use one session for each account"
            )

    def _shard_of_object(self, mapper: Mapper[Any] | None, instance: Any, clause: Any = None) -> int:
        key = checked_key(instance)
        if key is None:
            raise MissingShardKeyError(
                f"{type(instance).__name__} isn't a sharded model; write it in db.shard_session(shard_id)"
            )
        return self.find_shard(frozenset((key,)), type(instance).__name__)

    def _shards_of_identity(self, mapper: Mapper[Any], primary_key: Any, **kw: Any) -> list[int]:
        if placement_of(mapper.class_) is not TablePlacement.SHARDED:
            return [self.find_shard(None, mapper.class_.__name__)]
        position = [column.key for column in mapper.primary_key].index(SHARD_KEY)
        return [self.find_shard(frozenset((primary_key[position],)), mapper.class_.__name__)]


@event.listens_for(KeyedSession, "do_orm_execute")
def _route(state: ORMExecuteState) -> None:
    session: Any = state.session
    shard_id = _token(state)
    if shard_id is None:
        keys = statement_keys(state.statement, state.parameters)
        shard_id = session.find_shard(keys, "the statement")
    if state.is_insert or state.is_update or state.is_delete:
        session.note_write(shard_id)
    state.update_execution_options(identity_token=shard_id)
    state.bind_arguments["shard_id"] = shard_id


def _token(state: ORMExecuteState) -> Any:
    """Return the shard that a lazy load or a refresh already knows."""
    token: Any
    if state.is_select:
        token = state.load_options._identity_token
    elif state.is_update or state.is_delete:
        token = state.update_delete_options._identity_token
    else:
        token = None
    return state.bind_arguments.get("shard_id") if token is None else token


@event.listens_for(KeyedSession, "before_flush")
def _guard(session: KeyedSession, context: UOWTransaction, instances: Any) -> None:
    for item in written_objects(session):
        checked_key(item)
        session.note_write(session._choose_shard_and_assign(object_mapper(item), item))


@event.listens_for(KeyedSession, "after_transaction_end")
def _forget(session: KeyedSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.written.clear()
