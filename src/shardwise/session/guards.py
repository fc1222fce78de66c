"""What a session checks before it writes."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Insert, Table, Update, event, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session, UOWTransaction
from sqlalchemy.sql.dml import UpdateBase

from shardwise.errors import (
    CrossAccountAccessError,
    MissingShardKeyError,
    ShardKeyChangedError,
    WrongShardError,
)
from shardwise.routing.writes import Parameters, refuse_changed_key, refuse_upserted_key, row_keys
from shardwise.schema.base import SHARD_KEY, TablePlacement, placement_of
from shardwise.topology.committing import CommittingSession
from shardwise.topology.read_only import ReadOnlySession


class GuardedSession(CommittingSession):
    """A session on one shard that refuses rows of no account, of another account, or of a changed one."""

    account_db_key: int | None = None
    shard_id: int | None = None

    # The three ways in for statements; an event would cost every SELECT of a pinned session its price.

    def execute(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Execute a statement, after a look at what it writes."""
        if isinstance(statement, UpdateBase):
            self._check_statement(statement, params)
        return super().execute(statement, params, **options)

    def scalar(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Execute a statement and return its first value, after a look at what it writes."""
        if isinstance(statement, UpdateBase):
            self._check_statement(statement, params)
        return super().scalar(statement, params, **options)

    def scalars(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """Execute a statement and return its values, after a look at what it writes."""
        if isinstance(statement, UpdateBase):
            self._check_statement(statement, params)
        return super().scalars(statement, params, **options)

    def _bulk_save_mappings(self, *args: Any, **options: Any) -> None:
        if self.account_db_key is not None:  # the old bulk_...() methods, which no event sees
            raise CrossAccountAccessError(
                "bulk_save_objects() and its like pass the guards of a session that is pinned to an account;"
                " use session.execute(insert(Model), rows)"
            )
        super()._bulk_save_mappings(*args, **options)

    def _check_statement(self, statement: UpdateBase, params: Parameters) -> None:
        """Refuse an INSERT of another account's rows, and an UPDATE that gives rows to another account."""
        table: Any = statement.table._deannotate()
        account = self.account_db_key
        if (
            account is None
            or not isinstance(table, Table)
            or placement_of(table) is not TablePlacement.SHARDED
        ):
            return
        if isinstance(statement, Insert):
            refuse_upserted_key(statement, table)
            if statement.select is None:
                _refuse_strangers(account, row_keys(statement, table, params), table)
        if isinstance(statement, Update):
            rows = [params] if isinstance(params, Mapping) else params or ()
            if statement._where_criteria:
                refuse_changed_key(statement, {name for row in rows for name in row})
            else:  # by primary key: the rows name the account that they are found by
                refuse_changed_key(statement, ())
                _refuse_strangers(account, (row[SHARD_KEY] for row in rows if SHARD_KEY in row), table)


def _refuse_strangers(account: int, keys: Iterable[Any], table: Table) -> None:
    for key in keys:
        if key != account:
            raise CrossAccountAccessError(
                f"this session is pinned to account {account} and was given a row for {table.name} of"
                f" account {key}; open db.session({key}) for it"
            )


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
    state: InstanceState[Any] = inspect(item)
    key: int | None = getattr(item, key_attribute(state.mapper))
    model = type(item).__name__
    if key is None:
        raise MissingShardKeyError(f"this {model} has no account_db_key; set it when the object is made")
    if state.key is not None and (stored := identity_key(state.mapper, state.key[1])) != key:
        raise ShardKeyChangedError(
            f"account_db_key of a stored {model} was changed from {stored} to {key}; a row doesn't change"
            " its account, delete it and create another one"
        )
    return key


def key_attribute(mapper: Mapper[Any]) -> str:
    """Return the name of the attribute that holds the account key."""
    return mapper.get_property_by_column(mapper.local_table.c[SHARD_KEY]).key


def identity_key(mapper: Mapper[Any], identity: Any) -> Any:
    """Return the account key within a primary key."""
    return identity[[column.name for column in mapper.primary_key].index(SHARD_KEY)]


@event.listens_for(GuardedSession, "before_flush")
def _guard(session: GuardedSession, context: UOWTransaction, instances: Any) -> None:
    for item in written_objects(session):
        key = checked_key(item)
        if key is not None and session.account_db_key is not None and key != session.account_db_key:
            raise CrossAccountAccessError(
                f"this session is pinned to account {session.account_db_key} and was given a"
                f" {type(item).__name__} of account {key}; open db.session({key}) for it"
            )
        loaded_from = shard_of_loading(item)
        if loaded_from is not None and loaded_from != session.shard_id:
            raise WrongShardError(
                f"a {type(item).__name__} that was loaded from shard {loaded_from} is in a session of shard"
                f" {session.shard_id}; load it again in this session"
            )


def shard_of_loading(item: object) -> int | None:
    """Return the shard that a routed session loaded or stored an object in, None if none did."""
    state: InstanceState[Any] = inspect(item)
    return None if state.key is None else state.key[2]
