"""The session that routes each statement by the account key that it names."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.ext.horizontal_shard import ShardedSession as HorizontalSession
from sqlalchemy.orm import InstanceState, Mapper, ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.util import await_only

from shardwise.errors import CrossShardWriteError, UnroutableStatementError
from shardwise.routing.keys import statement_keys
from shardwise.routing.router import Router
from shardwise.schema.base import TablePlacement, placement_of
from shardwise.session.guards import checked_key, identity_key, shard_of_loading, written_objects
from shardwise.session.relationships import check_relationship
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
        self.identity_chooser = self._shards_of_identity
        self._router = router
        self._managers: dict[int, DatabaseManager] = {}
        self._inserting_on: int | None = None
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
        if shard_id is None and not self._flushing:
            shard_id = self._inserting_on
        if shard_id is None:
            if instance is None:
                raise UnroutableStatementError(
                    "a sharded_session has no connection of its own; use db.session(account_db_key)"
                    " or db.shard_session(shard_id)"
                )
            shard_id = self._choose_shard_and_assign(mapper, instance)
        manager = self._managers.get(shard_id) or self._router.topology.serving(shard_id)
        if manager is None:
            manager = await_only(self._router.topology.manager(shard_id))
        # The same one until the transaction ends, also when the configuration gives the shard another.
        self.last_manager = self._managers[shard_id] = manager
        return manager.bind

    @property
    def connection_callable(self) -> Any:  # type: ignore[override]  # SQLAlchemy asks whether it is there
        """Return what chooses a connection for each object; None within an INSERT of many rows.

        SQLAlchemy refuses to insert many rows of a model in a session that chooses by object.
        """
        if self._inserting_on is not None and not self._flushing:
            return None
        return super().connection_callable

    def insert(self, state: ORMExecuteState, shard_id: int) -> Any:
        """Execute an INSERT of a model on a shard."""
        self._inserting_on = shard_id
        try:
            return state.invoke_statement()
        finally:
            self._inserting_on = None

    def translate(self, error: BaseException) -> BaseException:
        """Return our error for a driver's, naming the database that was asked last."""
        return error if self.last_manager is None else self.last_manager.translate(error)

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

    def _choose_shard_and_assign(self, mapper: Any, instance: Any, **kw: Any) -> int:
        """Return the shard of an object: where it was loaded from, else where its account lives.

        The stock session would go by the token that a failed flush left on an object, whose account may
        have been changed since.
        """
        loaded_from = shard_of_loading(instance)
        if loaded_from is not None:
            return loaded_from
        key = checked_key(instance)
        if key is None:
            raise UnroutableStatementError(
                f"{type(instance).__name__} isn't a sharded model; write it in db.shard_session(shard_id)"
            )
        shard_id = self.find_shard(frozenset((key,)), type(instance).__name__)
        state: InstanceState[Any] = inspect(instance)
        state.identity_token = shard_id
        return shard_id

    def _shards_of_identity(self, mapper: Mapper[Any], primary_key: Any, **kw: Any) -> list[int]:
        if placement_of(mapper.class_) is not TablePlacement.SHARDED:
            return [self.find_shard(None, mapper.class_.__name__)]
        key = identity_key(mapper, primary_key)
        return [self.find_shard(frozenset((key,)), mapper.class_.__name__)]


@event.listens_for(KeyedSession, "do_orm_execute", retval=True)
def _route(state: ORMExecuteState) -> Any:
    session: Any = state.session
    shard_id = _token(state)
    if shard_id is None:
        keys = statement_keys(state.statement, state.parameters)
        shard_id = session.find_shard(keys, "the statement")
    elif state.is_relationship_load:
        check_relationship(state)
    if state.is_insert or state.is_update or state.is_delete:
        session.note_write(shard_id)
    state.update_execution_options(identity_token=shard_id)
    state.bind_arguments["shard_id"] = shard_id
    return session.insert(state, shard_id) if state.is_insert and state.is_orm_statement else None


def _token(state: ORMExecuteState) -> Any:
    """Return the shard that a lazy load or a refresh already knows."""
    options: Any = None
    if state.is_select:
        options = state.load_options
    elif state.is_update or state.is_delete:
        options = state.update_delete_options
    named = (
        getattr(options, "_identity_token", None),
        state.execution_options.get("identity_token"),  # where selectinload hands it on
        state.bind_arguments.get("shard_id"),
    )
    return next((token for token in named if token is not None), None)


@event.listens_for(KeyedSession, "before_flush")
def _guard(session: KeyedSession, context: UOWTransaction, instances: Any) -> None:
    for item in written_objects(session):
        if checked_key(item) is None:
            raise UnroutableStatementError(
                f"{type(item).__name__} isn't a sharded model; write it in db.shard_session(shard_id)"
            )
        session.note_write(session._choose_shard_and_assign(None, item))


@event.listens_for(KeyedSession, "after_transaction_end")
def _forget(session: KeyedSession, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.written.clear()
        session._managers.clear()
